"""How far published numbers are from true ones: the segments of both put side by side, and what the errors come to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from config.times import Duration

_OTHER = "other"
_POOLS = ("national", "foreign")


class Pair(NamedTuple):
    """A published number and the true one."""

    published: int
    true: int


class Errors(NamedTuple):
    """What the errors of some numbers come to. ``numbers``: how many; ``mean``: their mean true size; ``absolute``: the
    mean error without its sign, in people; ``relative``: the same as a share of the mean size; ``bias``: the mean error
    as such a share."""

    numbers: int
    mean: float
    absolute: float
    relative: float
    bias: float

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "Errors | None":
        """The errors of numbers whose true ones are not all 0, or None."""
        pairs = list(pairs)
        true = sum(pair.true for pair in pairs)
        if not true:
            return None
        errors = [pair.published - pair.true for pair in pairs]
        absolute = sum(map(abs, errors))
        return cls(len(pairs), true / len(pairs), absolute / len(pairs), absolute / true, sum(errors) / true)


def beside(published: Mapping[str, int], true: Mapping[str, int]) -> dict[str, Pair]:
    """Zones, or segments that are not put together, that are published, each with its true number."""
    return {name: Pair(people, true.get(name, 0)) for name, people in published.items()}


def beside_pooled(published: Mapping[str, int], true: Mapping[str, int]) -> dict[str, Pair]:
    """Published segments of a zone, each with the true number of those whom it holds.

    A true segment that is not published is in the pool of its class, if that is published, else in ``other``.
    """
    sums = dict.fromkeys(published, 0)
    for name, people in true.items():
        pool = name.partition(":")[0]
        places = (name, *((pool,) if pool in _POOLS else ()), _OTHER)
        place = next((place for place in places if place in published), None)
        if place is not None:
            sums[place] += people
    return {name: Pair(people, sums[name]) for name, people in published.items()}


def beside_merged(published: Mapping[str, int], true: Mapping[str, int]) -> dict[str, Pair]:
    """Published runs of bins of length of stay ("0-30m", "2h+"), each with the true number of its bins."""
    bins = {name: _bounds(name) for name in true}
    pairs = {}
    for name, people in published.items():
        low, high = _bounds(name)
        inside = sum(true[bin] for bin, (begin, end) in bins.items() if low <= begin and end <= high)
        pairs[name] = Pair(people, inside)
    return pairs


def distance(pairs: Iterable[Pair]) -> float | None:
    """How far apart the published and true shares of segments are: half the sum of the differences, 0 to 1, which is
    the share of people in a wrong segment at the least (total variation distance); None where there is nobody."""
    pairs = list(pairs)
    published, true = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0)
    if not published or not true:
        return None
    return sum(abs(pair.published / published - pair.true / true) for pair in pairs) / 2


def _bounds(name: str) -> tuple[float, float]:
    """The shortest stay of a bin or run and the first that is longer than all of it, in ms."""
    if name.endswith("+"):
        return _length(name.removesuffix("+")), float("inf")
    low, _, high = name.partition("-")
    return _length(low), _length(high)


def _length(text: str) -> float:
    return 0.0 if text == "0" else float(Duration.parse(text))
