"""A consumer with folding sees the same offsets, values, timestamps and headers as one without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from kafka import KafkaAdminClient

from config.settings import KafkaSettings
from streams import folding
from streams.fetch import NO_TIMESTAMP, Fetch
from streams.folding import fold
from streams.log_ends import log_ends
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import FreshNames

NOON = 1_403_949_600_000
Headers = tuple[tuple[str, bytes], ...]


class Row(NamedTuple):
    """One record as a reader sees it."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


@pytest.fixture
def topic(kafka_bootstrap: str, fresh_names: FreshNames) -> str:
    """A new topic of two partitions; the tests write to partition 1."""
    return make_topic(kafka_bootstrap, fresh_names)


def make_topic(bootstrap: str, names: FreshNames) -> str:
    topic = names.topics["events"]
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        # the records here are of 2014: any retention would delete them
        plan = {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
        admin.create_topics({topic: plan}, wait_for_metadata=True)
    return topic


@asynccontextmanager
async def producing(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=1 << 19, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(bootstrap: str, topic: str, values: Sequence[bytes | None], **options: Any) -> None:
    """Send the values in batches of about a hundred, every fifth record with headers."""
    async with producing(bootstrap, **options) as producer:
        for first in range(0, len(values), 100):
            batch = producer.create_batch()
            for at, value in enumerate(values[first : first + 100], first):
                headers = [("n", b"%d" % at), ("empty", b"")] if at % 5 == 0 else []
                assert batch.append(key=b"k", value=value, timestamp=NOON + at, headers=headers) is not None
            batch.close()
            await (await producer.send_batch(batch, topic, partition=1))


async def read(bootstrap: str, topic: str, start: int = 0, **options: Any) -> list[Any]:
    """Every message that a consumer gives from ``start`` to the present end of the partition."""
    end = log_ends(KafkaSettings(bootstrap=bootstrap), topic)[1]
    tp, found = TopicPartition(topic, 1), []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **options)
    await consumer.start()
    try:
        consumer.assign([tp])
        consumer.seek(tp, start)
        while await consumer.position(tp) < end:
            found += (await consumer.getmany(tp, timeout_ms=500)).get(tp, [])
    finally:
        await consumer.stop()
    return found


def plain(messages: Iterable[Any]) -> list[Row]:
    return [Row(each.offset, each.timestamp, each.value, tuple(each.headers)) for each in messages]


def unfolded(messages: Sequence[Any], topic: str, start: int) -> list[Row]:
    """The records in folded messages, which must cover the offsets from ``start`` on without a hole."""
    rows, covered = [], start
    for message in messages:
        fetch = message.value
        assert isinstance(fetch, Fetch)
        assert (message.topic, message.partition, message.offset) == (topic, 1, fetch.end - 1)
        assert (fetch.partition, fetch.start) == (1, covered)
        assert fetch.end > fetch.start
        covered = fetch.end
        rows += rows_of(fetch)
    return rows


def rows_of(fetch: Fetch) -> list[Row]:
    assert fetch.offsets.dtype == fetch.timestamps.dtype == np.int64
    assert all(fetch.start <= offset < fetch.end for offset in fetch.offsets.tolist())
    columns = zip(fetch.offsets.tolist(), fetch.timestamps.tolist(), fetch.values, strict=True)
    return [Row(*each, tuple(fetch.headers.get(at, ()))) for at, each in enumerate(columns)]


# --- on a broker


@pytest.mark.parametrize("compression", [None, "gzip"])
async def test_it_sees_what_a_plain_consumer_sees(kafka_bootstrap: str, topic: str, compression: str | None) -> None:
    values = [None if at % 7 == 0 else b"%d" % at * (at % 50) for at in range(1_050)]
    await send(kafka_bootstrap, topic, values, compression_type=compression)
    plainly = plain(await read(kafka_bootstrap, topic))
    assert [row.value for row in plainly] == values
    fold(topic)
    messages = await read(kafka_bootstrap, topic)
    assert unfolded(messages, topic, 0) == plainly
    assert len(messages) < 20


@pytest.mark.parametrize("compression", [None, "gzip"])
async def test_reading_on_from_the_middle_of_a_batch_begins_there(
    kafka_bootstrap: str, topic: str, compression: str | None
) -> None:
    await send(kafka_bootstrap, topic, [b"%d" % at for at in range(300)], compression_type=compression)
    fold(topic)
    for start in (0, 1, 57, 99, 100, 101, 299):
        rows = unfolded(await read(kafka_bootstrap, topic, start), topic, start)
        assert [row.offset for row in rows] == list(range(start, 300))
        assert [row.value for row in rows] == [b"%d" % at for at in range(start, 300)]
        assert {row.offset for row in rows if row.headers} == {at for at in range(start, 300) if at % 5 == 0}


@pytest.mark.real_kafka  # the embedded broker gives all that it has, whatever a fetch may hold
async def test_fetches_that_hold_a_part_of_the_log_only_follow_each_other(kafka_bootstrap: str, topic: str) -> None:
    values = [b"%04d" % at * 500 for at in range(1_000)]
    await send(kafka_bootstrap, topic, values)
    fold(topic)
    messages = await read(kafka_bootstrap, topic, max_partition_fetch_bytes=300_000)
    assert len(messages) > 2
    assert [row.value for row in unfolded(messages, topic, 0)] == values


async def test_a_topic_that_is_not_folded_is_read_as_ever(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames
) -> None:
    await send(kafka_bootstrap, topic, [b"a", b"b"])
    fold(fresh_names.topics["rejected"])
    assert [message.value for message in await read(kafka_bootstrap, topic)] == [b"a", b"b"]


@pytest.mark.real_kafka
async def test_markers_of_transactions_are_covered_and_are_no_records(
    real_kafka: RealKafka, fresh_names: FreshNames
) -> None:
    bootstrap = real_kafka.bootstrap
    topic = make_topic(bootstrap, fresh_names)
    async with producing(bootstrap, transactional_id=fresh_names.group) as producer:
        for number, commit in enumerate([True, False, True]):
            await producer.begin_transaction()
            for at in range(3):
                await producer.send_and_wait(topic, b"%d-%d" % (number, at), partition=1, timestamp_ms=NOON)
            if commit:
                await producer.commit_transaction()
            else:
                await producer.abort_transaction()
    plainly = plain(await read(bootstrap, topic))
    assert [row.offset for row in plainly] == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    fold(topic)
    messages = await read(bootstrap, topic)
    assert unfolded(messages, topic, 0) == plainly
    assert messages[-1].value.end == 12
    # a fetch of nothing but a marker is told, too, so that nobody waits for its offset
    [marker] = await read(bootstrap, topic, 11)
    assert (marker.value.start, marker.value.end, len(marker.value)) == (11, 12, 0)


# --- on the bytes of a fetch, for what no producer of today writes


def batch(offsets: Iterable[int], first: int = 0, **options: Any) -> bytearray:
    """A record batch at offset ``first`` with records at these relative offsets."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20, **options,
    )  # fmt: skip
    for offset in offsets:
        builder.append(offset, NOON + offset, None, b"%d" % offset, [])
    data: bytearray = builder.build()
    data[:8] = first.to_bytes(8, "big")
    return data


def unpack(data: bytes | bytearray, start: int, *, folded: bool) -> tuple[list[Any], int]:
    """What aiokafka gives of a fetch's bytes, and where it will fetch next."""
    topic = "unpacked-folded" if folded else "unpacked"
    fold("unpacked-folded")
    tp = TopicPartition(topic, 1)
    records = PartitionRecords(tp, MemoryRecords(bytes(data)), [], start, None, None, True, 0)
    return list(records), records.next_fetch_offset


@pytest.mark.parametrize("start", range(7))
def test_holes_of_compaction_are_covered(start: int) -> None:
    data = batch([0, 2, 3, 6]) + batch([0], 7) + batch([1, 4], 9)
    plainly, next_plainly = unpack(data, start, folded=False)
    messages, next_offset = unpack(data, start, folded=True)
    assert [row for message in messages for row in rows_of(message.value)] == plain(plainly)
    assert next_offset == next_plainly == 14
    assert (messages[0].value.start, messages[-1].value.end) == (start, 14)


def test_a_record_of_the_oldest_format_has_no_timestamp() -> None:
    builder = LegacyRecordBatchBuilder(magic=0, compression_type=0, batch_size=1 << 20)
    builder.append(0, timestamp=None, key=None, value=b"old")
    [message], _ = unpack(builder.build(), 0, folded=True)
    assert rows_of(message.value) == [Row(0, NO_TIMESTAMP, b"old", ())]


@pytest.mark.parametrize("folded", [True, False])
def test_a_damaged_batch_is_an_error_and_not_passed_over(folded: bool) -> None:
    data = batch([0, 1])
    data[-1] ^= 1
    with pytest.raises(CorruptRecordException, match="Invalid CRC"):
        unpack(data, 0, folded=folded)


@pytest.mark.parametrize("records", [127, 128, 129, 256, 1000])
def test_a_batch_of_any_length_is_read_whole(records: int) -> None:
    data = batch(range(records)) + batch(range(3), records)
    plainly, _ = unpack(data, 1, folded=False)
    [message], next_offset = unpack(data, 1, folded=True)
    assert rows_of(message.value) == plain(plainly)
    assert next_offset == records + 3


async def test_a_fetch_waits_only_briefly_for_something_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1", fetch_max_wait_ms=1500)
    try:
        assert patient._fetch_max_wait_ms == 1500
        fold("waited-for")
        monkeypatch.setattr(folding, "_create_patient", lambda thread, transport: patient)
        consumer = AIOKafkaConsumerThread._create_worker_consumer(object(), object())  # type: ignore[arg-type]
        assert consumer is patient
        assert consumer._fetch_max_wait_ms == 100
    finally:
        await patient.stop()
