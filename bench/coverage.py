"""How often the interval of an extrapolated number holds what would have been counted had everybody been a customer.

In each trial the operator's customers are drawn anew, only their SIMs are counted, and what is published of them is
extrapolated. So this is about sampling and the error of published numbers alone, which the interval is about: the error
of the network's positions is in the number for everybody, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from types import MappingProxyType
from typing import Final, NamedTuple

from anonymizer.gate import ReleasedWindow
from bench.festival_day import Counted, RawKey
from indicators.calendar import width_of_label
from sinks.extrapolation import ANY, Estimate, MarketShares, Part, combined


class _Field(NamedTuple):
    """A field of a zone: the raw indicator behind it, and the one that parts its devices by origin."""

    indicator: str
    origins: str


#: What is extrapolated.
_FIELDS: Final = MappingProxyType(
    {
        "people": _Field("presence", "origins"),
        "arrivals": _Field("arrivals", "arrival_origins"),
        "departures": _Field("departures", "departure_origins"),
        "nights": _Field("nights", "night_origins"),
    }
)

#: Sizes of the number for everybody, [first, last).
SIZES: Final = ((0, 100), (100, 500), (500, 1 << 62))


class Held(NamedTuple):
    """An extrapolated number and the true one, which is that for everybody."""

    estimate: Estimate
    true: int

    @property
    def holds(self) -> bool:
        """Whether the interval has the true number in it."""
        return self.estimate.low <= self.true <= self.estimate.high


class Coverage(NamedTuple):
    """Of the numbers of all trials. ``share``: how many of the intervals held; ``error``: its standard error, from the
    differences between trials, since the numbers of one are of the same customers; ``width``: of the intervals, to
    either side, and ``bias`` of the estimates: as shares of the true numbers' sum."""

    numbers: int
    share: float
    error: float
    width: float
    bias: float


class Extrapolation(NamedTuple):
    """How numbers are extrapolated. ``areas``: layer to zone to its area; ``bound``: the largest error of a published
    number; ``z``: standard errors to either side; ``by_origin``: from the segments of a zone, each with its share, in
    the place of its total with the share of all."""

    shares: MarketShares
    areas: Mapping[str, Mapping[str, str | None]]
    bound: int
    z: float
    by_origin: bool

    def of(self, counted: Counted, everybody: Mapping[RawKey, Mapping[str, int]]) -> list[Held]:
        """The published numbers of zones of one trial, each beside that of ``everybody``."""
        return [
            Held(
                combined(segments, self.bound, self.z),
                everybody[window.layer, _FIELDS[field].indicator, width_of_label(window.width), window.start][zone],
            )
            for window in counted.released
            for zone, numbers in window.zones.items()
            for field in numbers.keys() & _FIELDS.keys()
            if (segments := self._segments(window, zone, field))
        ]

    def _segments(self, window: ReleasedWindow, zone: str, field: str) -> list[Part]:
        """Released numbers and the share of each, that make up a field; none if its origins are not published."""
        area = self.areas[window.layer][zone]
        if not self.by_origin:
            return [self.shares.part(area, ANY, window.zones[zone][field])]
        origins = window.parts.get(_FIELDS[field].origins, {}).get((zone,), {})
        return [self.shares.part(area, origin, people, origins) for origin, people in origins.items()]


def coverage(trials: Sequence[Sequence[Held]]) -> Coverage | None:
    """What the trials say together; None without a number."""
    found = [held for trial in trials for held in trial]
    if not found:
        return None
    each = [mean(held.holds for held in trial) for trial in trials if trial]
    true = sum(held.true for held in found)
    return Coverage(
        len(found),
        mean(held.holds for held in found),
        stdev(each) / len(each) ** 0.5 if len(each) > 1 else 0.0,
        sum(held.estimate.high - held.estimate.low for held in found) / 2 / true,
        sum(held.estimate.people - held.true for held in found) / true,
    )


def of_size(trials: Sequence[Sequence[Held]], size: tuple[int, int]) -> list[list[Held]]:
    """Only the numbers whose true one is in [first, last)."""
    return [[held for held in trial if size[0] <= held.true < size[1]] for trial in trials]
