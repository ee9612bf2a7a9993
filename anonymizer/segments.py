"""What is published of numbers that part the devices of one cell: by origin, length of stay, category and so on.

A segment that is too small must not follow from the others and their sum. So segments that are too small are put
together, with those that have a name in common, with all that are left, or with those beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from anonymizer.groups import proven
from anonymizer.threshold import Threshold

#: The segment of those whose own are not published.
OTHER = "other"


class Segment(NamedTuple):
    """The devices of one cell and window that share a property: how many, and the sum of their record keys."""

    people: int
    key: int

    def plus(self, other: Segment) -> Segment:
        """Both together."""
        return Segment(self.people + other.people, (self.key + other.key) % 2**32)


NOBODY = Segment(0, 0)

#: The perturbed count of a segment by this name.
Perturbed = Callable[[str, Segment], int]


class Group(NamedTuple):
    """Segments that are published as one: the perturbed count, the devices in them, and the segments' names; of those
    that are given together, the name of their pool."""

    people: int
    segment: Segment
    members: tuple[str, ...]


def grouped(
    threshold: Threshold,
    segments: Mapping[str, Segment],
    perturbed: Perturbed,
    pools: Mapping[str, str] = MappingProxyType({}),
    small: Mapping[str, Segment] = MappingProxyType({}),
) -> dict[str, Group]:
    """What may be published of the segments of one cell and window, which part its devices: groups of them by name.

    Those that may not, and that have a pool of their own (``pools``: its name by theirs), are published as it if that
    may be; all others are pooled into :data:`OTHER`. While this pool cannot be published, the smallest published
    segment (by its perturbed count, then by name) joins it: also if nobody is in it, or a missing segment would say
    that somebody is. No segment may be called :data:`OTHER` or as a pool.

    A segment with a pool of its own, and the pool, may be published if the perturbed count may, and if the count would
    pass with a second error as well: that of all devices with this pool, under the pool's name. So a segment that is
    alone in its pool is not tried a second time with it (see :func:`merged`).

    ``small``: segments of fewer than ``k`` devices need not be among the others: by their pool, :data:`OTHER` or one of
    their own, all of them together.
    """
    passing: dict[str, Group] = {}
    waiting: dict[str, list[str]] = {pool: [pool] for pool in small}
    seconds: dict[str, int] = {}

    def second(pool: str) -> int:
        """The error of all devices with this pool."""
        if pool not in seconds:
            large = together(segment for name, segment in segments.items() if pools.get(name) == pool)
            whole = large.plus(small.get(pool, NOBODY))
            seconds[pool] = perturbed(pool, whole) - whole.people
        return seconds[pool]

    def group(name: str, members: Sequence[str], pool: str | None = None) -> bool:
        """Publish segments as one, if that may be."""
        people = together(segments[member] if member in segments else small[member] for member in members)
        count = _published(threshold, perturbed, name, people)
        if count and pool is not None and people.people + second(pool) < threshold.least:
            return False
        if count:
            passing[name] = Group(count, people, tuple(members))
        return bool(count)

    for name in sorted(segments):
        if not group(name, [name], pools.get(name)):
            waiting.setdefault(pools.get(name, OTHER), []).append(name)
    rest = waiting.pop(OTHER, [])
    for name, members in sorted(waiting.items()):
        if not group(name, members, name):
            rest += members
    while not group(OTHER, rest):
        if not passing:
            return {}
        smallest = min(passing, key=lambda name: (passing[name].people, name))
        rest += passing.pop(smallest).members
    return passing


def pooled(
    threshold: Threshold,
    segments: Mapping[str, Segment],
    perturbed: Perturbed,
    pools: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """As :func:`grouped`: people by the name of a group."""
    return {name: group.people for name, group in grouped(threshold, segments, perturbed, pools).items()}


def merged(
    threshold: Threshold, bins: Sequence[Segment], perturbed: Perturbed, name: Callable[[int, int], str]
) -> list[Run]:
    """What may be published of the bins of one cell and window, which part its devices: runs of bins, in order.

    Bins join a run until it may be published, then the next one begins. Those that are left at the end join the last
    run, also if nobody is in them; while it then cannot be published, the run before it joins, too. So every device is
    in a run that is published, or nothing is. ``name``: what the bins from one to another, both included, are called.

    A run may be published if its perturbed count may, and if its count would pass with a second error as well: that of
    all devices of the cell under the name of the bins from the run's first to the last of all. That one is the same
    however far the run has come. Without it, a group beside empty bins would be tried again with each of them, and one
    that has just ``k`` devices, which shows to whoever has ``k`` - 1 of them, would pass at some time.
    """
    end = len(bins) - 1
    whole = together(bins)

    def published(first: int, last: int, people: Segment) -> int:
        """The perturbed count of a run if it may be published, else 0."""
        count = _published(threshold, perturbed, name(first, last), people)
        if count and people.people + perturbed(name(first, end), whole) - whole.people < threshold.least:
            return 0
        return count

    runs: list[Run] = []
    first, people = 0, NOBODY
    for last, one in enumerate(bins):
        people = people.plus(one)
        count = published(first, last, people) if people.people >= threshold.k else 0
        if count:
            runs.append(Run(first, last, count, people))
            first, people = last + 1, NOBODY
    while runs and runs[-1].last < end:
        before = runs.pop()
        people = before.segment.plus(people)
        count = published(before.first, end, people)
        if count:
            runs.append(Run(before.first, end, count, people))
    return runs


def together(segments: Iterable[Segment]) -> Segment:
    """All of them."""
    total = NOBODY
    for segment in segments:
        total = total.plus(segment)
    return total


class Run(NamedTuple):
    """Bins ``first`` to ``last`` of a cell, published as one: the perturbed count, and the devices in them."""

    first: int
    last: int
    people: int
    segment: Segment


def _published(threshold: Threshold, perturbed: Perturbed, name: str, segment: Segment) -> int:
    """The perturbed count if it may be published, else 0."""
    count = perturbed(name, segment) if segment.people >= threshold.k else 0
    return count if count >= threshold.least else 0


def contradicting(threshold: Threshold, wholes: Sequence[Run], parts: Mapping[str, Sequence[Run]]) -> set[str]:
    """The segments whose runs must not be published beside the runs of all devices, or what is missing is known too
    well.

    ``wholes``: the runs of a cell; ``parts``: those of its segments, by name. How many devices of a run are in none of
    the segments' runs that lie in it is known within two bounds of each of these numbers. If they prove that there are
    more than 2 ``bound`` and fewer than ``k``, or, while some segment's bins in the run are not told, that there are
    fewer than ``k`` - 1, the segment that has the fewest there (then by name) is taken out; and again, from the first
    run on, until nothing is proven.
    """
    gone: set[str] = set()
    while True:
        here = (_smallest_that_proves(threshold, whole, parts, gone) for whole in wholes)
        smallest = next(filter(None, here), None)
        if smallest is None:
            return gone
        gone.add(smallest)


def _smallest_that_proves(
    threshold: Threshold, whole: Run, parts: Mapping[str, Sequence[Run]], gone: set[str]
) -> str | None:
    inside = {
        name: [run for run in runs if whole.first <= run.first and run.last <= whole.last]
        for name, runs in parts.items()
        if name not in gone
    }
    people = {name: sum(run.people for run in runs) for name, runs in inside.items() if runs}
    numbers = [run.people for runs in inside.values() for run in runs]
    least = proven(threshold.bound, whole.people, numbers)
    most = least + 2 * threshold.bound * (1 + len(numbers))
    bins = [sum(run.last - run.first + 1 for run in runs) for runs in inside.values()]
    all_told = not gone and min(bins, default=0) == whole.last - whole.first + 1
    few = most < threshold.k - 1 and not all_told
    if people and (few or 2 * threshold.bound < least < threshold.k):
        return min(people, key=lambda name: (people[name], name))
    return None
