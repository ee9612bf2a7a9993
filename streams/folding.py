"""Folding: all that one fetch brought of a chosen topic's partition becomes one Faust message, not one a record.

This and ``streams.link`` are the only modules that lean on internals of Faust and aiokafka:

- ``aiokafka.consumer.fetcher.PartitionRecords._unpack_records`` yields a consumer record for each Kafka record, at
  1 us each or more. For a folded topic it yields one for the whole fetch, whose value is a :class:`Fetch`.
- ``faust.transport.drivers.aiokafka.AIOKafkaConsumerThread._create_worker_consumer`` makes a consumer that lets the
  broker wait 1.5 s for something to read, which ``AIOKafkaConsumer._fetch_max_wait_ms`` shortens.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from numpy.typing import NDArray

from streams.fetch import NO_TIMESTAMP, Fetch, Headers

#: aiokafka sends a broker one request at a time, for the partitions of which it holds nothing. While a worker has a
#: backlog these are often only topics where nothing happens, and no event is fetched until that request returns.
_LONGEST_WAIT_MS = 100

#: Records held as objects at a time: with many more, Python's garbage collection would look at them again and again,
#: which doubles the cost of unpacking batches of 64 KB.
_RUN = 128

_folded: set[str] = set()
_unpack_each = PartitionRecords._unpack_records
_create_patient = AIOKafkaConsumerThread._create_worker_consumer


def fold(topic: str) -> None:
    """From now on, deliver the records of this topic folded, to every consumer of this process."""
    _folded.add(topic)
    PartitionRecords._unpack_records = _unpack
    AIOKafkaConsumerThread._create_worker_consumer = _create_consumer  # type: ignore[method-assign, assignment]


def _create_consumer(thread: AIOKafkaConsumerThread, transport: Any) -> Any:
    consumer = _create_patient(thread, transport)
    consumer._fetch_max_wait_ms = _LONGEST_WAIT_MS
    return consumer


def _unpack(fetched: Any) -> Iterator[Any]:
    return _unpack_folded(fetched) if fetched._tp.topic in _folded else _unpack_each(fetched)


def _unpack_folded(fetched: Any) -> Iterator[ConsumerRecord[None, Fetch]]:
    """One consumer record. Read-uncommitted, as Faust reads; transaction markers are passed over."""
    start = fetched.next_fetch_offset
    values: list[bytes | None] = []
    stamps: list[int | None] = []
    offsets: list[range | list[int]] = []
    headers: dict[int, Headers] = {}
    for rows in _runs(fetched):
        if rows[0].offset < start:
            rows = [row for row in rows if row.offset >= start]
        held = [row.headers for row in rows]
        if any(held):
            headers |= {at: tuple(each) for at, each in enumerate(held, len(values)) if each}
        values += [row.value for row in rows]
        stamps += [row.timestamp for row in rows]
        offsets.append(_offsets(rows))
    end = fetched.next_fetch_offset
    if end > start:
        tp = fetched._tp
        if len(values) == end - start:
            column = np.arange(start, end, dtype=np.int64)
        else:
            column = np.fromiter(chain.from_iterable(offsets), np.int64, len(values))
        fetch = Fetch(tp.partition, start, end, values, _timestamps(stamps), column, headers)
        newest = int(fetch.timestamps[-1]) if values else 0
        yield ConsumerRecord(tp.topic, tp.partition, end - 1, newest, 0, None, fetch, None, -1, len(fetch), ())


def _runs(fetched: Any) -> Iterator[list[Any]]:
    """The records of a fetch in short runs, their batches checked; at the end ``next_fetch_offset`` is behind all."""
    records = fetched._records
    while records.has_next():
        batch = records.next_batch()
        if fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
        fetched.next_fetch_offset = batch.next_offset
        # chain: a batch of aiokafka's can be iterated only once, and not be asked again once it is over
        rest = chain(() if batch.is_control_batch else batch)
        while rows := list(islice(rest, _RUN)):
            yield rows


def _offsets(rows: list[Any]) -> range | list[int]:
    if rows and rows[-1].offset - rows[0].offset + 1 == len(rows):
        return range(rows[0].offset, rows[-1].offset + 1)
    return [row.offset for row in rows]


def _timestamps(stamps: list[int | None]) -> NDArray[np.int64]:
    try:
        return np.fromiter(stamps, np.int64, len(stamps))
    except TypeError:  # the oldest record format has none
        return np.array([NO_TIMESTAMP if stamp is None else stamp for stamp in stamps], np.int64)
