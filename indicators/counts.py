"""Counts of distinct devices per cell of a window: sparse columns that add up over shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from indicators.sorting import stable_order

#: The indicators of a zone, in the order of the tallies. ``flows`` has a pair of zones as its cell.
ZONE_INDICATORS = ("presence", "arrivals", "departures", "appeared", "vanished")
FLOWS = "flows"
INDICATORS = (*ZONE_INDICATORS, FLOWS)

_EXACT = 1 << 21
_SPARSE = 4  # cells for each device: with more it is faster to sort the devices than to go through all cells


class Counts(NamedTuple):
    """Raw counts, never published as they are.

    ``cells``: int64 (n,), sorted, distinct: a zone's index, or for flows ``from * (zones + 1) + to``.
    ``counts``: int64 (n,), each at least 1: distinct devices.
    ``keys``: uint32 (n,), the sums of these devices' record keys (modulo 2^32).
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.int64]
    keys: NDArray[np.uint32]

    @classmethod
    def empty(cls) -> Self:
        """No device in any cell."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint32))

    @classmethod
    def of_cells(cls, cells: NDArray[np.int64], record_keys: NDArray[np.uint32]) -> Self:
        """Count how often each cell occurs; ``cells``: int64 (n,), ``record_keys``: uint32 (n,), one entry a device."""
        if not len(cells):
            return cls.empty()
        number = int(cells.max()) + 1
        if number <= _SPARSE * len(cells):
            counts = np.bincount(cells, minlength=number)
            found = np.flatnonzero(counts)
            return cls(found, counts[found].astype(np.int64), key_sums(cells, record_keys, number)[found])
        order = stable_order(cells)
        cells = cells[order]
        first = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
        keys = np.add.reduceat(record_keys[order], first, dtype=np.uint64)
        return cls(cells[first], np.diff(first, append=len(cells)), keys.astype(np.uint32))

    def plus(self, other: Counts) -> Counts:
        """The sum, cell by cell: what two shards that share no device counted together."""
        return Counts.total([self, other])

    @classmethod
    def total(cls, some: Sequence[Counts]) -> Self:
        """The sum of one or more, cell by cell: what shards that share no device counted together."""
        cells, where = np.unique(np.concatenate([each.cells for each in some]), return_inverse=True)
        total = np.zeros(len(cells), np.int64)
        np.add.at(total, where, np.concatenate([each.counts for each in some]))
        return cls(cells, total, key_sums(where, np.concatenate([each.keys for each in some]), len(cells)))

    def where(self, which: NDArray[np.bool_] | slice) -> Counts:
        """Some of the cells: those for which ``which``, bool (n,), holds, or a slice of them."""
        return Counts(self.cells[which], self.counts[which], self.keys[which])

    def as_dict(self) -> dict[int, int]:
        """Cell index to count, as plain numbers."""
        return dict(zip(self.cells.tolist(), self.counts.tolist(), strict=True))


def key_sums(cells: NDArray[np.integer[Any]], record_keys: NDArray[np.uint32], number: int) -> NDArray[np.uint32]:
    """The sum of the record keys, modulo 2^32, of each cell 0 to ``number`` - 1: uint32 (number,).

    ``cells``, ``record_keys``: (n,), one entry a device. In doubles, which hold sums of :data:`_EXACT` keys exactly.
    """
    sums = np.zeros(number, np.uint64)
    for first in range(0, len(cells), _EXACT):
        rows = slice(first, first + _EXACT)
        sums += np.bincount(cells[rows], record_keys[rows], number).astype(np.uint64)
    return sums.astype(np.uint32)


class Tally(NamedTuple):
    """What one shard counted in one window of one layer; final: it is only made when the window has closed.

    ``layer``: index of the layer; ``width``, ``start``, ``end``: ms. ``counts`` has an entry for each indicator with
    at least one device. ``key``: the id of the key under which the devices were told apart.
    """

    layer: int
    width: int
    start: int
    end: int
    counts: Mapping[str, Counts]
    key: str = ""
