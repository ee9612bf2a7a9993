"""Which published numbers count the same devices: the truth by which attack 8 scores itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from anonymizer.gate import PUBLISHED_NAMES, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER, Segment, together
from indicators.cells import OF_PAIRS, PARTED, SHAPES, Cells, Rule
from indicators.counts import Counts
from tests.privacy.crowd_day import WindowCounts
from tests.privacy.full_plan import pool_of
from tests.privacy.publishing import BOUND, ON

#: A published number, without its window: in every window the same devices have the same error.
Name = tuple[str, ...]


def published_sets(
    windows: Sequence[WindowCounts], released: Sequence[ReleasedWindow], cells: Sequence[Cells], key: bytes
) -> dict[Segment, dict[Name, int]]:
    """The devices of each published number, by how many they are and the sum of their record keys, and their numbers.

    ``released``: what the gate made of the ``windows`` of the layers of ``cells`` with the epoch's ``key``.
    """
    perturbation = Perturbation(key, BOUND)
    by_layer = {each.layer.name: each for each in cells}
    raw = {(each.window.start, each.window.end): each.counts for each in windows}
    found: dict[Segment, dict[Name, int]] = {}
    for window in released:
        where = by_layer[window.layer]
        counts = raw[window.start, window.end].get(window.layer, {})
        for name, devices, people in _numbers(window, where, counts, perturbation):
            found.setdefault(devices, {})[(window.layer, *name)] = people
    return found


def _numbers(
    window: ReleasedWindow, cells: Cells, counts: Mapping[str, Counts], perturbation: Perturbation
) -> Iterator[tuple[Name, Segment, int]]:
    single = {PUBLISHED_NAMES[name] for zone in window.zones.values() for name in zone} | set(OF_PAIRS)
    for indicator in single & counts.keys():
        devices = _by_names(cells, indicator, counts[indicator])
        for name, people in devices.items():
            shown = _single(window, indicator, name)
            if shown is not None:
                yield (indicator, *name), people, shown
    for indicator in set(PARTED) & counts.keys():
        yield from _parted(window, cells, indicator, counts[indicator], perturbation)


def _single(window: ReleasedWindow, indicator: str, name: Name) -> int | None:
    if indicator in OF_PAIRS:
        return window.pairs.get(indicator, {}).get((name[0], name[1]))
    published = next(each for each, internal in PUBLISHED_NAMES.items() if internal == indicator)
    return window.zones.get(name[0], {}).get(published)


def _by_names(cells: Cells, indicator: str, counts: Counts) -> dict[Name, Segment]:
    columns = counts.cells.tolist(), counts.counts.tolist(), counts.keys.tolist()
    pairs = indicator in OF_PAIRS
    return {
        cells.names(indicator, cell): Segment(people, key)
        for cell, people, key in zip(*columns, strict=True)
        if pairs or cell != cells.layer.outside
    }


def _parted(
    window: ReleasedWindow, cells: Cells, indicator: str, counts: Counts, perturbation: Perturbation
) -> Iterator[tuple[Name, Segment, int]]:
    truth: dict[Name, dict[str, Segment]] = {}
    at: dict[Name, int] = {}
    for cell, people, key in zip(counts.cells.tolist(), counts.counts.tolist(), counts.keys.tolist(), strict=True):
        *names, segment = cells.names(indicator, cell)
        truth.setdefault(tuple(names), {})[segment] = Segment(people, key)
        at[tuple(names)] = cell // cells.segments(indicator)
    for place, numbers in window.parts.get(indicator, {}).items():
        if SHAPES[indicator].rule is Rule.POOLED:
            groups = _groups(cells, indicator, at[place], truth[place], set(numbers), perturbation)
            for name, devices in groups.items():
                yield (indicator, *place, name), devices, numbers[name]
        elif place in truth:
            # of stays by origin those of a pool are left out: what it holds beside origins that were taken out is not
            # told
            yield from _runs(cells, indicator, place, truth[place], numbers)


def _groups(
    cells: Cells,
    indicator: str,
    place: int,
    segments: Mapping[str, Segment],
    shown: set[str],
    perturbation: Perturbation,
) -> dict[str, Segment]:
    """The devices of each published group. A segment that would have passed and is not published joined the others."""
    named = cells.of(indicator, place)
    codes = {cells.segment(indicator, place, code): code for code in range(cells.segments(indicator))}
    pools = {name: pool_of(cells, indicator, place, codes[name]) for name in segments}

    def passes(people: int, name: str, devices: Segment) -> bool:
        error = perturbation.error("\0".join((indicator, cells.layer.name, *named, name)), devices.key)
        return people + error >= ON.threshold.least

    groups: dict[str, list[Segment]] = {}
    for name, devices in segments.items():
        pool = pools[name]
        group = name if name in shown else OTHER
        if group == OTHER and pool is not None and pool in shown:
            whole = together(each for other, each in segments.items() if pools[other] == pool)
            alone = passes(devices.people, name, devices) and passes(devices.people, pool, whole)
            group = OTHER if alone else pool
        groups.setdefault(group, []).append(devices)
    return {name: together(members) for name, members in groups.items() if name in shown}


def _runs(
    cells: Cells, indicator: str, place: Name, bins: Mapping[str, Segment], shown: Mapping[str, int]
) -> Iterator[tuple[Name, Segment, int]]:
    of = cells.bins_of(indicator)
    for first in range(len(of)):
        for last in range(first, len(of)):
            name = of.name(first, last)
            if name in shown:
                inside = [bins[of.name(at, at)] for at in range(first, last + 1) if of.name(at, at) in bins]
                yield (indicator, *place, name), together(inside), shown[name]


def largest_difference(sets: Mapping[Segment, Mapping[Name, int]]) -> int:
    """How far a number is from what it counts at the most: beyond the bound, the sets would not be those of the
    numbers."""
    return int(max(np.abs(np.array(list(names.values())) - devices.people).max() for devices, names in sets.items()))
