"""A recorded file of events, read as batches of records in the order of the file or of event time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from config.settings import Settings
from foule.eventfiles.container import Container, Kind
from foule.eventfiles.records import Batch, RecordWriter
from foule.eventfiles.rows import rows_of
from foule.eventfiles.times import Times

_SORTED_ROWS = 8192


class EventFile:
    """An open file of events; a context manager. The section ``replay`` of the settings maps its columns.

    ``rows``, ``damaged`` and ``undated`` count what has been read so far: all rows; those that could not be
    taken apart (sent as they are, to be rejected as malformed); those whose time cannot be read (sent with its
    text, to be rejected as bad_time). ``position`` of ``size`` bytes have been read.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._writer = RecordWriter(settings.replay, settings.events)
        self._container = Container(path)
        self.size = self._container.size
        self.rows = 0
        self.damaged = 0
        self.undated = 0

    @property
    def kind(self) -> Kind:
        """What the file holds."""
        return self._container.kind

    @property
    def position(self) -> int:
        """Bytes read so far, of the file as it lies on the disk."""
        return self._container.position

    def batches(self, sort: bool = False, reading: Callable[[], None] = lambda: None) -> Iterator[Batch]:
        """The events in batches of some thousands; once only. ``reading`` is called after each that was read.

        In the order of the file with flat memory; or, with ``sort``, by event time, which holds the whole file
        in memory: ties stay in file order, and a row without a readable time stays behind the row it follows.
        Raises EventFileError where the file is damaged or lacks a column.
        """
        batches = self._read(reading)
        return _sorted(batches) if sort else batches

    def _read(self, reading: Callable[[], None]) -> Iterator[Batch]:
        for rows in rows_of(self._container, self._writer.wanted):
            batch = self._writer.batch(rows)
            self.rows += rows.length
            self.damaged += batch.damaged
            self.undated += batch.undated
            reading()
            yield batch

    def close(self) -> None:
        """Close the file; may be called again."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def order_of(ts: Times) -> Times:
    """The stable order by time, (n,) int64; -1 counts as the time of the row before it, at the front as first."""
    rows = np.arange(len(ts))
    last_dated = np.maximum.accumulate(np.where(ts >= 0, rows, 0)) if len(ts) else rows
    return np.argsort(ts[last_dated], kind="stable")


def _sorted(batches: Iterator[Batch]) -> Iterator[Batch]:
    everything = list(batches)
    keys = [key for batch in everything for key in batch.keys]
    values = [value for batch in everything for value in batch.values]
    ts = np.concatenate([batch.ts for batch in everything] or [np.empty(0, dtype=np.int64)])
    damaged = sum(batch.damaged for batch in everything)
    undated = sum(batch.undated for batch in everything)
    del everything
    order = order_of(ts)
    for start in range(0, len(order), _SORTED_ROWS):
        rows = order[start : start + _SORTED_ROWS]
        own_keys = [keys[row] for row in rows.tolist()]
        own_values = [values[row] for row in rows.tolist()]
        yield Batch(own_keys, own_values, ts[rows], damaged, undated)
        damaged = undated = 0
