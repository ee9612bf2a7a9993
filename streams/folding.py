"""Folding: whole record batches of chosen topics become one Faust message each, not one message a record.

This and ``streams.consumer`` are the only modules that lean on internals of Faust and aiokafka:

- ``aiokafka.consumer.fetcher.PartitionRecords._unpack_records`` yields a consumer record for each Kafka record, at
  2.2 to 2.9 us each. For a folded topic it yields one for each record *batch*, whose value is a :class:`Fetch`.
- Faust's public setting ``ConsumerScheduler`` takes what one poll returned for each partition; ours joins the batches
  of a folded partition into one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import ConsumerRecord
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from streams.fetch import NO_TIMESTAMP, Fetch

_folded: set[str] = set()
_unpack_each = PartitionRecords._unpack_records


def fold(topic: str) -> None:
    """From now on, deliver the records of this topic folded, to every consumer of this process."""
    _folded.add(topic)
    PartitionRecords._unpack_records = _unpack


def _unpack(fetched: Any) -> Iterator[Any]:
    return _unpack_batches(fetched) if fetched._tp.topic in _folded else _unpack_each(fetched)


def _unpack_batches(fetched: Any) -> Iterator[Any]:
    """One consumer record for each batch. Read-uncommitted, as Faust reads; transaction markers are passed over."""
    covered = fetched.next_fetch_offset
    records = fetched._records
    while records.has_next():
        batch = records.next_batch()
        if fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
        rows = [] if batch.is_control_batch else [row for row in batch if row.offset >= fetched.next_fetch_offset]
        fetched.next_fetch_offset = batch.next_offset
        if rows or not records.has_next():
            yield _folded_record(fetched._tp, covered, batch.next_offset, rows)
            covered = batch.next_offset


def _folded_record(tp: TopicPartition, start: int, end: int, rows: list[Any]) -> ConsumerRecord[None, Fetch]:
    count = len(rows)
    stamps = [row.timestamp for row in rows]
    if None in stamps:
        stamps = [NO_TIMESTAMP if stamp is None else stamp for stamp in stamps]
    if count and rows[-1].offset - rows[0].offset + 1 == count:
        offsets = np.arange(rows[0].offset, rows[0].offset + count, dtype=np.int64)
    else:
        offsets = np.fromiter([row.offset for row in rows], np.int64, count)
    headers = {at: tuple(row.headers) for at, row in enumerate(rows) if row.headers}
    timestamps = np.fromiter(stamps, np.int64, count)
    fetch = Fetch(tp.partition, start, end, [row.value for row in rows], timestamps, offsets, headers)
    return _as_record(tp, fetch)


def _as_record(tp: TopicPartition | TP, fetch: Fetch) -> ConsumerRecord[None, Fetch]:
    newest = int(fetch.timestamps[-1]) if len(fetch) else 0
    return ConsumerRecord(tp.topic, tp.partition, fetch.end - 1, newest, 0, None, fetch, None, -1, len(fetch), ())


def joined(fetches: list[Fetch]) -> Fetch:
    """Fetches that follow each other in one partition, as one."""
    first = fetches[0]
    headers = {}
    values: list[bytes | None] = []
    for fetch in fetches:
        headers.update({len(values) + row: held for row, held in fetch.headers.items()})
        values += fetch.values
    return Fetch(
        first.partition,
        first.start,
        fetches[-1].end,
        values,
        np.concatenate([fetch.timestamps for fetch in fetches]),
        np.concatenate([fetch.offsets for fetch in fetches]),
        headers,
    )


class FoldingScheduler(DefaultSchedulingStrategy):
    """Faust's round robin, with one message for all that a poll brought of a folded partition."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Hand out the messages of one poll."""
        folded = {}
        for tp, run in records.items():
            if tp.topic in _folded and len(run) > 1:
                run = [_as_record(tp, joined([record.value for record in run]))]
            folded[tp] = run
        return super().iterate(folded)
