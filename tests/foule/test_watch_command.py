"""``foule watch`` on a real Redis."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from anonymizer.gate import Publication
from config.secret import Secret
from config.sections import RedisSettings
from foule.cli import main
from foule.embedded import EmbeddedRedis
from foule.server_process import free_port
from sinks.redis import RedisSink
from tests.services.real_redis import RealRedis
from tests.sinks.released import FIVE_MINUTES, NOON, crowd, publication

ROOT = Path(__file__).resolve().parents[2]


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["watch", *arguments], env={"FOULE_REDIS__URL": url, "COLUMNS": "100"})


def publish(url: str, *publications: Publication) -> None:
    async def all_of_them() -> None:
        async with RedisSink(RedisSettings(url=Secret(url))) as sink:
            await sink.publish_all(publications)

    asyncio.run(all_of_them())


def test_once_prints_every_layer_and_ends(redis_url: str) -> None:
    publish(redis_url, publication(crowd(1240, "beach")), publication(crowd(77, "17094"), layer="towns"))
    result = run(redis_url, "--once")
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines() if "new" in line] == [
        ["beach", "1,240"],
        ["17094", "77"],
    ]


def test_a_layer_can_be_chosen(redis_url: str) -> None:
    publish(redis_url, publication(crowd(1240, "beach")), publication(crowd(77, "17094"), layer="towns"))
    result = run(redis_url, "--once", "--json", "--layer", "towns")
    assert json.loads(result.stdout)["layers"].keys() == {"towns"}


def test_layers_of_the_settings_are_shown_before_anything_is_published(redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    (tmp_path / "cells.csv").write_text("cell,town\n1,Yves\n")
    file.write_text('[zones]\ncells = "cells.csv"\n[[zones.layers]]\nname = "towns"\ncolumn = "town"\n')
    assert json.loads(run(redis_url, "--settings", str(file), "--once", "--json").stdout) == {"layers": {"towns": None}}
    assert "Nothing has been published yet" in run(redis_url, "--once").stdout


def test_a_redis_that_does_not_answer_ends_once_with_status_1() -> None:
    result = run(f"redis://127.0.0.1:{free_port()}/0", "--once")
    assert result.exit_code == 1
    assert result.stderr.startswith("foule: Redis at redis://127.0.0.1:")


def test_json_prints_a_line_for_every_change(redis_url: str) -> None:
    publish(redis_url, publication(crowd(40, "beach")))
    environment = {**os.environ, "FOULE_REDIS__URL": redis_url}
    command = [sys.executable, "-m", "foule", "watch", "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())
            publish(redis_url, publication(crowd(55, "beach"), start=NOON + FIVE_MINUTES, version=2))
            second = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert [line["layers"]["places"]["zones"]["beach"] for line in (first, second)] == [
        {"people": 40},
        {"people": 55, "change": 15},
    ]


class Terminal:
    """A terminal of 100 columns and 30 lines, and all that a program wrote to it."""

    def __init__(self) -> None:
        self._screen, self.program_side = pty.openpty()
        fcntl.ioctl(self.program_side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.shown = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while chunk := os.read(self._screen, 65_536):
            self.shown += chunk

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 20
        while text.encode() not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.shown!r}"
            time.sleep(0.05)
        self.shown = b""


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    make: Callable[[], EmbeddedRedis] = EmbeddedRedis if RealRedis.absent() else RealRedis
    with make() as server:
        yield server


def test_the_table_outlives_a_restart_of_redis_and_ends_with_control_c(server: EmbeddedRedis) -> None:
    publish(server.url, publication(crowd(40, "beach")))
    environment = {**os.environ, "FOULE_REDIS__URL": server.url, "TERM": "xterm-256color"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    terminal = Terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "foule", "watch"],
        cwd=ROOT,
        env=environment,
        stdin=terminal.program_side,
        stdout=terminal.program_side,
        stderr=terminal.program_side,
    )
    try:
        terminal.wait_for("beach")
        server.kill()
        terminal.wait_for("trying again")
        server.start()
        publish(server.url, publication(crowd(4567, "harbour"), start=NOON + FIVE_MINUTES, version=2))
        terminal.wait_for("4,567")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
