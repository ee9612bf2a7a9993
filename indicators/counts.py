"""Counts of distinct devices per cell of a window: sparse columns that add up over shards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

#: The indicators of a zone, in the order of the tallies. ``flows`` has a pair of zones as its cell.
ZONE_INDICATORS = ("presence", "arrivals", "departures", "appeared", "vanished")
FLOWS = "flows"
INDICATORS = (*ZONE_INDICATORS, FLOWS)


class Counts(NamedTuple):
    """Raw counts, never published as they are.

    ``cells``: int64 (n,), sorted, distinct: a zone's index, or for flows ``from * (zones + 1) + to``.
    ``counts``: int64 (n,), each at least 1: distinct devices.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Self:
        """No device in any cell."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def of_cells(cls, cells: NDArray[np.int64]) -> Self:
        """Count how often each cell occurs; ``cells``: int64 (n,), one entry a device."""
        if not len(cells):
            return cls.empty()
        distinct, counts = np.unique(cells, return_counts=True)
        return cls(distinct, counts.astype(np.int64))

    def plus(self, other: Counts) -> Counts:
        """The sum, cell by cell: what two shards that share no device counted together."""
        cells = np.concatenate([self.cells, other.cells])
        distinct, where = np.unique(cells, return_inverse=True)
        total = np.zeros(len(distinct), np.int64)
        np.add.at(total, where, np.concatenate([self.counts, other.counts]))
        return Counts(distinct, total)

    def as_dict(self) -> dict[int, int]:
        """Cell index to count, as plain numbers."""
        return dict(zip(self.cells.tolist(), self.counts.tolist(), strict=True))


class Tally(NamedTuple):
    """What one shard counted in one window of one layer; final: it is only made when the window has closed.

    ``layer``: index of the layer; ``width``, ``start``, ``end``: ms. ``counts`` has an entry for each indicator with
    at least one device. ``key``: the label of the key under which the devices were told apart; empty where no other
    shard can have the same device.
    """

    layer: int
    width: int
    start: int
    end: int
    counts: Mapping[str, Counts]
    key: str = ""
