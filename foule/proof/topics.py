"""Reads topics back from the broker: every record of a log from its beginning to where it ends now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from config.errors import ServiceError
from config.settings import Settings
from streams.connection import client_options
from streams.log_ends import log_ends

_POLL_MS = 500
_AT_ONCE = 10_000
_FRUITLESS_POLLS = 60
_LARGEST = 64 << 20  # bytes of a fetch


class LogRecord(NamedTuple):
    """A record of a partition; ``timestamp`` is Kafka's in ms, negative where there is none. Shows no personal data."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def __repr__(self) -> str:
        return f"LogRecord(partition={self.partition}, offset={self.offset}, {len(self.value or b'')} bytes)"


class TopicReader:
    """Reads a topic in order, partition by partition, as far as it has come at each call of :meth:`read`.

    Raises ServiceError where Kafka does not answer, TopicsError where the topic is missing.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        self._kafka = settings.kafka
        self._topic = topic
        self._next: dict[int, int] = {}
        try:
            self._consumer: Any = KafkaConsumer(
                **client_options(settings.kafka),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                max_partition_fetch_bytes=_LARGEST,
                fetch_max_bytes=_LARGEST,
                max_poll_records=_AT_ONCE,
            )
        except (KafkaError, OSError) as error:
            raise self._failed(error) from error

    def read(self, until: Mapping[int, int] | None = None) -> Iterator[LogRecord]:
        """The records that are new since the last call, up to the log's ends at this moment, or to ``until``: the next
        offset of each partition."""
        found = log_ends(self._kafka, self._topic) if until is None else until
        ends = {TopicPartition(self._topic, number): end for number, end in found.items()}
        pending = {at: end for at, end in ends.items() if self._next.get(at.partition, 0) < end}
        try:
            self._consumer.assign(sorted(pending))
            for at in pending:
                self._consumer.seek(at, self._next.get(at.partition, 0))
            yield from self._poll(pending, ends)
        except KafkaError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()

    def _poll(self, pending: dict[Any, int], ends: Mapping[Any, int]) -> Iterator[LogRecord]:
        fruitless = 0
        while pending:
            polled = self._consumer.poll(timeout_ms=_POLL_MS)
            fruitless = 0 if polled else fruitless + 1
            if fruitless > _FRUITLESS_POLLS:
                raise ServiceError(f"Kafka no longer gives records of topic {self._topic} before its end")
            for at, records in polled.items():
                yield from (_record(record) for record in records if record.offset < ends[at])
                # by position, not by the last record: transaction markers take offsets too
                self._next[at.partition] = min(self._consumer.position(at), ends[at])
            pending = {at: end for at, end in pending.items() if self._next.get(at.partition, 0) < end}

    def _failed(self, error: Exception) -> ServiceError:
        return ServiceError(f"Kafka at {self._kafka.bootstrap} does not give topic {self._topic}: {error}")


def _record(found: Any) -> LogRecord:
    return LogRecord(found.partition, found.offset, found.timestamp, found.key, found.value, tuple(found.headers or ()))


def read_topic(settings: Settings, topic: str) -> list[LogRecord]:
    """All records of a topic, partition after partition, in order of offset."""
    with closing(TopicReader(settings, topic)) as reader:
        return sorted(reader.read(), key=lambda record: (record.partition, record.offset))
