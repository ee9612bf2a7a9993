"""Sends batches of events to Kafka: each to the partition of its key, if it has one, every acknowledgement awaited."""

import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np
from kafka import KafkaProducer
from kafka.errors import KafkaError
from numpy.typing import NDArray

from config.errors import ServiceError
from config.settings import Settings
from foule.partitioner import Partitioner
from streams import topics
from streams.connection import client_options
from streams.log_ends import log_ends
from streams.wire import Advance, encode_advance

_IN_FLIGHT = 20_000
_AT_ONCE = 2_000
_BATCH_BYTES = 512 * 1024
_LINGER_MS = 20
_PATIENCE = 150.0  # seconds; longer than kafka-python itself tries to deliver a record


class EventSender:
    """A producer for the topic of events; a context manager, which on leaving waits for what is under way.

    Without ``keyed`` no record has a key, and they go to the partitions in turn: a feed for ``events.shuffle``.
    ``sent`` counts the records that Kafka has acknowledged. Some ten thousand are under way at most. Raises
    TopicsError unless the topics are as the settings want them, ServiceError where Kafka does not answer or
    does not take a record.
    """

    def __init__(self, settings: Settings, *, keyed: bool = True) -> None:
        topics.require(settings)
        _keep_ids_out_of_logs()
        self.sent = 0
        self._settings = settings
        self._keyed = keyed
        self._events = settings.topics.events
        self._partitioner = Partitioner(settings.topics.partitions)
        self._under_way: deque[list[Any]] = deque()
        self._pending = 0
        try:
            self._producer = KafkaProducer(
                **client_options(settings.kafka),
                acks="all",
                batch_size=_BATCH_BYTES,
                linger_ms=_LINGER_MS,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        except (KafkaError, OSError) as error:
            raise self._failed(error) from error

    def send(
        self, keys: Sequence[bytes | None], values: Sequence[bytes], timestamps: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Send records in this order; ``timestamps``: (n,) int64, their Kafka timestamps in ms.

        Returns the partition of each, (n,) int32. What is returned is under way, not yet acknowledged.
        """
        if not self._keyed:
            keys = [None] * len(keys)
        partitions = self._partitioner.of(keys)
        rows = list(zip(values, keys, partitions.tolist(), timestamps.tolist(), strict=True))
        try:
            for start in range(0, len(rows), _AT_ONCE):
                futures = [
                    self._producer.send(self._events, value, key, partition=partition, timestamp_ms=timestamp)
                    for value, key, partition, timestamp in rows[start : start + _AT_ONCE]
                ]
                self._under_way.append(futures)
                self._pending += len(futures)
                while self._pending > _IN_FLIGHT:
                    self._await_oldest()
        except KafkaError as error:
            raise self._failed(error) from error
        return partitions

    def flush(self) -> None:
        """Wait until every record is acknowledged."""
        try:
            self._producer.flush(_PATIENCE)
            while self._under_way:
                self._await_oldest()
        except KafkaError as error:
            raise self._failed(error) from error

    def finish(self, watermark: int) -> dict[int, int]:
        """Tell every shard that the feed has ended: past its last record so far, go on to ``watermark`` (UTC ms).

        Returns the end offset of each partition of the events topic, which is what its frontier record names.
        """
        self.flush()
        ends = log_ends(self._settings.kafka, self._events)
        frontier = self._settings.topics.frontier
        try:
            futures = [
                self._producer.send(frontier, encode_advance(Advance(end, watermark)), partition=partition)
                for partition, end in ends.items()
            ]
            self._producer.flush(_PATIENCE)
            for future in futures:
                future.get(_PATIENCE)
        except KafkaError as error:
            raise self._failed(error) from error
        return ends

    def close(self) -> None:
        """Wait for what is under way and disconnect. Raises ServiceError where Kafka did not take it all."""
        try:
            self.flush()
        finally:
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._disconnect()

    def _await_oldest(self) -> None:
        futures = self._under_way.popleft()
        self._pending -= len(futures)
        for future in futures:
            future.get(_PATIENCE)
        self.sent += len(futures)

    def _disconnect(self) -> None:
        with suppress(KafkaError):
            self._producer.close(timeout=1)

    def _failed(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"Kafka at {self._settings.kafka.bootstrap} did not take all events: {error}; {self.sent:,} were"
            " acknowledged. Check the broker (foule doctor), then send them again to an empty topic"
        )


def _keep_ids_out_of_logs() -> None:
    """kafka-python logs the key and the value of every record at level debug."""
    for name in ("kafka", "kafka.producer", "kafka.producer.kafka"):
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)
