"""Fills a topic with the bench's records fast, in batches as a producer in the field makes them."""

import asyncio
from collections.abc import Sequence

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from kafka import KafkaAdminClient

from bench import workload
from config.errors import ServiceError
from foule.partitioner import Partitioner

PARTITIONS = 4
BATCH_BYTES = 16_384
"""What Kafka's own producer does unless told otherwise; some 120 records. Larger batches are cheaper to read."""

_UNDER_WAY = 64


def create(bootstrap: str, topics: Sequence[str]) -> None:
    """Create topics; their records stay, whatever their timestamps."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    kept = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
    admin.create_topics(dict.fromkeys(topics, kept))
    admin.wait_for_topics(list(topics))
    admin.close()


async def fill(
    bootstrap: str,
    topic: str,
    events: int,
    *,
    damaged: float = workload.DAMAGED,
    batch_bytes: int = BATCH_BYTES,
    compression: str | None = None,
) -> None:
    """Send the records, keyed by subscriber, each to the partition of its key.

    Raises ServiceError if the broker does not take them all.
    """
    partitions = Partitioner(PARTITIONS).of([workload.key_of(each) for each in range(workload.SUBSCRIBERS)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=batch_bytes, compression_type=compression)
    await producer.start()
    try:
        filling = [_Filling(producer, topic, partition) for partition in range(PARTITIONS)]
        for batch in workload.batches(events, damaged=damaged):
            target = partitions[batch.subscribers]
            for partition, filled in enumerate(filling):
                for row in np.flatnonzero(target == partition).tolist():
                    await filled.add(batch.keys[row], batch.values[row], int(batch.stamps[row]))
        for filled in filling:
            await filled.finish()
    finally:
        await producer.stop()


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
