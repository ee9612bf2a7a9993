"""Groups: numbers that are withheld, or published as one, because others beside them would give them away.

Where cells part the devices of a larger one that is published, what is missing is a subtraction away. So no remainder
of 1 to k - 1 devices is left: in it is always at least a number that could have been published alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from anonymizer.threshold import Threshold
from indicators.counts import Counts

#: The segment of those whose own are not published.
OTHER = "other"


def withheld(
    k: int, published: Mapping[int, int], counts: Counts, parents: Sequence[int], published_parents: Collection[int]
) -> set[int]:
    """The cells that must not be published so that no small remainder of a published parent can be told.

    ``published``: perturbed counts by zone, as far as they pass the threshold; ``counts``: the raw ones of the same
    indicator; ``parents``: the parent of each zone. If the zones of a published parent that are not published hold, all
    together, fewer than ``k`` devices but not none, the smallest published one (by its perturbed count, then by its
    place in the layer) joins them.
    """
    rest: Counter[int] = Counter()
    for zone, count in zip(counts.cells.tolist(), counts.counts.tolist(), strict=True):
        if zone < len(parents) and zone not in published and parents[zone] in published_parents:
            rest[parents[zone]] += count
    joining: dict[int, tuple[int, int]] = {}
    for zone, people in published.items():
        parent = parents[zone] if zone < len(parents) else None
        if parent is not None and 0 < rest[parent] < k:
            joining[parent] = min(joining.get(parent, (people, zone)), (people, zone))
    return {zone for _, zone in joining.values()}


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

    Those that may not are pooled into :data:`OTHER`. While the pool has somebody in it and cannot be published, the
    smallest published segment (by its perturbed count, then by name) joins it. ``perturbed``: the perturbed count of a
    segment by this name. No segment may be called :data:`OTHER`.
    """
    people = {name: perturbed(name, segment) for name, segment in segments.items() if segment.people >= threshold.k}
    passing = {name: count for name, count in people.items() if count >= threshold.least}
    pool = Segment(0, 0)
    for name in sorted(segments.keys() - passing.keys()):
        pool = pool.plus(segments[name])
    while pool.people:
        other = perturbed(OTHER, pool) if pool.people >= threshold.k else 0
        if other >= threshold.least:
            return passing | {OTHER: other}
        if not passing:
            break
        smallest = min(passing, key=lambda name: (passing[name], name))
        pool = pool.plus(segments[smallest])
        del passing[smallest]
    return passing
