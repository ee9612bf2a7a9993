"""What folding leans on inside aiokafka and Faust, and what it keeps of a fetch: values, times, offsets, headers."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams import folding
from streams.fetch import NO_TIMESTAMP, Fetch
from streams.folding import fold

FOLDED = "folded"
_CONTROL, _BASE_OFFSET, _ATTRIBUTES, _FIRST_OF_BODY = 0x20, 0, 21, 61

Row = tuple[int, int, bytes | None, list[tuple[str, bytes]]]


@pytest.fixture(autouse=True)
def _fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartitionRecords, "_unpack_records", PartitionRecords._unpack_records)
    monkeypatch.setattr(
        AIOKafkaConsumerThread, "_create_worker_consumer", AIOKafkaConsumerThread._create_worker_consumer
    )
    monkeypatch.setattr(folding, "_folded", set())
    fold(FOLDED)


def batch(base: int, rows: Sequence[Row]) -> bytes:
    """A record batch as a broker keeps it; each row: (offset, timestamp, value, headers)."""
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    for offset, stamp, value, headers in rows:
        builder.append(offset - base, stamp, b"key", value, headers)
    built = bytearray(builder.build())
    struct.pack_into(">q", built, _BASE_OFFSET, base)
    return bytes(built)


def of_values(base: int, *values: bytes) -> bytes:
    """A batch of plain records at the offsets from ``base`` on."""
    return batch(base, [(base + at, 1000 + base + at, value, []) for at, value in enumerate(values)])


def delivered(data: bytes, start: int, topic: str = FOLDED, *, check: bool = False) -> list[Any]:
    """What aiokafka's fetcher gives for a response, from the offset ``start`` on."""
    records = PartitionRecords(TopicPartition(topic, 3), MemoryRecords(data), [], start, None, None, check, 0)
    return list(records)


def fetched(data: bytes, start: int) -> Fetch:
    """The one fetch that is delivered."""
    (record,) = delivered(data, start)
    fetch: Fetch = record.value
    assert record.offset == fetch.end - 1
    return fetch


def test_all_batches_of_a_fetch_become_one_message() -> None:
    fetch = fetched(of_values(10, b"a", b"b") + of_values(12, b"c"), 10)
    assert (fetch.partition, fetch.start, fetch.end) == (3, 10, 13)
    assert fetch.values == [b"a", b"b", b"c"]
    assert fetch.timestamps.tolist() == [1010, 1011, 1012]
    assert fetch.offsets.tolist() == [10, 11, 12]
    assert fetch.headers == {}


def test_a_topic_that_is_not_folded_comes_record_by_record() -> None:
    assert [each.value for each in delivered(of_values(0, b"a", b"b"), 0, "other")] == [b"a", b"b"]


def test_records_before_the_position_are_left_out() -> None:
    fetch = fetched(of_values(10, b"a", b"b", b"c") + of_values(13, b"d"), 11)
    assert (fetch.start, fetch.end, fetch.values) == (11, 14, [b"b", b"c", b"d"])
    assert fetch.offsets.tolist() == [11, 12, 13]


def test_offsets_that_compaction_left_out_are_no_records_but_covered() -> None:
    fetch = fetched(batch(5, [(5, 1, b"a", []), (8, 2, b"b", [])]) + of_values(9, b"c"), 5)
    assert (fetch.start, fetch.end) == (5, 10)
    assert fetch.offsets.tolist() == [5, 8, 9]


def test_transaction_markers_are_covered_and_give_no_record() -> None:
    marker = bytearray(of_values(11, b"\0\0\0\1"))
    marker[_ATTRIBUTES + 1] |= _CONTROL
    fetch = fetched(of_values(10, b"a") + bytes(marker) + of_values(12, b"b"), 10)
    assert (fetch.start, fetch.end, fetch.values) == (10, 13, [b"a", b"b"])
    assert fetch.offsets.tolist() == [10, 12]
    alone = fetched(bytes(marker), 11)
    assert (alone.start, alone.end, len(alone)) == (11, 12, 0)


def test_headers_and_tombstones_survive() -> None:
    rows: list[Row] = [(1, 5, b"b", [("x", b"1"), ("y", b"")]), (2, 6, None, [])]
    fetch = fetched(of_values(0, b"a") + batch(1, rows), 0)
    assert fetch.values == [b"a", b"b", None]
    assert fetch.headers == {1: (("x", b"1"), ("y", b""))}


def test_a_record_of_the_oldest_format_has_no_timestamp() -> None:
    builder = LegacyRecordBatchBuilder(0, 0, 1 << 20)
    builder.append(0, timestamp=None, key=None, value=b"a")
    fetch = fetched(bytes(builder.build()), 0)
    assert (fetch.values, fetch.timestamps.tolist()) == ([b"a"], [NO_TIMESTAMP])


def test_a_damaged_batch_is_refused() -> None:
    damaged = bytearray(of_values(0, b"aaaa"))
    damaged[_FIRST_OF_BODY + 8] ^= 1
    with pytest.raises(CorruptRecordException):
        delivered(bytes(damaged), 0, check=True)


def test_folded_and_plain_hold_the_same_records() -> None:
    data = b"".join(of_values(base, *[b"v%d" % (base + at) for at in range(7)]) for base in range(0, 70, 7))
    plain = delivered(data, 3, "other")
    fetch = fetched(data, 3)
    assert fetch.values == [each.value for each in plain]
    assert fetch.offsets.tolist() == [each.offset for each in plain]
    assert fetch.timestamps.tolist() == [each.timestamp for each in plain]


async def test_a_fetch_waits_only_briefly_for_something_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1", fetch_max_wait_ms=1500)
    try:
        assert patient._fetch_max_wait_ms == 1500
        monkeypatch.setattr(folding, "_create_patient", lambda thread, transport: patient)
        consumer = AIOKafkaConsumerThread._create_worker_consumer(object(), object())  # type: ignore[arg-type]
        assert consumer is patient
        assert consumer._fetch_max_wait_ms == 100
    finally:
        await patient.stop()
