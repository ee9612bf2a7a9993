"""Sums of times by device and cell, that grow by columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.columns import Reader, Writer
from indicators.sorting import stable_order

_COMPACT_AT = 1 << 16


class Sums:
    """For each pair of a device and a cell, sums of some columns of times (ms); a pair is ``slot * cells + cell``.

    Times are those of a local day, and so are their sums: they fit into 4 bytes, 16 a pair with its two columns.
    """

    def __init__(self, columns: int) -> None:
        """``columns``: how many sums there are of a pair."""
        self._columns = columns
        self._chunks: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._compacted = 0
        self._waiting = 0

    def add(self, pairs: NDArray[np.int64], times: NDArray[np.int32]) -> None:
        """Add to pairs, int64 (n,), in any order, repeats allowed: int32 (columns, n), which may be 0."""
        if len(pairs):
            self._chunks.append((pairs, times))
            self._waiting += len(pairs)
            if self._waiting > max(_COMPACT_AT, self._compacted):
                self.total()

    def total(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The distinct pairs, ascending, int64 (m,), and their sums, int32 (columns, m)."""
        if not self._chunks:
            return np.empty(0, np.int64), np.empty((self._columns, 0), np.int32)
        if self._waiting:
            pairs = np.concatenate([chunk[0] for chunk in self._chunks])
            times = np.concatenate([chunk[1] for chunk in self._chunks], axis=1)
            order = stable_order(pairs)
            pairs = pairs[order]
            first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]]))
            # one column after the other: rows of a column are picked faster than those of several at once
            sums = np.stack([np.add.reduceat(column[order], first, dtype=np.int32) for column in times])
            self._chunks = [(pairs[first], sums)]
            self._compacted, self._waiting = len(first), 0
        return self._chunks[0]

    def write(self, writer: Writer) -> None:
        """Put the sums into a snapshot. No array of them is ever changed, only replaced, so none is copied."""
        writer.value("chunks", len(self._chunks))
        for number, (pairs, times) in enumerate(self._chunks):
            writer.final(f"{number}/pairs", pairs)
            writer.final(f"{number}/times", times)

    def read(self, reader: Reader) -> None:
        """Take over what :meth:`write` put into a snapshot."""
        for number in range(reader.value("chunks")):
            self.add(reader.column(f"{number}/pairs"), reader.column(f"{number}/times"))
