"""A worker leaves no core dump: what is in its memory is personal data, and keys."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from foule import dumps
from foule.server_process import free_port
from tests.conftest import SettingsMaker
from tests.e2e.running import ROOT, Worker, wait_until

#: Raises the limit as far as it goes, forbids dumps if told to, says what holds then, and waits to be ended.
PROCESS = """
import ctypes, resource, sys
from foule import dumps
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
if "forbid" in sys.argv:
    dumps.forbid()
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform == "linux" else 0
print(*resource.getrlimit(resource.RLIMIT_CORE), dumpable, flush=True)
sys.stdin.read()
"""


def ended_by_a_crash(folder: Path, *arguments: str) -> tuple[str, bool]:
    """What the process said, and whether the kernel dumped it when it crashed."""
    command = [sys.executable, "-c", PROCESS, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        said: str = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGSEGV
    return said, os.WCOREDUMP(status)


def test_a_process_that_forbids_them_leaves_no_core_dump(tmp_path: Path) -> None:
    assert ended_by_a_crash(tmp_path, "forbid") == ("0 0 0", False)
    assert list(tmp_path.iterdir()) == []
    if sys.platform == "linux":  # any other process may be dumped
        assert ended_by_a_crash(tmp_path)[0].endswith(" 1")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the limits of others on Linux only")
def test_a_worker_forbids_core_dumps_before_it_reaches_any_server(settings_for: SettingsMaker, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("cell,zone\na,beach\n")
    closed = f"127.0.0.1:{free_port()}"
    zones = {"cells": "cells.csv", "layers": [{"name": "town", "column": "zone"}]}
    with Worker(settings_for(tmp_path, kafka={"bootstrap": closed}, zones=zones)) as worker:
        wait_until(lambda: "the worker waits" in worker.log_text, 30, "the worker waits for Kafka", [worker])
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


@pytest.mark.parametrize(("lines", "areas"), [(["Filename Type Size"], 0), (["Filename", "/dev/sda2 partition"], 1)])
def test_swap_areas_are_counted(tmp_path: Path, lines: list[str], areas: int) -> None:
    (tmp_path / "swaps").write_text("\n".join(lines) + "\n")
    assert dumps.swaps(tmp_path / "swaps") == areas


def test_a_machine_that_does_not_tell_its_swap_areas_is_not_said_to_have_none(tmp_path: Path) -> None:
    assert dumps.swaps(tmp_path / "absent") is None
