"""A million damaged records between good ones: the worker lives, all are accounted for, the good count as if alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import zones
from config.settings import Settings, load
from foule.oracle.events import read_event
from foule.oracle.oracle import Keys, Parameters, Record, Result, final_advances, run
from foule.proof.checks import prove
from foule.proof.tallies import TallyLog
from streams import topics
from streams.decode import REASONS
from streams.fetch import Fetch
from streams.folding import fold
from streams.log_ends import log_ends
from streams.wire import Advance, encode_advance
from tests.chaos.stage import indicators
from tests.conftest import Broker, SettingsMaker
from tests.crowds import Universe
from tests.damage import fuzz
from tests.e2e.running import Worker, wait_until_released
from tests.generators import crowd

PARTITIONS = 4
GOOD = 20_000
MILLION, SOME = 1_000_000, 20_000
"""Damaged records on Apache Kafka, and on the embedded broker, which keeps all in memory."""

_BATCH_BYTES = 1_040_000
_LONGEST_BATCH = 2_000


class Judged(NamedTuple):
    """What a partition was sent: by offset 0 for a good record, else a hash of the reason and the value."""

    marks: list[int]
    rejected: Counter[str]


def mark(reason: str, value: bytes | None) -> int:
    return hash((reason, value)) | 1


def universe_of(path: Path) -> Universe:
    """The cells of the seeded crowds, with the catalogue written to ``path``."""
    universe = crowd(1, events=1).universe
    path.write_text(universe.catalogue(), encoding="utf-8")
    return universe


@pytest.fixture
def settings_file(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    universe = universe_of(tmp_path / "cells.csv")
    return settings_for(
        tmp_path,
        topics={"partitions": PARTITIONS},
        zones={
            "cells": tmp_path / "cells.csv",
            "layers": [{"name": layer, "column": layer} for layer in universe.layers],
        },
        indicators=indicators(1),
        privacy={"k": 10},
        stream={"seal_every": "1s", "checkpoint_every": "5s"},
    )


def mixed(good: Sequence[Record], damaged: int, seed: int) -> Iterator[tuple[bytes | None, str | None, bool]]:
    """The good values in their order with damaged ones between, as (value, reason, is good)."""
    random, waiting = Random(seed), iter(good)
    for one in fuzz(seed, damaged):
        while random.random() < len(good) / (len(good) + damaged):
            yield from ((record.value, None, True) for record in islice(waiting, 1))
        yield one.value, one.reason, False
    yield from ((record.value, None, True) for record in waiting)


async def send(
    producer: AIOKafkaProducer, settings: Settings, partition: int, good: Sequence[Record], damaged: int, stamp: int
) -> Judged:
    """Send a partition its good and damaged records, all with one Kafka timestamp."""
    parameters, judged, batch = Parameters.of(settings), Judged([], Counter()), producer.create_batch()
    sent = []
    for value, told, is_good in mixed(good, damaged, partition):
        reason = told
        if reason is None and not is_good:
            reason = str(read_event(parameters, value, stamp))
            # a struck record is, at its best, one of an unknown cell
            reason = reason if reason in REASONS else "unknown_cell"
        judged.marks.append(0 if reason is None else mark(reason, value))
        judged.rejected.update([] if reason is None else [reason])
        if (
            batch.record_count() >= _LONGEST_BATCH
            or batch.append(key=b"k", value=value, timestamp=stamp, headers=[]) is None
        ):
            batch.close()
            sent.append(await producer.send_batch(batch, settings.topics.events, partition=partition))
            batch = producer.create_batch()
            assert batch.append(key=b"k", value=value, timestamp=stamp, headers=[]) is not None
    batch.close()
    sent.append(await producer.send_batch(batch, settings.topics.events, partition=partition))
    for future in sent:
        await future
    return judged


async def dead_letters(settings: Settings) -> list[tuple[int, int, int]]:
    """All dead letters as (partition, offset, mark of the reason and the value)."""
    topic = settings.topics.rejected
    fold(topic)
    ends = {TopicPartition(topic, at): end for at, end in log_ends(settings.kafka, topic).items() if end}
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap, max_partition_fetch_bytes=8 << 20)
    letters: list[tuple[int, int, int]] = []
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        while ends:
            for run_ in (await consumer.getmany(timeout_ms=500)).values():
                for message in run_:
                    letters += map(_letter, _rows(message.value))
            ends = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}
    finally:
        await consumer.stop()
    return letters


def _rows(fetch: Fetch) -> Iterator[tuple[dict[str, bytes], bytes | None]]:
    for row, value in enumerate(fetch.values):
        yield dict(fetch.headers[row]), value


def _letter(row: tuple[dict[str, bytes], bytes | None]) -> tuple[int, int, int]:
    headers, value = row
    return int(headers["partition"]), int(headers["offset"]), mark(headers["reason"].decode(), value)


def alone(
    settings: Settings, universe: Universe, logs: dict[int, list[Record]], keys: Keys | None = None
) -> tuple[Result, int]:
    """What the oracle says of the good records alone, and the end of their last epoch; ``keys``: of the epochs."""
    parameters = Parameters.of(settings)
    advances = final_advances(parameters, logs, universe.locate)
    layers = zones.load(settings.zones).layers
    return run(parameters, logs, advances, universe.locate, keys, layers), advances[0][0][1]


async def test_a_million_damaged_records_are_accounted_for_and_change_no_number(
    settings_file: Path, broker: Broker, keys: Keys
) -> None:
    settings = load(settings_file)
    topics.create(settings)
    damaged = (MILLION if broker.real else SOME) // PARTITIONS
    stamp = time.time_ns() // 1_000_000
    whole = crowd(7, events=GOOD, partitions=PARTITIONS, parameters=Parameters.of(settings))
    logs = {
        partition: [Record(record.offset, stamp, record.value) for record in log]
        for partition, log in whole.logs.items()
    }
    expected, watermark = alone(settings, whole.universe, logs)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, max_batch_size=_BATCH_BYTES, max_request_size=1 << 21
    )
    with Worker(settings_file) as worker:
        await producer.start()
        try:
            judged = [await send(producer, settings, at, logs[at], damaged, stamp) for at in range(PARTITIONS)]
            for partition, one in enumerate(judged):
                advance = encode_advance(Advance(len(one.marks), watermark))
                await producer.send_and_wait(settings.topics.frontier, advance, partition=partition)
        finally:
            await producer.stop()
        wait_until_released(settings, watermark, 300, [worker])
        metrics = worker.metrics()

    assert metrics["foule_records_read_total"] == GOOD + damaged * PARTITIONS
    assert metrics["foule_records_accepted_total"] == expected.accepted
    assert metrics["foule_records_late_total"] == expected.late > 0
    rejected = sum((one.rejected for one in judged), Counter[str]())
    assert {reason: metrics[f'foule_records_rejected_total{{reason="{reason}"}}'] for reason in rejected} == rejected

    letters = await dead_letters(settings)
    assert len(letters) == rejected.total() == damaged * PARTITIONS
    assert {(partition, offset): found for partition, offset, found in letters} == {
        (partition, offset): sent
        for partition, one in enumerate(judged)
        for offset, sent in enumerate(one.marks)
        if sent
    }
    expected, _ = alone(settings, whole.universe, logs, keys)
    with TallyLog(settings, keys) as tallies:
        tallies.read()
        proof = prove(settings, zones.load(settings.zones).layers, expected, tallies)
    assert [check for check in proof.checks if not check.holds] == []
