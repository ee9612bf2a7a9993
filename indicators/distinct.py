"""Sets of devices and cells, that grow by columns: in a cell each device counts once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.columns import Writer
from indicators.counts import Counts
from indicators.sorting import distinct

_COMPACT_AT = 1 << 16


class Distinct:
    """A set of (device, cell) pairs that grows by columns; its count of a cell is the cell's distinct devices."""

    def __init__(self, cells: int) -> None:
        """``cells``: how many cells there are; a pair is kept as ``slot * cells + cell`` in 8 bytes."""
        self._cells = cells
        self._pairs = np.empty(0, np.int64)
        self._pending: list[NDArray[np.int64]] = []
        self._waiting = 0

    def add(self, slots: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
        """Add pairs: int64 (n,) slots and int64 (n,) cells, in any order, repeats allowed."""
        if len(slots):
            self._pending.append(slots * self._cells + cells)
            self._waiting += len(slots)
            if self._waiting > max(_COMPACT_AT, len(self._pairs)):
                self._compact()

    def _compact(self) -> None:
        if self._pending:
            self._pairs = distinct(np.concatenate([self._pairs, *self._pending]))
            self._pending.clear()
            self._waiting = 0

    @property
    def pairs(self) -> NDArray[np.int64]:
        """The distinct pairs, sorted: int64 (n,)."""
        self._compact()
        return self._pairs

    def counts(self, record_keys: NDArray[np.uint32]) -> Counts:
        """Distinct devices of each cell; ``record_keys``: uint32 (slots,)."""
        slots, cells = np.divmod(self.pairs, self._cells)
        return Counts.of_cells(cells, record_keys[slots])

    def write(self, writer: Writer, name: str) -> None:
        """Put the pairs into a snapshot. No array of pairs is ever changed, only replaced, so none is copied."""
        writer.distinct(name, [self._pairs, *self._pending])

    def restore(self, pairs: NDArray[np.int64]) -> None:
        """Take over the pairs of a snapshot."""
        self._pairs = pairs
