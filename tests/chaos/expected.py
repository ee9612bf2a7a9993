"""What must have been counted: the oracle on the logs as they lie in Kafka, a process for each core."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition
from numpy.typing import NDArray

import zones
from config.settings import Settings, load
from foule.oracle.oracle import Keys, Parameters, Record, Result, Tallies, run
from foule.proof.logs import applied_advances, locator
from streams.fetch import Fetch
from streams.folding import fold
from streams.log_ends import log_ends

_FETCH_BYTES = 8 << 20

Advances = list[tuple[int, int]]


class Shard(NamedTuple):
    """What the oracle says of one partition. ``sums``: of record keys, as in ``Result``; ``rejected``: reason by
    offset; ``stamps``: (n,) int64, the Kafka timestamps in ms, by offset."""

    partition: int
    tallies: Tallies
    sums: dict[str, dict[int, Tallies]]
    watermark: int | None
    read: int
    accepted: int
    late: int
    rejected: dict[int, str]
    stamps: NDArray[np.int64]


@dataclass(frozen=True)
class Expected:
    """What must have been counted: the oracle's ``result`` without its visits, and each shard of it."""

    result: Result
    shards: dict[int, Shard]

    @property
    def records(self) -> int:
        """How many records the events topic holds."""
        return sum(shard.read for shard in self.shards.values())


def expected(settings_file: Path, keys: Keys) -> Expected:
    """The oracle on the events topic, with the advances that the shards noted; ``keys``: of the epochs."""
    settings = load(settings_file)
    advances = applied_advances(settings)
    partitions = range(settings.topics.partitions)
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        ends = log_ends(settings.kafka, settings.topics.events)
        by_size = sorted(partitions, key=lambda partition: -ends[partition])
        waiting = [pool.submit(_shard, settings_file, at, ends[at], advances.get(at, []), keys) for at in by_size]
        shards = {shard.partition: shard for shard in (each.result() for each in waiting)}
    result = Result(Parameters.of(settings), keys=keys)
    for partition in partitions:
        shard = shards[partition]
        result.by_shard[partition], result.watermarks[partition] = shard.tallies, shard.watermark
        for label, sums in shard.sums.items():
            result.sums.setdefault(label, {}).update(sums)
        result.read += shard.read
        result.accepted += shard.accepted
        result.late += shard.late
        result.rejected.update(Counter(shard.rejected.values()))
    return Expected(result, shards)


def _shard(settings_file: Path, partition: int, end: int, advances: Advances, keys: Keys) -> Shard:
    settings = load(settings_file)
    log = asyncio.run(_log(settings, partition, end))
    places = zones.load(settings.zones)
    found = run(Parameters.of(settings), {partition: log}, {partition: advances}, locator(places), keys, places.layers)
    rejected = {
        offset: verdict for (_, offset), verdict in found.verdicts.items() if verdict not in ("accepted", "late")
    }
    stamps = np.array([record.timestamp for record in log], np.int64)
    counts = (found.read, found.accepted, found.late)
    tallies = found.by_shard[partition]
    return Shard(partition, tallies, found.sums, found.watermarks[partition], *counts, rejected, stamps)


async def _log(settings: Settings, partition: int, end: int) -> list[Record]:
    """One partition of the events topic up to ``end``."""
    topic, log = settings.topics.events, list[Record]()
    fold(topic)
    at = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap, max_partition_fetch_bytes=_FETCH_BYTES)
    await consumer.start()
    try:
        consumer.assign([at])
        consumer.seek(at, 0)
        while await consumer.position(at) < end:
            for message in (await consumer.getmany(at, timeout_ms=500)).get(at, []):
                fetch: Fetch = message.value
                log += map(Record, fetch.offsets.tolist(), fetch.timestamps.tolist(), fetch.values)
    finally:
        await consumer.stop()
    return log
