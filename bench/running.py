"""Workers that a bench starts: their settings, and what they use and count, seen from outside."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import psutil

from bench import figures, workload
from config.errors import ServiceError
from config.settings import load
from streams import topics
from tests.e2e.running import Worker
from tests.services.settings_file import write_settings

_PAUSE = 0.5
_STALL_SECONDS = 120.0

READ = "foule_records_read_total"
ACCEPTED = "foule_records_accepted_total"
LATE = "foule_records_late_total"
REJECTED = "foule_records_rejected_total"


class Servers:
    """Where a run's Kafka and both Redis are, and the topic of events on it."""

    def __init__(self, bootstrap: str, redis: str, keys: str, events: str, partitions: int) -> None:
        self.bootstrap = bootstrap
        self.redis = redis
        self.keys = keys
        self.events = events
        self.partitions = partitions

    def settings(self, folder: Path, name: str, layers: int = 1, **more: Mapping[str, object]) -> Path:
        """Write the settings of a group of workers of this name, whose topics are its own but for the events, and
        create these."""
        folder.mkdir(parents=True, exist_ok=True)
        own = ("rejected", "frontier", "tallies", "checkpoints", "presence", "flows")
        columns = [{"name": column, "column": column} for column in workload.LAYERS[:layers]]
        sections: dict[str, dict[str, object]] = {
            "kafka": {"bootstrap": self.bootstrap, "group": name},
            "topics": {
                "events": self.events,
                "partitions": self.partitions,
                **{each: f"{name}.{each}" for each in own},
            },
            "zones": {"cells": workload.write_cells(folder / "cells.csv"), "layers": columns},
            "time": {"windows": workload.WINDOWS},
            "redis": {"url": self.redis},
            "keys": {"url": self.keys},
            "log": {"level": "warning"},
        }
        merged = {name: {**given, **more.get(name, {})} for name, given in sections.items()}
        merged.update({name: dict(given) for name, given in more.items() if name not in merged})
        path = write_settings(folder / f"{name}.toml", merged)
        topics.create(load(path, {}))
        return path


class BenchWorker(Worker):
    """A worker whose processor time and memory are read; with ``notes``, one that is watched from inside."""

    def __init__(self, settings_file: Path, notes: Path | None = None) -> None:
        super().__init__(settings_file)
        self.notes = notes

    def command(self) -> list[str]:
        plain = super().command()
        if self.notes is None:
            return plain
        return [sys.executable, "-m", "bench.watched_worker", str(self.notes), *plain[3:]]

    def totals(self) -> Counter[str]:
        """The sum of each metric over its labels; nothing before the worker answers."""
        sums = Counter[str]()
        with suppress(URLError, ConnectionError):
            for name, value in self.metrics().items():
                sums[name.partition("{")[0]] += value  # type: ignore[assignment]
        return sums

    def total(self, name: str) -> float:
        """The sum of one metric over its labels."""
        return self.totals()[name]

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far."""
        return figures.cpu_seconds(figures.tree(self._seen()))

    def memory_mb(self) -> float:
        """Resident memory of all its processes now."""
        return float(sum(each.memory_info().rss for each in figures.tree(self._seen()))) / 1e6

    def _seen(self) -> psutil.Process:
        if self.pid is None:
            raise ServiceError(f"a worker has ended; the end of its log:\n{self.log_text[-2000:]}")
        return psutil.Process(self.pid)


def wait_for(
    what: str, workers: Sequence[BenchWorker], progress: Callable[[], float], enough: float, pause: float = _PAUSE
) -> None:
    """Wait until ``progress()`` is ``enough``. Raises ServiceError, with the ends of the workers' logs, if one of them
    ends or nothing goes on for two minutes."""
    seen, deadline = -1.0, 0.0
    while (now := progress()) < enough:
        if now != seen:
            seen, deadline = now, time.monotonic() + _STALL_SECONDS
        if time.monotonic() > deadline or any(worker.pid is None for worker in workers):
            logs = "\n".join(worker.log_text[-2000:] for worker in workers)
            raise ServiceError(f"the bench waits in vain until {what}; the ends of the workers' logs:\n{logs}")
        time.sleep(pause)
