"""Workers and commands as processes of their own, and waiting until all that a feed holds is published."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from config.errors import ServiceError
from config.settings import Settings
from foule.proof.tallies import TallyLog
from foule.proof.topics import LogRecord, TopicReader, read_topic
from foule.server_process import LOOPBACK, ServerProcess
from sinks.kafka import records
from sinks.values import Values
from zones import load as load_places

__all__ = ["Ended", "Feed", "LogRecord", "Tail", "Worker", "foule", "read_topic", "wait_until", "wait_until_released"]

ROOT = Path(__file__).resolve().parents[2]

_PAUSE = 0.2
_METRICS_SECONDS = 5.0
_METRICS_ATTEMPTS = 5


class Ended(NamedTuple):
    """How a process ended: its exit code, and after how many seconds."""

    code: int
    seconds: float


class Worker(ServerProcess):
    """``foule worker`` with a settings file, as a process with its metrics on a free port.

    ``kill()`` ends it as a crash would, ``terminate()`` as a supervisor does; ``start()`` begins again. Its log is
    ``log_text``, also after ``stop()``. ``variables``: of its environment.
    """

    name = "foule worker"
    start_within = 90.0
    stop_within = 30.0

    def __init__(self, settings_file: Path, **variables: str) -> None:
        super().__init__()
        self._variables = variables
        self._settings_file = settings_file.resolve()
        self._log_text = ""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "foule", "worker", "--settings", str(self._settings_file)]

    def environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(ROOT), "FOULE_METRICS__PORT": str(self.port)}
        return {**os.environ, **own, **self._variables}

    def answers(self) -> bool:
        try:
            return bool(self.metrics())
        except (URLError, HTTPException, OSError):
            return False

    def stop(self) -> None:
        self._keep_log()
        super().stop()

    def terminate(self) -> Ended:
        """End it by SIGTERM, and wait for its end."""
        assert self._process is not None
        begun = time.monotonic()
        self._signal(signal.SIGTERM)
        code = self._process.wait(60)
        ended = Ended(code, time.monotonic() - begun)
        self.kill()
        return ended

    @property
    def shards(self) -> set[int]:
        """The partitions that it has."""
        given = [re.fullmatch(r'foule_checkpoint_age_seconds{partition="(\d+)"}', name) for name in self.metrics()]
        return {int(match[1]) for match in given if match is not None}

    @property
    def log_text(self) -> str:
        """All that the worker has printed."""
        self._keep_log()
        return self._log_text

    def _keep_log(self) -> None:
        with suppress(OSError, ServiceError):  # it has no folder before its start and after its stop
            self._log_text = self.log.read_text(errors="replace")

    def metrics_text(self) -> str:
        """What Prometheus reads from the worker now."""
        for attempt in range(_METRICS_ATTEMPTS):
            try:
                with urlopen(f"http://{LOOPBACK}:{self.port}/metrics", timeout=_METRICS_SECONDS) as answer:
                    return str(answer.read().decode())
            except ConnectionError:
                if attempt + 1 == _METRICS_ATTEMPTS:
                    raise
                time.sleep(_PAUSE)
        raise AssertionError("not reached")

    def metrics(self) -> dict[str, float]:
        """Every sample: its name, with its labels if it has any, to its value: ``foule_records_read_total``,
        ``foule_records_rejected_total{reason="bad_time"}``."""
        samples = {}
        for family in text_string_to_metric_families(self.metrics_text()):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return samples


def foule(*arguments: str | Path) -> dict[str, Any]:
    """Run a command of foule as a process; the JSON object of its last line."""
    command = [sys.executable, "-m", "foule", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


class Feed:
    """``foule simulate`` with a settings file as a process beside the test; a context manager that ends it."""

    def __init__(self, settings_file: Path, *, people: int, speed: int) -> None:
        command = [sys.executable, "-m", "foule", "simulate", "--settings", str(settings_file), "--people", str(people)]
        self._process = subprocess.Popen(
            [*command, "--speed", str(speed)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self, within: float) -> None:
        """Wait until all is sent."""
        assert self._process.wait(within) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


class Tail:
    """Reads topics from their beginnings on; ``records`` holds all that has been read. A context manager."""

    def __init__(self, settings: Settings, *topics: str) -> None:
        self.records: list[LogRecord] = []
        self._readers = [TopicReader(settings, topic) for topic in topics]

    def read(self) -> list[LogRecord]:
        """What is new up to the ends that the topics have now, in the order of each partition."""
        new = [record for reader in self._readers for record in reader.read()]
        self.records += new
        return new

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._readers:
            reader.close()


def wait_until(done: Callable[[], bool], within: float, what: str, workers: Sequence[Worker] = ()) -> None:
    """Wait until ``done()``. Fails after ``within`` seconds, or when a worker that was running has ended."""
    deadline = time.monotonic() + within
    while not done():
        for worker in workers:
            if worker.pid is None:
                raise AssertionError(f"a worker has ended while waiting until {what}:\n{worker.log_text[-4000:]}")
        if time.monotonic() > deadline:
            logs = "\n".join(worker.log_text[-2000:] for worker in workers)
            raise AssertionError(f"not within {within:g} s: {what}\n{logs}")
        time.sleep(_PAUSE)


def wait_until_released(settings: Settings, watermark: int, within: float, workers: Sequence[Worker] = ()) -> None:
    """Wait until every window up to ``watermark`` (the last epoch's end, UTC ms) is decided and published.

    ``watermark`` is what ``foule replay`` and ``foule simulate`` print; every shard must reach it.
    """
    topics = settings.topics
    values = Values.of(settings, load_places(settings.zones).layers)
    of_numbers = (topics.presence, topics.flows, topics.indicators)
    with TallyLog(settings) as tallies, Tail(settings, *of_numbers) as published:

        def done() -> bool:
            tallies.read()
            if not tallies.sealed(watermark) or any(window.end <= watermark for window in tallies.undecided):
                return False
            published.read()
            last = [] if tallies.last_released is None else list(records(tallies.last_released, values=values))
            return {(each.key, each.value) for each in last} <= {(each.key, each.value) for each in published.records}

        wait_until(done, within, f"every window up to {watermark} is published", workers)
