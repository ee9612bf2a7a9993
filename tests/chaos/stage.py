"""The servers, the workers, the feed and the watch of a run; all of it is gone when the run has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis

from config.errors import ServiceError
from config.settings import Settings, load
from foule.proof.witness import KeyWitness
from foule.server_process import ServerProcess
from streams import topics
from tests.chaos.crowd import CATALOGUE, LAYERS
from tests.chaos.group import Group
from tests.chaos.watch import Watch
from tests.services.real_kafka import RealKafka
from tests.services.real_redis import RealRedis
from tests.services.settings_file import make_names, write_settings

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4
SEAL_EVERY, CHECKPOINT_EVERY = 1.0, 5.0
_K = 10
_SENDS_WITHIN = 60.0


def indicators(epoch_days: int) -> dict[str, object]:
    """The section of the settings in which everything is counted that epochs of so many days have."""
    wanted: dict[str, object] = {"dwell": ["1h", "1d"], "origins": ["1h", "1d"], "trip_stay": "5m", "habitual_days": 1}
    wanted |= dict.fromkeys(["nights", "categories", "catchment", "trips", "occupancy"], True)
    several = dict.fromkeys(["recurrence", "sojourns", "usual"], epoch_days > 1)
    return {**wanted, **several, "usual_nights": 1}


class Stage:
    """Everything that a run needs, started; a context manager. ``folder`` gets the settings and all logs."""

    def __init__(self, folder: Path, workers: int, epoch_days: int, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._epoch_days = epoch_days
        self.broker = RealKafka()
        self.numbers = RealRedis(persistent=True)
        self.keys = RealRedis()
        self.say = say
        self._workers = workers
        self._closing = ExitStack()
        self.settings_file = folder / "foule.toml"

    def __enter__(self) -> Self:
        try:
            for server in (self.broker, self.numbers, self.keys):
                self._closing.enter_context(server)
            self._closing.callback(self._keep_broker_log)
            self.witness = self._closing.enter_context(KeyWitness(self.keys.url))
            self.settings = self._settings()
            topics.create(self.settings)
            self.watch = Watch(self.settings)
            self.watch.start()
            self._closing.callback(self.watch.close)
            self.group = Group(self.settings_file, self.folder, self.say)
            self._closing.callback(self.group.close)
            for _ in range(self._workers):
                self.group.start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def feed(self, seed: int, events: int, seconds: float) -> Feed:
        """Start the producer; the stage ends it."""
        feed = Feed(self.settings_file, self.folder / "feed.log", seed, events, seconds)
        self._closing.callback(feed.close)
        return feed

    def redis(self, server: RealRedis) -> Redis:
        """A connection to one of the two; close it."""
        return Redis.from_url(server.url, socket_timeout=2.0)

    def _settings(self) -> Settings:
        names = make_names()
        (self.folder / "cells.csv").write_text(CATALOGUE)
        write_settings(
            self.settings_file,
            {
                "kafka": {"bootstrap": self.broker.bootstrap, "group": names.group},
                "topics": {**names.topics, "partitions": PARTITIONS},
                "zones": {
                    "cells": self.folder / "cells.csv",
                    "min_difference": 0,
                    "layers": [{"name": layer, "column": layer} for layer in LAYERS],
                },
                "time": {"epoch_days": self._epoch_days},
                "indicators": indicators(self._epoch_days),
                "privacy": {"k": _K},
                "stream": {
                    "seal_every": f"{SEAL_EVERY:g}s",
                    "checkpoint_every": f"{CHECKPOINT_EVERY:g}s",
                    "idle_after": "4s",
                },
                "redis": {"url": self.numbers.url},
                "keys": {"url": self.keys.url},
                "metrics": {"port": 0},
            },
        )
        return load(self.settings_file)

    def _keep_broker_log(self) -> None:
        (self.folder / "broker.log").write_text(self.broker.log.read_text(errors="replace"))


def terminate(server: ServerProcess, within: float = 10.0) -> None:
    """Let a server end by itself (SIGTERM), or by force after ``within`` seconds; ``start()`` begins again."""
    pid = server.pid
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within
    while server.pid is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    server.kill()


class Feed:
    """The producer's process: ``state`` is the last thing that it said."""

    def __init__(self, settings_file: Path, log: Path, seed: int, events: int, seconds: float) -> None:
        options = {"--settings": settings_file, "--seed": seed, "--events": events, "--seconds": seconds}
        arguments = [str(part) for option in options.items() for part in option]
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.feed", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self.state: dict[str, Any] = {}
        self.sending_since = 0.0
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait("sending", _SENDS_WITHIN)
        self.sending_since = time.time()

    def wait(self, state: str, within: float) -> dict[str, Any]:
        """Wait until it has said that it is in this state. Raises ServiceError if it ends or does not in time."""
        with self._told:
            self._told.wait_for(lambda: self.state.get("state") in (state, "ended"), within)
        if self.state.get("state") != state:
            raise ServiceError(f"the feed did not come to the state {state!r} within {within:g} s: {self._log.name}")
        return self.state

    def finish(self, within: float) -> dict[str, Any]:
        """Let it end the feed, once all is sent; tells ``sent`` and ``watermark``, the end of the last epoch."""
        self.wait("sent", within)
        assert self._process.stdin is not None
        self._process.stdin.write("finish\n")
        self._process.stdin.flush()
        return self.wait("finished", within)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._tell(json.loads(line))
        if self.state.get("state") != "finished":
            self._tell({"state": "ended"})

    def _tell(self, state: dict[str, Any]) -> None:
        with self._told:
            self.state = state
            self._told.notify_all()
