"""The range of a file's event times, and which of them lie far from the rest."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.times import DAY, HOUR

_MOST_BINS = 50_000
_EXAMPLES = 3


class Outliers(NamedTuple):
    """Event times far from the rest: how many, and some of them in UTC ms, the most distant first."""

    number: int
    examples: list[int]


class EventTimes:
    """Counts event times by the hour, coarser where they spread over centuries, so that memory stays flat.

    ``first`` and ``last`` are UTC ms, -1 without any time. No time is tied to a subscriber here.
    """

    def __init__(self) -> None:
        self.first = -1
        self.last = -1
        self._width = HOUR
        self._counts: dict[int, int] = {}

    def add(self, ts: NDArray[np.int64]) -> None:
        """Count the times of (n,) int64 in UTC ms; negative ones are no times."""
        dated = ts[ts >= 0]
        if not len(dated):
            return
        self.first = min(self.first if self.first >= 0 else int(dated.min()), int(dated.min()))
        self.last = max(self.last, int(dated.max()))
        bins, counts = np.unique(dated // self._width, return_counts=True)
        for number, count in zip(bins.tolist(), counts.tolist(), strict=True):
            self._counts[number] = self._counts.get(number, 0) + count
        while len(self._counts) > _MOST_BINS:
            self._coarsen()

    def outliers(self) -> Outliers:
        """Times beyond three interquartile ranges, and at least a day, from the middle half of all times."""
        if not self._counts:
            return Outliers(0, [])
        bins = np.array(sorted(self._counts), dtype=np.int64)
        counts = np.array([self._counts[number] for number in bins.tolist()], dtype=np.int64)
        share = np.cumsum(counts) / counts.sum()
        low, high = (int(bins[np.searchsorted(share, quarter)]) for quarter in (0.25, 0.75))
        reach = max(3 * (high - low), -(-DAY // self._width))
        far = (bins < low - reach) | (bins > high + reach)
        middle = (low + high) // 2
        distant = sorted(bins[far].tolist(), key=lambda number: -abs(number - middle))
        examples = [self._example(number) for number in distant[:_EXAMPLES]]
        return Outliers(int(counts[far].sum()), examples)

    def _example(self, number: int) -> int:
        """A time of a bin: the first or the last of all where it is there, else where the bin begins."""
        for exact in (self.first, self.last):
            if exact // self._width == number:
                return exact
        return number * self._width

    def _coarsen(self) -> None:
        self._width *= 2
        merged: dict[int, int] = {}
        for number, count in self._counts.items():
            merged[number // 2] = merged.get(number // 2, 0) + count
        self._counts = merged
