"""What the demo runs besides itself: the embedded broker, two Valkeys and a worker, all stopped at its end."""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

import foule
from config.errors import ServiceError
from config.settings import Settings, load
from foule.embedded import EmbeddedBroker, EmbeddedRedis
from foule.proof.witness import KeyWitness
from foule.server_process import LOOPBACK, ServerProcess
from streams import topics

_METRICS_SECONDS = 30.0
_ENDING_SECONDS = 0.5  # its connections break a moment before it has ended


class WorkerFigures(NamedTuple):
    """What a worker counted, from its metrics: ``read`` = ``accepted`` + ``late`` + the sum of ``rejected``."""

    read: int
    accepted: int
    late: int
    rejected: Mapping[str, int]
    windows: int
    """Windows of a layer released with at least one number."""
    late_tallies: int
    offset_gaps: int


class WorkerProcess(ServerProcess):
    """``foule worker`` as a process of its own; its port is that of its metrics, its log is a file."""

    name = "Worker"
    start_within = 60.0

    def __init__(self, settings_file: Path, environment: Mapping[str, str]) -> None:
        """``environment``: of the worker; the port of the metrics and the folder of temporary files are added."""
        super().__init__()
        self._settings_file = settings_file.resolve()
        self._environment = environment

    def command(self) -> list[str]:
        return [sys.executable, "-m", "foule", "worker", "--settings", str(self._settings_file)]

    def environment(self) -> dict[str, str]:
        sources = str(Path(foule.__file__).parents[1])  # also where foule is run from its sources
        paths = [sources, *filter(None, [os.environ.get("PYTHONPATH")])]
        own = {"PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(self.folder), "FOULE_METRICS__PORT": str(self.port)}
        return {**self._environment, **own}

    def answers(self) -> bool:
        try:
            return bool(self._metrics())
        except OSError:
            return False

    def require_running(self) -> None:
        """Raise ServiceError, with the end of its log, if the worker has ended."""
        if self.pid is None:
            raise ServiceError(f"the worker has ended; the end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of its log."""
        return self._log_tail()

    def figures(self) -> WorkerFigures:
        """What it has counted so far. Raises ServiceError if it has ended or does not answer."""
        self.require_running()
        try:
            text = self._metrics()
        except OSError as error:
            time.sleep(_ENDING_SECONDS)
            self.require_running()
            raise ServiceError(f"the worker does not answer on port {self.port}: {error}") from error
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

        def total(name: str) -> int:
            return sum(int(sample.value) for sample in samples if sample.name == name)

        rejected = {
            sample.labels["reason"]: int(sample.value)
            for sample in samples
            if sample.name == "foule_records_rejected_total"
        }
        return WorkerFigures(
            read=total("foule_records_read_total"),
            accepted=total("foule_records_accepted_total"),
            late=total("foule_records_late_total"),
            rejected=rejected,
            windows=total("foule_released_windows_total"),
            late_tallies=total("foule_late_tallies_total"),
            offset_gaps=total("foule_offset_gaps_total"),
        )

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/metrics", timeout=_METRICS_SECONDS) as answer:
            return str(answer.read(), "utf-8")


class Services:
    """Broker, both Valkeys, topics and worker; a context manager that stops all of them on leaving.

    ``settings`` are those of the settings file with the addresses of these services, ``witness`` sees the keys of the
    played crowd, from which its numbers can be computed again; the environment variables
    ``FOULE_...`` are left out, since they may belong to another installation.
    """

    settings: Settings
    worker: WorkerProcess
    witness: KeyWitness

    def __init__(self, settings_file: Path) -> None:
        self._settings_file = settings_file
        self._stack = ExitStack()

    def start_servers(self) -> None:
        """Start the broker and the Valkeys and create the topics. Raises ServiceError, SettingsError, TopicsError."""
        broker = self._stack.enter_context(EmbeddedBroker())
        indicators = self._stack.enter_context(EmbeddedRedis())
        keys = self._stack.enter_context(EmbeddedRedis(persistent=False))
        self._addresses = {
            "FOULE_KAFKA__BOOTSTRAP": broker.bootstrap,
            "FOULE_KAFKA__SECURITY_PROTOCOL": "PLAINTEXT",
            "FOULE_KAFKA__REBALANCE_TIMEOUT": EmbeddedBroker.rebalance_timeout,
            "FOULE_TOPICS__REPLICATION": "1",
            "FOULE_REDIS__URL": indicators.url,
            "FOULE_KEYS__URL": keys.url,
            "FOULE_METRICS__HOST": LOOPBACK,
        }
        self.settings = load(self._settings_file, self._addresses)
        topics.create(self.settings)
        self.witness = self._stack.enter_context(KeyWitness(self.settings.keys.url.reveal()))

    def start_worker(self) -> None:
        """Start the worker and wait until its metrics answer. Raises ServiceError."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOULE_")}
        worker = WorkerProcess(self._settings_file, {**inherited, **self._addresses})
        self.worker = self._stack.enter_context(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
