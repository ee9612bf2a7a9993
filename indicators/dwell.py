"""Dwell: how long people stayed.

Of each device that ended a visit in a zone within the window, by a move or in silence, the longest of these visits,
from its first to its last event. The devices are counted by bins of this length (``indicators.dwell_edges``). A visit
that the end of the epoch cuts is none of them. Unit: devices by length of stay.

Median and quartiles follow from the released histogram alone: the length below which a quarter, half and three quarters
of the released devices are, each run of bins taken as evenly filled (the grouped-data quantile, e.g. Kenney and
Keeping, Mathematics of Statistics, 1962, part 1, ch. 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from config.times import SECOND, Duration

_QUARTILES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))


def longest(pairs: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Of distinct ascending ``cell * bins + bin``, int64 (n,), those of each cell's last bin: (m,)."""
    cells = pairs // bins
    last = np.ones(len(pairs), bool)
    np.not_equal(cells[1:], cells[:-1], out=last[:-1])
    return pairs[last]


def quartiles(histogram: Mapping[str, int]) -> list[int | None]:
    """The quartiles and, in the middle, the median of a released histogram, in whole seconds; None for one that lies in
    a run without an end.

    ``histogram``: people by run of bins, as published (``15m-30m``, ``8h+``).
    """
    runs = sorted((*_ends(name), people) for name, people in histogram.items())
    total = sum(people for _, _, people in runs)
    found: list[int | None] = []
    for share in _QUARTILES:
        target, below = share * total, 0
        for low, high, people in runs:
            if below + people >= target:
                at = None if high == _NO_END else low + (high - low) * (target - below) / people
                found.append(None if at is None else round(at / SECOND))
                break
            below += people
    return found


_NO_END = 1 << 62


def _ends(name: str) -> tuple[int, int]:
    """Where a run of bins begins and ends, in ms."""
    low, _, high = name.removesuffix("+").partition("-")
    return _edge(low), _edge(high) if high else _NO_END


def _edge(text: str) -> int:
    return 0 if text == "0" else int(Duration.parse(text))
