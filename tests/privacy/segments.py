"""Attack 4, segments: the origins of a zone's people part them, so that what is missing is a subtraction away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER, Segment, pooled
from tests.privacy.crowd_day import Crowd, tallies_of
from tests.privacy.knowledge import NOTHING_KNOWN, Score
from tests.privacy.publishing import K, Protection
from zones import Layer

#: Local, national and foreign: everybody knows the list.
ORIGINS = 3


class Parted(NamedTuple):
    """A zone in a window: the ``whole`` presence, and the same devices by origin."""

    zone: str
    whole: Segment
    segments: Mapping[str, Segment]


def parted(crowd: Crowd, record_keys: NDArray[np.uint32], layer: int) -> Iterator[Parted]:
    """Every zone and window of a layer with somebody in it, by origin.

    Counted by the core: a zone and an origin together are a zone of a layer of their own.
    """
    origins, number = np.unique(np.array(crowd.origins), return_inverse=True)
    where = crowd.layers[layer]
    zones = np.array([f"{zone}/{origin}" for zone in (*where.ids, "outside") for origin in origins])
    fine = Layer("origins", tuple(zones.tolist()), tuple(zones.tolist()), (None,) * len(zones))
    cell = crowd.zones[:, layer].astype(np.int64) * len(origins) + number[crowd.devices]
    split = crowd._replace(layers=(fine,), zones=cell.astype(np.int32)[:, None])
    for tally in tallies_of(split, record_keys):
        counts = tally.counts.get("presence")
        if counts is None:
            continue
        zone, origin = np.divmod(counts.cells, len(origins))
        for at in np.unique(zone[zone < where.outside]).tolist():
            rows = zone == at
            segments = {
                str(origins[which]): Segment(count, key)
                for which, count, key in zip(
                    origin[rows].tolist(), counts.counts[rows].tolist(), counts.keys[rows].tolist(), strict=True
                )
            }
            whole = Segment(0, 0)
            for segment in segments.values():
                whole = whole.plus(segment)
            yield Parted(where.zone_name(at), whole, segments)


def publish(one: Parted, protection: Protection, perturbation: Perturbation, layer: str) -> tuple[int, dict[str, int]]:
    """The published presence (0: absent) and the published segments; without groups, nothing is pooled."""

    def perturbed(name: str, segment: Segment) -> int:
        named = "\0".join(("presence", layer, one.zone, *([name] if name else [])))
        return segment.people + int(perturbation.errors([named], np.array([segment.key], np.uint32))[0])

    def passes(name: str, segment: Segment) -> int:
        people = perturbed(name, segment) if segment.people >= protection.k else 0
        return people if people >= protection.threshold.least else 0

    if protection.groups:
        return passes("", one.whole), pooled(protection.threshold, one.segments, perturbed)
    alone = {name: passes(name, segment) for name, segment in one.segments.items()}
    return passes("", one.whole), {name: people for name, people in alone.items() if people}


def score(one: Parted, people: int, published: Mapping[str, int], protection: Protection) -> Score:
    """What the published numbers say about the segments of 1 to k - 1 devices.

    What is missing, all together, is the presence less the published segments, and, where there is one, about the
    number of the others. A segment that was pooled to keep others company is no larger than the smallest published.
    """
    bound, k = protection.bound, protection.k
    named = {name: number for name, number in published.items() if name != OTHER}
    least, most = 0.0, np.inf
    if people:
        least = max(people - bound, k) - sum(number + bound for number in named.values())
        most = people + bound - sum(max(number - bound, k) for number in named.values())
    if OTHER in published:
        least, most = max(least, published[OTHER] - bound, k), min(most, published[OTHER] + bound)
    alone = k + 2 * bound - 1.0
    if protection.groups:
        alone = max(alone, min(named.values()) + bound) if named else np.inf
    upper = min(alone, most)
    others = ORIGINS - len(named) - 1
    lower = max(0.0, least - others * alone) if others else max(0.0, least)
    absent = [segment.people for name, segment in one.segments.items() if name not in named]
    small = [count for count in absent if 0 < count < K]
    wrong = sum(not lower <= count <= upper for count in absent)
    pinned, narrow = upper == lower, upper - lower < K - 1
    return Score(len(small), len(small) * pinned, len(small) * narrow, wrong)


def scored(crowd: Crowd, record_keys: NDArray[np.uint32], protection: Protection, key: bytes) -> Score:
    """The attack on all layers of a day."""
    perturbation = Perturbation(key, protection.bound)
    total = NOTHING_KNOWN
    for at, layer in enumerate(crowd.layers):
        for one in parted(crowd, record_keys, at):
            people, published = publish(one, protection, perturbation, layer.name)
            total = total.plus(score(one, people, published, protection))
    return total
