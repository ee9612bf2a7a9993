"""Bins in order, such as lengths of stay: where a value falls, and what a run of bins is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from config.times import Duration


class Bins:
    """Bins ``[edge, next edge)`` of whole numbers; the last one has no end.

    ``edges``: int64 (bins,), rising, the lower ends. Of durations an edge is named as settings write it (``15m``); of
    numbers of days a run is named by the first and the last number in it (``4-7``).
    """

    def __init__(self, edges: Sequence[int], *, durations: bool) -> None:
        self.edges = np.array(edges, np.int64)
        self._durations = durations
        self._names: dict[tuple[int, int], str] = {}

    @classmethod
    def of_durations(cls, edges: Sequence[int]) -> Self:
        """Bins of durations in ms: up to the first of these edges, between them, and beyond the last."""
        return cls([0, *edges], durations=True)

    @classmethod
    def of_numbers(cls, edges: Sequence[int]) -> Self:
        """Bins of whole numbers that begin at these."""
        return cls(edges, durations=False)

    def __len__(self) -> int:
        return len(self.edges)

    def of(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """The bin of each value, int64 (n,), none of them below the first edge: (n,)."""
        return np.searchsorted(self.edges, values, side="right").astype(np.int64) - 1

    def name(self, first: int, last: int) -> str:
        """What the bins ``first`` to ``last`` are called together: ``0-15m``, ``8h+``, ``4-7``, ``2``."""
        if (first, last) not in self._names:  # the gate asks for them again and again
            self._names[first, last] = self._made(first, last)
        return self._names[first, last]

    def _made(self, first: int, last: int) -> str:
        low = int(self.edges[first])
        if last + 1 == len(self.edges):
            return f"{self._edge(low)}+"
        high = int(self.edges[last + 1])
        if self._durations:
            return f"{self._edge(low)}-{self._edge(high)}"
        return str(low) if high == low + 1 else f"{low}-{high - 1}"

    def _edge(self, edge: int) -> str:
        return Duration(edge).text if self._durations and edge else str(edge)


#: Of how many days or nights a device was somewhere.
DAYS = Bins.of_numbers((1, 2, 3, 4, 8))
