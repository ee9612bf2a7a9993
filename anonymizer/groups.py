"""Groups: numbers that are withheld, or published as one, because others beside them would give them away.

Where cells part the devices of a larger one that is published, what is missing is nearly a subtraction away; nearly,
since every number has its error. What the published numbers, whatever their errors are, prove of the rest decides: were
it the true rest, then whether a number is withheld would tell nobody from somebody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anonymizer.threshold import Threshold


def proven(bound: int, whole: int, parts: Sequence[int]) -> int:
    """How many devices of the whole are in none of the published parts at the least; 0 or less if that may be nobody.

    ``whole``, ``parts``: perturbed counts, each at most ``bound`` from the truth. A device may be in several parts.
    """
    return whole - bound - sum(part + bound for part in parts)


class Level(NamedTuple):
    """A layer of a chain in which each holds the one before: perturbed counts by zone, as far as they are published,
    and the zone of the next layer that holds each zone (empty for the last)."""

    published: Mapping[int, int]
    parents: Sequence[int]


def withheld_in_chain(threshold: Threshold, chain: Sequence[Level]) -> set[int]:
    """The zones of the first layer of a chain that must not be published, so that nobody knows too well how many are in
    the rest of a zone of any layer above.

    Of one zone that is not published it is known that at most ``k`` + 2 ``bound`` - 1 devices are in it. If what is
    published proves that there are more than 2 ``bound``, and fewer than ``k``, in those of a zone above together, that
    is narrower than ``k`` - 1: the smallest published one that helps to prove it (by its perturbed count, then by its
    place in the layer) joins them. A function of perturbed numbers only.
    """
    published, gone = dict(chain[0].published), set[int]()
    for height in range(1, len(chain)):
        inside: dict[int, list[tuple[int, int]]] = {}
        others: dict[int, list[int]] = {}
        for zone, people in published.items():
            holder = _holder(chain, 0, zone, height)
            if holder is not None:
                inside.setdefault(holder, []).append((people, zone))
        for between in range(1, height):
            for zone, people in chain[between].published.items():
                holder = _holder(chain, between, zone, height)
                if holder is not None:
                    others.setdefault(holder, []).append(people)
        for whole, there in inside.items():
            if whole in chain[height].published:
                parts = [people for people, _ in there] + others.get(whole, [])
                rest = proven(threshold.bound, chain[height].published[whole], parts)
                if 2 * threshold.bound < rest < threshold.k:
                    smallest = min(there)[1]
                    gone.add(smallest)
                    del published[smallest]
    return gone


def _holder(chain: Sequence[Level], level: int, zone: int, height: int) -> int | None:
    """The zone at ``height`` that holds a zone of a level below; None if there is none, or one that holds it in
    between is published, which says more."""
    at = zone
    for between in range(level, height):
        if between > level and at in chain[between].published:
            return None
        parents = chain[between].parents
        if at >= len(parents):
            return None
        at = parents[at]
    return at
