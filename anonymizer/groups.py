"""Groups: numbers that are withheld, or published as one, because others beside them would give them away.

Where cells part the devices of a larger one that is published, what is missing is nearly a subtraction away; nearly,
since every number has its error. What the published numbers, whatever their errors are, prove of the rest decides: were
it the true rest, then whether a number is withheld would tell nobody from somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from anonymizer.threshold import Threshold

#: The segment of those whose own are not published.
OTHER = "other"


def proven(bound: int, whole: int, parts: Sequence[int]) -> int:
    """How many devices of the whole are in none of the published parts at the least; 0 or less if that may be nobody.

    ``whole``, ``parts``: perturbed counts, each at most ``bound`` from the truth. A device may be in several parts.
    """
    return whole - bound - sum(part + bound for part in parts)


def withheld(
    threshold: Threshold, published: Mapping[int, int], parents: Sequence[int], wholes: Mapping[int, int]
) -> set[int]:
    """The zones that must not be published so that nobody knows too well how many are in the rest of a parent.

    ``published``: perturbed counts by zone, as far as they pass the threshold; ``parents``: the parent of each zone;
    ``wholes``: the published count of each parent. Of one zone that is not published it is known that at most ``k`` + 2
    ``bound`` - 1 devices are in it. If what is published proves that there are more than 2 ``bound``, and fewer than
    ``k``, in those of a parent together, that is narrower than ``k`` - 1: the smallest published one (by its perturbed
    count, then by its place in the layer) joins them. A function of perturbed numbers only.
    """
    parts: dict[int, list[tuple[int, int]]] = {}
    for zone, people in published.items():
        if parents[zone] in wholes:
            parts.setdefault(parents[zone], []).append((people, zone))
    joining = set()
    for parent, there in parts.items():
        rest = proven(threshold.bound, wholes[parent], [people for people, _ in there])
        if 2 * threshold.bound < rest < threshold.k:
            joining.add(min(there)[1])
    return joining


class Segment(NamedTuple):
    """The devices of one zone and window that share a property: how many, and the sum of their record keys."""

    people: int
    key: int

    def plus(self, other: Segment) -> Segment:
        """Both together."""
        return Segment(self.people + other.people, (self.key + other.key) % 2**32)


def pooled(
    threshold: Threshold, segments: Mapping[str, Segment], perturbed: Callable[[str, Segment], int]
) -> dict[str, int]:
    """What may be published of the segments of one zone and window, which part its devices: people by segment.

    Those that may not are pooled into :data:`OTHER`. While the pool cannot be published, the smallest published segment
    (by its perturbed count, then by name) joins it: also if nobody is in it, or a missing segment would say that
    somebody is. ``perturbed``: the perturbed count of a segment by this name. No segment may be called :data:`OTHER`.
    """
    people = {name: perturbed(name, segment) for name, segment in segments.items() if segment.people >= threshold.k}
    passing = {name: count for name, count in people.items() if count >= threshold.least}
    pool = Segment(0, 0)
    for name in sorted(segments.keys() - passing.keys()):
        pool = pool.plus(segments[name])
    while True:
        other = perturbed(OTHER, pool) if pool.people >= threshold.k else 0
        if other >= threshold.least:
            return passing | {OTHER: other}
        if not passing:
            return {}
        smallest = min(passing, key=lambda name: (passing[name], name))
        pool = pool.plus(segments[smallest])
        del passing[smallest]
