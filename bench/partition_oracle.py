"""The oracle on a large topic, in two processes: devices are in one partition each, so counts are sums over them."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from multiprocessing import get_context
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

import zones
from config.settings import Settings, load
from foule.oracle.oracle import Keys, Parameters, Record, Result, run
from foule.proof.logs import Advances, locator

_PROCESSES = 2


def oracle_of(settings_file: Path, ends: Mapping[int, int], advances: Advances, keys: Keys) -> Result:
    """The oracle on the events topic up to the offsets ``ends`` of its partitions, the longest first; ``keys``: of the
    epochs."""
    jobs = sorted(ends, key=lambda partition: -ends[partition])
    # spawned: the threads of this process would be forked in whatever they are doing
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        counting = [pool.submit(_count, settings_file, each, ends[each], advances.get(each, ()), keys) for each in jobs]
        return reduce(merged, [each.result() for each in counting])


def merged(one: Result, other: Result) -> Result:
    """What two results on different partitions say together; visits and the verdict of each record are left out."""
    return Result(
        one.parameters,
        one.read + other.read,
        one.accepted + other.accepted,
        one.late + other.late,
        one.rejected + other.rejected,
        watermarks={**one.watermarks, **other.watermarks},
        by_shard={**one.by_shard, **other.by_shard},
        keys={**one.keys, **other.keys},
        sums={label: {**one.sums.get(label, {}), **other.sums.get(label, {})} for label in one.sums | other.sums},
    )


def _count(settings_file: Path, partition: int, end: int, advances: Sequence[tuple[int, int]], keys: Keys) -> Result:
    gc.disable()  # millions of small objects, none of them in a cycle, would be looked at again and again
    settings = load(settings_file, {})
    log = asyncio.run(_read(settings, partition, end))
    places = zones.load(settings.zones)
    result = run(Parameters.of(settings), {partition: log}, {partition: advances}, locator(places), keys, places.layers)
    result.verdicts.clear()
    result.stays.clear()
    return result


async def _read(settings: Settings, partition: int, end: int) -> list[Record]:
    at = TopicPartition(settings.topics.events, partition)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap, max_partition_fetch_bytes=8 << 20)
    log: list[Record] = []
    await consumer.start()
    try:
        consumer.assign([at])
        await consumer.seek_to_beginning(at)
        while len(log) < end:
            for record in (await consumer.getmany(at, timeout_ms=1000)).get(at, []):
                log.append(Record(record.offset, record.timestamp, record.value))
    finally:
        await consumer.stop()
    return log
