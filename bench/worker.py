"""Our side of the bench: ``foule worker`` as an operator starts it, watched from outside."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench import figures, workload
from bench.figures import Figures
from bench.topic import PARTITIONS
from config.errors import ServiceError
from config.settings import load
from foule.server_process import LOOPBACK, free_port
from streams import topics
from tests.services.settings_file import write_settings

CHECKPOINT_EVERY = "5s"
"""Six times as often as by default, so that a short run pays for more than one."""

_START_SECONDS = 60.0
_STALL_SECONDS = 60.0
_STOP_SECONDS = 30.0
_READ = "foule_records_read_total"
_OFTEN, _SELDOM = 0.05, 0.5


class WorkerRun:
    """A run of one worker over a filled topic. A context manager; on leaving, the worker is stopped."""

    def __init__(self, folder: Path, bootstrap: str, events_topic: str, redis: str, keys: str) -> None:
        self._port = free_port()
        self._log = folder / "worker.log"
        cells = workload.write_cells(folder / "cells.csv")
        self._settings = write_settings(
            folder / "foule.toml",
            {
                "kafka": {"bootstrap": bootstrap, "group": "bench"},
                "topics": {"events": events_topic, "partitions": PARTITIONS},
                "zones": {"cells": cells, "layers": [{"name": "zones", "column": workload.LAYERS[0]}]},
                "time": {"windows": workload.WINDOWS},
                "stream": {"checkpoint_every": CHECKPOINT_EVERY},
                "redis": {"url": redis},
                "keys": {"url": keys},
                "metrics": {"host": LOOPBACK, "port": self._port},
                "log": {"level": "warning"},
            },
        )
        topics.create(load(self._settings, {}))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "foule", "worker", "--settings", str(self._settings)]
        with self._log.open("wb") as log:
            self._process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(psutil.NoSuchProcess):
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except psutil.TimeoutExpired:
                self._process.kill()

    def figures(self, events: int) -> Figures:
        """Wait until the worker has counted this many records; returns what that took from its assignment on.

        Raises ServiceError, with the end of the worker's log, if it ends or stands still.
        """
        deadline, cpu = time.monotonic() + _START_SECONDS, 0.0
        while not self._metrics().get("foule_recovery_seconds"):
            # the last look before the assignment counts, so that nothing of the work is missed
            cpu = self._cpu_seconds()
            self._pause(_OFTEN, deadline)
        begun, read, seen = time.monotonic(), 0, dict[str, float]()
        deadline = begun + _STALL_SECONDS
        while read < events:
            self._pause(_SELDOM, deadline)
            seen = self._metrics()
            if int(seen.get(_READ, 0)) > read:
                read, deadline = int(seen[_READ]), time.monotonic() + _STALL_SECONDS
        seconds, cpu = time.monotonic() - begun, self._cpu_seconds() - cpu
        peak = sum(figures.peak_mb(process) for process in figures.tree(self._process))
        return Figures.of("foule", read, seconds, cpu, peak, self._more(read, seen))

    def _more(self, read: int, seen: dict[str, float]) -> dict[str, int]:
        """What else happened in the run, by which one sees that nothing was left out."""
        counted = {
            "accepted": "foule_records_accepted_total",
            "late": "foule_records_late_total",
            "rejected": "foule_records_rejected_total",
            "released_windows": "foule_released_windows_total",
            "checkpoints": "foule_checkpoint_seconds_count",
        }
        more = {name: int(seen.get(metric, 0)) for name, metric in counted.items()}
        if more["accepted"] + more["late"] + more["rejected"] != read:
            raise ServiceError(f"the worker does not account for every record: {seen}")
        if not more["checkpoints"] or not more["rejected"]:
            raise ServiceError(f"the run was too short: no checkpoint or no dead letter in it: {more}; more --events")
        return more

    def _cpu_seconds(self) -> float:
        return figures.cpu_seconds(figures.tree(self._process))

    def _metrics(self) -> dict[str, float]:
        """The sum of every metric over its labels; empty before the worker answers."""
        try:
            with urlopen(f"http://{LOOPBACK}:{self._port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except (URLError, ConnectionError):
            return {}
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums

    def _pause(self, seconds: float, deadline: float) -> None:
        if self._process.poll() is not None or time.monotonic() > deadline:
            state = "stands still" if self._process.poll() is None else "has ended"
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
            raise ServiceError(f"the worker {state}; the end of its log:\n{tail}")
        time.sleep(seconds)
