"""Thousands of small days side by side: each has zones of its own in one layer, so that the core counts all at once."""

from __future__ import annotations

from datetime import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indicators.calendar import Calendar, Epoch
from indicators.counts import FLOWS, ZONE_INDICATORS
from tests.privacy.crowd_day import Crowd, WindowCounts, counted, festival_settings
from tests.privacy.publishing import Protection, publish
from zones import Layer

MINUTES = 60_000
#: Windows of 5 minutes in which people are about; the hour has four more, in which they fall silent, and itself.
WINDOWS = 8
_ALL_WINDOWS = 13
_SHORT, _HOUR = 5 * MINUTES, 60 * MINUTES
_PARENT = np.array([0, 0, 0, 1, 1, 1, 2])
ZONES, PARENTS = len(_PARENT), 3
ROAD = ZONES - 1
_PULL = np.array([0.30, 0.24, 0.10, 0.18, 0.06, 0.02, 0.10])
_STAYS = 0.8
_BEGIN = 6 * _HOUR

#: Where the target is in each window: it comes to a quiet zone and goes on to two others; -1: not seen yet.
TARGET = np.array([-1, 5, 5, 4, 4, 2, 2, ROAD])

Ints = NDArray[np.int64]


class Days(NamedTuple):
    """Raw counts of ``days`` small days, and the record keys' seed; zone z of day d is ``d * ZONES + z``."""

    days: int
    layers: tuple[Layer, ...]
    windows: list[WindowCounts]


class Crowds(NamedTuple):
    """How much the days differ: the total, [``least``, ``most``] people, and how alike their tastes are (the
    concentration of a Dirichlet distribution)."""

    least: int = 100
    most: int = 300
    alike: float = 25.0


VARYING = Crowds()
CALM = Crowds(195, 205, 1_000.0)


def draw(days: int, seed: int, present: NDArray[np.bool_], same_crowds: int = 0, crowds: Crowds = VARYING) -> Days:
    """Days whose crowds and totals are drawn anew; ``present`` (days,): those on which the target is there.

    With ``same_crowds``, day d has the crowd of day d modulo that number, under other record keys.
    """
    rng = np.random.default_rng([seed, 50])
    drawn = same_crowds or days
    people = rng.integers(crowds.least, crowds.most + 1, drawn)
    day = np.repeat(np.arange(drawn), people)
    pull = rng.dirichlet(crowds.alike * _PULL, drawn).cumsum(axis=1)
    where = np.empty((len(day), WINDOWS), np.int64)
    for window in range(WINDOWS):
        fresh = (rng.random(len(day))[:, None] > pull[day]).sum(axis=1)
        where[:, window] = np.minimum(fresh, ZONES - 1)
        if window:
            stays = rng.random(len(day)) < _STAYS
            where[stays, window] = where[stays, window - 1]
    comes, goes = rng.integers(-6, 5, len(day)), rng.integers(4, 14, len(day))
    at = np.arange(WINDOWS)
    where[(at < comes[:, None]) | (at >= goes[:, None])] = -1
    if same_crowds:
        copies = days // drawn
        day = np.concatenate([day + copy * drawn for copy in range(copies)])
        where = np.concatenate([where] * copies)
    target_days = np.flatnonzero(present)
    day = np.concatenate([day, target_days])
    where = np.concatenate([where, np.repeat(TARGET[None, :], len(target_days), axis=0)])
    return _count(days, day, where, rng)


def _count(days: int, day: Ints, where: Ints, rng: np.random.Generator) -> Days:
    settings, _ = festival_settings()
    person, window = np.nonzero(where >= 0)
    zone = where[person, window]
    times = _BEGIN + window * _SHORT + rng.integers(0, _SHORT, len(window))
    order = np.argsort(times, kind="stable")
    parents = tuple((np.arange(days)[:, None] * PARENTS + _PARENT).ravel().tolist())
    inner, outer = (tuple(map(str, range(days * size))) for size in (ZONES, PARENTS))
    layers = (
        Layer("zones", inner, inner, (None,) * len(inner), 1, parents),
        Layer("parents", outer, outer, (None,) * len(outer)),
    )
    found = np.stack([day[person] * ZONES + zone, day[person] * PARENTS + _PARENT[zone]], axis=1).astype(np.int32)
    calendar = Calendar("UTC", time(0), [_SHORT, _HOUR])
    epoch = Epoch(0, "small", calendar.epoch_of(_BEGIN).start, _BEGIN + _HOUR)
    crowd = Crowd(
        layers,
        calendar,
        epoch,
        int(settings.time.linger),
        [""] * len(day),
        person[order],
        times[order],
        found[order],
        [],
    )
    return Days(days, layers, counted(crowd, rng.integers(0, 1 << 32, len(day), dtype=np.uint32)))


def columns() -> dict[tuple[int, str, str, int, int], int]:
    """The column of each number of a day: by window, layer, indicator, zone, and zone to which (-1: none)."""
    found: dict[tuple[int, str, str, int, int], int] = {}
    for window in range(_ALL_WINDOWS):
        for name, size in (("zones", ZONES), ("parents", PARENTS)):
            for zone in range(size - 1):
                for indicator in ZONE_INDICATORS:
                    found[window, name, indicator, zone, -1] = len(found)
            for origin in range(size):
                for to in range(size):
                    if origin != to:
                        found[window, name, FLOWS, origin, to] = len(found)
    return found


def raw_numbers(drawn: Days) -> NDArray[np.float64]:
    """All raw counts of each day, (days, columns)."""
    places, numbers = columns(), np.zeros((drawn.days, len(columns())))
    for window, (_, counts) in enumerate(drawn.windows):
        for layer, size in ((drawn.layers[0], ZONES), (drawn.layers[1], PARENTS)):
            for indicator, held in counts.get(layer.name, {}).items():
                origin, to = held.cells, np.full(len(held.cells), -1)
                if indicator == FLOWS:
                    origin, to = held.cells // (layer.outside + 1), held.cells % (layer.outside + 1)
                _fill(numbers, places, (window, layer.name, indicator), origin, to, held.counts, size=size)
    return numbers


def published_numbers(drawn: Days, protection: Protection, key: bytes) -> NDArray[np.float64]:
    """All published numbers of each day, (days, columns); 0 where one is absent."""
    places, numbers = columns(), np.zeros((drawn.days, len(columns())))
    at = {(window.start, window.end): number for number, (window, _) in enumerate(drawn.windows)}
    sizes = {"zones": ZONES, "parents": PARENTS}
    names = {"people": "presence"}
    for released in publish(drawn.windows, drawn.layers, protection, key):
        window, size = at[released.start, released.end], sizes[released.layer]
        found: dict[str, list[tuple[int, int, int]]] = {FLOWS: []}
        for zone, values in released.zones.items():
            for name, people in values.items():
                found.setdefault(names.get(name, name), []).append((int(zone), -1, people))
        found[FLOWS] = [(int(origin), int(to), people) for (origin, to), people in released.flows.items()]
        for indicator, rows in found.items():
            if rows:
                _fill(numbers, places, (window, released.layer, indicator), *np.array(rows).T, size=size)
    return numbers


def _fill(
    numbers: NDArray[np.float64],
    places: dict[tuple[int, str, str, int, int], int],
    what: tuple[int, str, str],
    origin: Ints,
    to: Ints,
    counts: Ints,
    *,
    size: int,
) -> None:
    day, zone = np.divmod(origin, size)
    other = np.where(to >= 0, to % size, -1)
    table = np.full((size, size + 1), -1)
    for (window, layer, indicator, first, second), number in places.items():
        if (window, layer, indicator) == what:
            table[first, second] = number
    column = table[zone, other]
    known = column >= 0
    numbers[day[known], column[known]] = counts[known]
