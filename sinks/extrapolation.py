"""From released numbers of devices to people: the operator's share of the market, and how sure the result is.

Each of N people is, independently, a customer of the operator with probability s, the market share. Of n customers the
number of people is estimated by n / s, whose variance is estimated by n (1 - s) / s^2: the Horvitz-Thompson estimator
of a Bernoulli sample (Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe",
JASA 47, 1952; Särndal, Swensson and Wretman, "Model assisted survey sampling", Springer 1992, section 3.2). A released
number has an error besides, each of the whole numbers -B to B as likely as the others (anonymizer.perturbation), whose
variance is B (B + 1) / 3 (Johnson, Kemp and Kotz, "Univariate discrete distributions", 3rd edition, Wiley 2005, section
6.10: the discrete rectangular distribution). The two are independent, and so the variances add up.

Of people whose origins were put together (``other``) the share is not known, only between which shares it lies: with
the number of people a device stands for as likely anywhere between the two ends of a range of r, the n devices add
(n r)^2 / 12, the variance of a uniform distribution, to the variance.

Every customer is one of the people: of a released number n there are at least n - B, and no interval begins below.

Only numbers that passed the gate may be extrapolated: what is said of people follows from what is published anyway.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from statistics import NormalDist
from types import MappingProxyType
from typing import Final, NamedTuple

from anonymizer.gate import People

#: Stands for any area, and for any origin.
ANY: Final = "*"

_LOCAL: Final = "local"
_NATIONAL: Final = "national"
#: Those whose origins were put together.
OTHER: Final = "other"


class Estimate(NamedTuple):
    """An estimated number of people, and the interval that holds the true one with the confidence asked for; whole
    numbers, the interval rounded outwards, and never below the devices that there are at least."""

    people: int
    low: int
    high: int


def quantile(confidence: float) -> float:
    """How many standard errors an interval reaches to either side: the quantile z of the normal distribution.

    ``confidence``: the probability, in (0, 1), with which the interval is to hold the true number: 0.95 gives 1.96.
    """
    return NormalDist().inv_cdf((1 + confidence) / 2)


def estimate(count: People, share: float, bound: int, z: float) -> Estimate:
    """The people of whom ``count`` devices were released.

    ``share``: the operator's share of the market in (0, 1]; ``bound``: the largest error of a released number; ``z``:
    as :func:`quantile` gives it. people = n / s; variance = (n (1 - s) + B (B + 1) / 3) / s^2.
    """
    return combined([(count, share)], bound, z)


class Part(NamedTuple):
    """``devices`` that were released, the ``share`` of the operator among the people that they are of, and the
    ``spread``: by how much the people that one of them stands for may differ, since their origins are not known."""

    devices: People
    share: float
    spread: float = 0.0


def combined(segments: Iterable[tuple[People, float] | Part], bound: int, z: float) -> Estimate:
    """The people of several segments together that have no person in common: released count and share of each.

    Estimates and variances add up; the parameters are those of :func:`estimate`. No segment, no people.
    """
    people = variance = 0.0
    devices = 0
    for count, share, spread in (Part(*segment) for segment in segments):
        people += count / share
        devices += max(0, count - bound)
        variance += (count * (1 - share) + bound * (bound + 1) / 3) / share**2 + (count * spread) ** 2 / 12
    reach = z * math.sqrt(variance)
    return Estimate(round(people), max(devices, math.floor(people - reach)), math.ceil(people + reach))


class MarketShares:
    """The operator's market shares by area and origin.

    ``rows``: (area, origin) to the share, in (0, 1]; either may be :data:`ANY`, and one row has both so. An origin is
    the label of a segment: ``local``, ``national:75``, ``foreign:DE``, ``unknown``; or a class, ``national`` or
    ``foreign``. Raises ValueError without the row for any area and origin.
    """

    def __init__(self, rows: Mapping[tuple[str, str], float]) -> None:
        if (ANY, ANY) not in rows:
            raise ValueError("market shares need a row for any area and any origin")
        self._rows = MappingProxyType(dict(rows))

    def part(self, area: str | None, origin: str, count: People, told: Collection[str] = ()) -> Part:
        """A released ``count`` of ``origin`` in the zones of an ``area``, with its share.

        Of ``other`` with the spread of all shares that the rows for the area and for any area have, but for those of
        origins that are ``told`` beside it.
        """
        spread = 0.0
        if origin == OTHER:
            rows = [row for row in self._rows if row[0] in (area, ANY) and row[1] not in told]
            each = [1 / self._rows[row] for row in rows]
            spread = max(each) - min(each)
        return Part(count, self.share(area, origin), spread)

    def share(self, area: str | None, origin: str = ANY) -> float:
        """The share among the people of ``origin`` in the zones of an ``area``: of the most specific row that fits.

        The rows of the origin come before those of its class, and these before those of any origin: who is a customer
        depends on where people live more than on where they are. Among rows of the same origin that of the area comes
        before that of any area. Of ``local`` people in an area that is known, the rows of ``national:AREA`` come next,
        and their class is ``national``: they are the same people. ``area``: None where the zone has none. Totals and
        ``other`` are of any origin.
        """
        origins = list(_widening(area, origin))
        areas = (ANY,) if area is None else (area, ANY)
        return next(self._rows[place, label] for label in origins for place in areas if (place, label) in self._rows)


def _widening(area: str | None, origin: str) -> Iterator[str]:
    """The labels of rows that fit an origin, the most specific first."""
    if origin not in (ANY, OTHER):
        yield origin
        if origin == _LOCAL:
            if area is not None:
                yield f"{_NATIONAL}:{area}"
            yield _NATIONAL
        elif ":" in origin:
            yield origin.partition(":")[0]
    yield ANY
