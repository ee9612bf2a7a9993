"""The metrics of a worker, for Prometheus: base units, and no cell, zone or person in a label."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)

from config.errors import ServiceError

#: Why a record is rejected: the only values of the label ``reason``.
REASONS: Final = ("malformed", "missing_field", "bad_time", "future", "unknown_cell", "machine")

_SHORT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG: Final = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


class _Server(Protocol):
    def shutdown(self) -> None: ...
    def server_close(self) -> None: ...
    @property
    def server_port(self) -> int: ...


class Metrics:
    """All metrics of one worker, in a registry of their own unless one is given.

    ``read`` = ``accepted`` + ``late`` + the sum of ``rejected``, always. The label ``partition`` is that
    of the events topic.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry: Final = registry or CollectorRegistry()
        self._server: tuple[_Server, Thread] | None = None
        self._declare_records()
        self._declare_delays()
        self._declare_release()
        if registry is None:
            ProcessCollector(namespace="foule", registry=self.registry)

    def _declare_records(self) -> None:
        self.read = self._counter("foule_records_read", "Records read from the events topic.")
        self.accepted = self._counter("foule_records_accepted", "Records counted.")
        self.late = self._counter("foule_records_late", "Records at or below the watermark: not counted.")
        self.rejected = self._counter("foule_records_rejected", "Records that are not used.", "reason")
        for reason in REASONS:
            self.rejected.labels(reason)
        self.kafka_up = self._gauge("foule_kafka_up", "1 while Kafka answers, else 0.")
        self.offset_gaps = self._counter("foule_offset_gaps", "Holes in the offsets that the broker confirmed.")
        self.seeks = self._counter("foule_seeks", "Returns to an offset that a fetch had passed over.")

    def _declare_delays(self) -> None:
        self.lag_records = self._gauge("foule_lag_records", "Records not read yet.", "partition")
        self.lag_seconds = self._gauge("foule_lag_seconds", "Age of the last record read.", "partition")
        self.watermark_delay_seconds = self._gauge(
            "foule_watermark_delay_seconds", "How far the watermark is behind the clock.", "partition"
        )
        self.shuffled_lag_records = self._gauge(
            "foule_shuffled_lag_records", "Batches of a shuffled feed not read yet.", "partition"
        )
        self.source_checkpoint_age_seconds = self._gauge(
            "foule_source_checkpoint_age_seconds", "Time since a source's last complete checkpoint.", "partition"
        )
        self.checkpoint_age_seconds = self._gauge(
            "foule_checkpoint_age_seconds", "Time since the last complete checkpoint.", "partition"
        )
        self.checkpoint_seconds = self._histogram(
            "foule_checkpoint_seconds", "Time from the copy of a shard to its acknowledged manifest.", _SHORT
        )
        self.recovery_seconds = self._gauge("foule_recovery_seconds", "Time that the last recovery took.")

    def _declare_release(self) -> None:
        self.released_windows = self._counter("foule_released_windows", "Windows of a layer released.", "width")
        self.release_delay_seconds = self._histogram(
            "foule_release_delay_seconds", "Time from a window's end to its release.", _LONG
        )
        self.unpublished_cells = self._counter(
            "foule_unpublished_cells", "Numbers of released windows that were not published."
        )
        self.late_tallies = self._counter(
            "foule_late_tallies", "Tallies that came after their window's release: not counted."
        )
        self.stale_messages = self._counter(
            "foule_stale_messages",
            "Tallies, seals, decisions and batches of workers that no longer owned what they wrote about.",
        )
        self.lost_keys = self._counter(
            "foule_lost_keys", "Shards whose epoch ended early because nobody had its key any more."
        )
        self.expired_windows = self._counter(
            "foule_expired_windows", "Windows that are not released because their epoch's key had outlived its time."
        )
        self.spoilt_windows = self._counter(
            "foule_spoilt_windows", "Windows that are not released because a key was lost while they were open."
        )
        self.left_out = self._counter(
            "foule_left_out_events", "Events of a shuffled feed that came under a key that was lost by then."
        )
        self.refused_windows = self._counter(
            "foule_refused_windows", "Windows that Redis refused, since it holds a newer version of them."
        )
        self.sink_errors = self._counter("foule_sink_errors", "Failed attempts to publish.", "sink")

    def forget_partition(self, partition: int) -> None:
        """Show no longer what was measured of a partition that another worker has now."""
        gauges = (self.lag_records, self.lag_seconds, self.watermark_delay_seconds, self.checkpoint_age_seconds)
        for gauge in (*gauges, self.shuffled_lag_records, self.source_checkpoint_age_seconds):
            with suppress(KeyError):
                gauge.remove(str(partition))

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus on this address from a thread; port 0 is off. Raises ServiceError if taken."""
        if port == 0 or self._server is not None:
            return
        try:
            self._server = start_http_server(port, host, self.registry)
        except OSError as error:
            raise ServiceError(
                f"metrics cannot be served on {host}:{port} (metrics.host, metrics.port): "
                f"{error.strerror or error}; choose another port, or 0 for none"
            ) from error

    def close(self) -> None:
        """Stop answering."""
        if self._server is None:
            return
        server, thread = self._server
        self._server = None
        server.shutdown()
        server.server_close()
        thread.join()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, registry=self.registry, buckets=buckets)
