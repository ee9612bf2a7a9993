"""Fills a topic with the bench's records fast, in batches as a producer in the field makes them."""

import asyncio
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from types import TracebackType
from typing import Any, Self

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka import KafkaAdminClient, KafkaProducer

from bench import workload
from bench.workload import Batch
from config.errors import ServiceError
from foule.partitioner import Partitioner

PARTITIONS = 4
BATCH_BYTES = 16_384
"""What Kafka's own producer does unless told otherwise; some 120 records. Larger batches are cheaper to read."""

_UNDER_WAY = 64
_SLICE = 0.05


def create(bootstrap: str, topics: Sequence[str], partitions: int = PARTITIONS) -> None:
    """Create topics; their records stay, whatever their timestamps."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    kept = {"num_partitions": partitions, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
    admin.create_topics(dict.fromkeys(topics, kept))
    admin.wait_for_topics(list(topics))
    admin.close()


async def fill(
    bootstrap: str,
    topic: str,
    events: int,
    *,
    partitions: int = PARTITIONS,
    damaged: float = workload.DAMAGED,
    span: int = workload.SPAN,
    batch_bytes: int = BATCH_BYTES,
    compression: str | None = None,
) -> None:
    """Send the records, keyed by subscriber, each to the partition of its key.

    Raises ServiceError if the broker does not take them all.
    """
    partition_of = Partitioner(partitions).of([workload.key_of(each) for each in range(workload.SUBSCRIBERS)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=batch_bytes, compression_type=compression)
    await producer.start()
    try:
        filling = [_Filling(producer, topic, partition) for partition in range(partitions)]
        for batch in workload.batches(events, damaged=damaged, span=span):
            target = partition_of[batch.subscribers]
            for partition, filled in enumerate(filling):
                for row in np.flatnonzero(target == partition).tolist():
                    await filled.add(batch.keys[row], batch.values[row], int(batch.stamps[row]))
        for filled in filling:
            await filled.finish()
    finally:
        await producer.stop()


async def fill_each(bootstrap: str, topic: str, shares: Mapping[int, Iterable[Batch]], stamp: int | None) -> None:
    """Send to each partition what is its own, in turns. ``stamp``: the Kafka timestamp of all records (ms), else each
    its own. Raises ServiceError if the broker does not take them all."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        filling = [_Filling(producer, topic, partition) for partition in shares]
        for batches in zip_longest(*shares.values()):
            for filled, batch in zip(filling, batches, strict=True):
                if batch is not None:
                    stamps = batch.stamps.tolist() if stamp is None else [stamp] * len(batch.values)
                    for key, value, each in zip(batch.keys, batch.values, stamps, strict=True):
                        await filled.add(key, value, each)
        for filled in filling:
            await filled.finish()
    finally:
        await producer.stop()


class Trickle:
    """Goes on sending, at an even pace, to one partition from a thread; a context manager."""

    def __init__(self, bootstrap: str, topic: str, batches: Iterable[Batch], per_second: int) -> None:
        self._topic = topic
        self._batches = batches
        self._per_second = per_second
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._producer: Any = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._producer.close(timeout=10)

    def _run(self) -> None:
        sent, begun = 0, time.monotonic()
        for batch in self._batches:
            for key, value, stamp in zip(batch.keys, batch.values, batch.stamps.tolist(), strict=True):
                self._producer.send(self._topic, value, key, partition=0, timestamp_ms=stamp)
                sent += 1
                ahead = begun + sent / self._per_second - time.monotonic()
                if ahead > _SLICE and self._ended.wait(ahead):
                    return


class _Filling:
    """One partition's batches."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partition: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._batch: BatchBuilder = producer.create_batch()
        self._under_way: list[asyncio.Future[object]] = []

    async def add(self, key: bytes, value: bytes, stamp: int) -> None:
        if self._batch.append(key=key, value=value, timestamp=stamp) is None:
            await self._send()
            if self._batch.append(key=key, value=value, timestamp=stamp) is None:
                raise ServiceError("a batch does not take a single record; expected larger batches: --batch-bytes")

    async def _send(self) -> None:
        sent = await self._producer.send_batch(self._batch, self._topic, partition=self._partition)
        self._under_way.append(sent)
        self._batch = self._producer.create_batch()
        if len(self._under_way) >= _UNDER_WAY:
            await self._acknowledged()

    async def _acknowledged(self) -> None:
        under_way, self._under_way = self._under_way, []
        await asyncio.gather(*under_way)

    async def finish(self) -> None:
        if self._batch.record_count():
            await self._send()
        await self._acknowledged()
