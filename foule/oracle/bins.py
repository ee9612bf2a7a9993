"""Bins of lengths of stay and of numbers of days, runs of them, and what a published histogram says of its middle."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from config.times import Duration
from foule.oracle.parameters import SECOND


class Bins(NamedTuple):
    """``lows``: where each bin begins, in words; ``highs``: where each but the last, which is open, ends."""

    lows: tuple[str, ...]
    highs: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """What each bin is called."""
        return [self.run(at, at) for at in range(len(self.lows))]

    def run(self, first: int, last: int) -> str:
        """What the bins from ``first`` to ``last`` are called together."""
        if last == len(self.highs):
            return f"{self.lows[first]}+"
        low, high = self.lows[first], self.highs[last]
        return low if low == high else f"{low}-{high}"


@cache
def stay_bins(edges: tuple[int, ...]) -> Bins:
    """The bins between edges (ms): "0-15m", "15m-30m", ..., "8h+"."""
    texts = tuple(Duration(edge).text for edge in edges)
    return Bins(("0", *texts), texts)


NUMBER_BINS = Bins(("1", "2", "3", "4", "8"), ("1", "2", "3", "7"))
"""Of days, and of nights in a row."""


def stay_bin(edges: tuple[int, ...], stay: int) -> str:
    """The bin of a stay (ms): as many edges as are not longer lie below it."""
    return stay_bins(edges).names[sum(edge <= stay for edge in edges)]


def number_bin(number: int) -> str:
    """The bin of a number of days, which is 1 at least."""
    return NUMBER_BINS.names[sum(int(low) <= number for low in NUMBER_BINS.lows) - 1]


def quartiles(people: Mapping[str, int]) -> list[int | None]:
    """The lower quartile, the median and the upper quartile (s) of a published histogram of lengths of stay.

    ``people``: by the name of a run of bins; the last of them is open. The people of a run are taken to be spread
    evenly over it: of those at or below a quartile there are a quarter, a half, three quarters of all. None where it
    lies in the open run; exactly where that begins, it is there. Whole seconds, the even one of two that are as near.
    """
    runs = sorted((*_ends(name), number) for name, number in people.items())
    total = sum(people.values())
    return [_quantile(runs, Fraction(part, 4) * total) for part in (1, 2, 3)]


def _quantile(runs: Sequence[tuple[int, int | None, int]], target: Fraction) -> int | None:
    below = Fraction(0)
    for low, high, number in runs:
        if target <= below + number:
            return None if high is None else round(low + (target - below) / number * (high - low))
        below += number
    return None


def _ends(name: str) -> tuple[int, int | None]:
    """Where a run begins and ends (s)."""
    if name.endswith("+"):
        return _seconds(name[:-1]), None
    low, high = name.split("-")
    return _seconds(low), _seconds(high)


def _seconds(text: str) -> int:
    return 0 if text == "0" else Duration.parse(text) // SECOND
