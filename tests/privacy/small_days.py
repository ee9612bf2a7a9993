"""Thousands of small days side by side: each has zones of its own in one layer, so that the core counts all at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.gate import PUBLISHED_NAMES, ReleasedWindow
from indicators.calendar import DAY_MS, Calendar
from indicators.cells import PARTED, SHAPES, Cells
from indicators.counts import FLOWS, ZONE_INDICATORS
from tests.privacy.crowd_day import Crowd, WindowCounts, counted, festival_settings
from tests.privacy.full_plan import OriginTable, full_plan
from tests.privacy.publishing import Protection, publish
from zones import Layer

MINUTES = 60_000
#: Windows of 5 minutes in which people are about; the hour has four more, in which they fall silent, and itself;
#: then the day.
WINDOWS = 8
_ALL_WINDOWS = 14
_SHORT, _HOUR = 5 * MINUTES, 60 * MINUTES
_PARENT = np.array([0, 0, 0, 1, 1, 1, 2])
ZONES, PARENTS = len(_PARENT), 3
ROAD = ZONES - 1
_PULL = np.array([0.30, 0.24, 0.10, 0.18, 0.06, 0.02, 0.10])
_STAYS = 0.8
_BEGIN = 6 * _HOUR
_COLUMNS = (*ZONE_INDICATORS, FLOWS, "nights", "trips")
#: Of how many days a part must be published to be looked at.
_RARE = 0.01

#: Where the target is in each window: it comes to a quiet zone, stays, and goes on to two others; -1: not seen yet.
TARGET = np.array([-1, 5, 5, 5, 5, 4, 2, ROAD])

#: From where people are, with the share of each; the target is from where hardly anybody else is.
_TABLE = OriginTable(("17", "75", "79"), ("DE", "IT"))
_SHARES = np.array([0.05, 0.50, 0.20, 0.14, 0.10, 0.01])
_TARGET_ORIGIN = _TABLE.code("foreign:IT")

Ints = NDArray[np.int64]
#: A part that is published: window, layer, indicator, zone (and zone to which, or origin), and segment, as in each day.
Part = tuple[int, str, str, tuple[str, ...], str]


class Days(NamedTuple):
    """Raw counts of ``days`` small days; zone z of day d is ``d * ZONES + z``. ``cells``: of each layer."""

    days: int
    layers: tuple[Layer, ...]
    windows: list[WindowCounts]
    cells: list[Cells]


class Crowds(NamedTuple):
    """How much the days differ: the total, [``least``, ``most``] people, and how alike their tastes are (the
    concentration of a Dirichlet distribution)."""

    least: int = 100
    most: int = 300
    alike: float = 25.0


VARYING = Crowds()
CALM = Crowds(195, 205, 1_000.0)


def draw(days: int, seed: int, present: NDArray[np.bool_], same_crowds: int = 0, crowds: Crowds = VARYING) -> Days:
    """Days whose crowds, origins and totals are drawn anew; ``present`` (days,): those on which the target is there.

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
    origins = rng.choice(len(_SHARES), len(day), p=_SHARES)
    if same_crowds:
        copies = days // drawn
        origins = np.concatenate([origins] * copies)
        day = np.concatenate([day + copy * drawn for copy in range(copies)])
        where = np.concatenate([where] * copies)
    target_days = np.flatnonzero(present)
    day = np.concatenate([day, target_days])
    where = np.concatenate([where, np.repeat(TARGET[None, :], len(target_days), axis=0)])
    origins = np.concatenate([origins, np.full(len(target_days), _TARGET_ORIGIN)])
    return _count(days, day, where, origins, rng)


def _count(days: int, day: Ints, where: Ints, origins: Ints, rng: np.random.Generator) -> Days:
    settings, _ = festival_settings()
    person, window = np.nonzero(where >= 0)
    zone = where[person, window]
    times = _BEGIN + window * _SHORT + rng.integers(0, _SHORT, len(window))
    order = np.argsort(times, kind="stable")
    parents = tuple((np.arange(days)[:, None] * PARENTS + _PARENT).ravel().tolist())
    inner, outer = (tuple(map(str, range(days * size))) for size in (ZONES, PARENTS))
    layers = (
        Layer("zones", inner, inner, ("17",) * len(inner), 1, parents),
        Layer("parents", outer, outer, ("17",) * len(outer)),
    )
    found = np.stack([day[person] * ZONES + zone, day[person] * PARENTS + _PARENT[zone]], axis=1).astype(np.int32)
    calendar = Calendar("UTC", time(0), [_SHORT, _HOUR, DAY_MS])
    plan = full_plan(layers, _TABLE, edges=(5, 10, 15, 20, 30), night=(time(6), time(8)), stays=(20, 10, 5))
    crowd = Crowd(
        layers,
        calendar,
        calendar.epoch_of(_BEGIN),
        int(settings.time.linger),
        [""] * len(day),
        person[order],
        times[order],
        found[order],
        origins.astype(np.int16),
        _TABLE,
        plan,
    )
    windows = counted(crowd, rng.integers(0, 1 << 32, len(day), dtype=np.uint32))
    return Days(days, layers, [each for each in windows if each.window.start < _BEGIN + _HOUR], crowd.cells)


def columns() -> dict[tuple[int, str, str, int, int], int]:
    """The column of each number of a day: by window, layer, indicator, zone, and zone to which (-1: none)."""
    found: dict[tuple[int, str, str, int, int], int] = {}
    for window in range(_ALL_WINDOWS):
        for name, size in (("zones", ZONES), ("parents", PARENTS)):
            for zone in range(size - 1):
                for indicator in (*ZONE_INDICATORS, "nights"):
                    found[window, name, indicator, zone, -1] = len(found)
            for origin in range(size):
                for to in range(size):
                    if origin != to:
                        found[window, name, FLOWS, origin, to] = len(found)
                        found[window, name, "trips", origin, to] = len(found)
    return found


def raw_numbers(drawn: Days) -> NDArray[np.float64]:
    """All raw counts of each day, (days, columns)."""
    places, numbers = columns(), np.zeros((drawn.days, len(columns())))
    for window, (_, counts) in enumerate(drawn.windows):
        for layer, size in ((drawn.layers[0], ZONES), (drawn.layers[1], PARENTS)):
            for indicator, held in counts.get(layer.name, {}).items():
                if indicator in PARTED or indicator not in _COLUMNS:
                    continue
                origin, to = held.cells, np.full(len(held.cells), -1)
                if SHAPES[indicator].pairs:
                    origin, to = held.cells // (layer.outside + 1), held.cells % (layer.outside + 1)
                _fill(numbers, places, (window, layer.name, indicator), origin, to, held.counts, size=size)
    return numbers


def own_parts(drawn: Days) -> set[tuple[int, str, str, tuple[str, ...]]]:
    """Where the devices of the only day have a part: window, layer, indicator and zone."""
    found = set()
    for window, (_, counts) in enumerate(drawn.windows):
        for cells in drawn.cells:
            for indicator, held in counts.get(cells.layer.name, {}).items():
                if indicator in PARTED:
                    ends = 2 if SHAPES[indicator].pairs else 1
                    for cell in held.cells.tolist():
                        found.add((window, cells.layer.name, indicator, cells.names(indicator, cell)[:ends]))
    return found


class Published(NamedTuple):
    """All published numbers of each day, 0 where one is absent: ``numbers`` float64 (days, columns) as in
    :func:`columns`, then the ``parts`` that are published on some days, in order."""

    numbers: NDArray[np.float64]
    parts: list[Part]


def published_numbers(drawn: Days, protection: Protection, key: bytes, *, only_base: bool = False) -> Published:
    """What everybody can read of the days; ``only_base``: as if presence and flows alone were published."""
    places = columns()
    numbers = np.zeros((drawn.days, len(places)))
    at = {(window.start, window.end): number for number, (window, _) in enumerate(drawn.windows)}
    sizes = {"zones": ZONES, "parents": PARENTS}
    parts: dict[Part, int] = {}
    found: list[tuple[int, int, int]] = []
    for released in publish(drawn.windows, drawn.layers, protection, key, None if only_base else drawn.cells):
        window, size = at[released.start, released.end], sizes[released.layer]
        rows: dict[str, list[tuple[int, int, int]]] = {}
        for zone, values in released.zones.items():
            for name, people in values.items():
                rows.setdefault(PUBLISHED_NAMES[name], []).append((int(zone), -1, people))
        for name, pairs in released.pairs.items():
            rows[name] = [(int(origin), int(to), people) for (origin, to), people in pairs.items()]
        for indicator, each in rows.items():
            _fill(numbers, places, (window, released.layer, indicator), *np.array(each).T, size=size)
        for day, part, number in _parts(released, window, size):
            found.append((day, parts.setdefault(part, len(parts)), number))
    table = np.zeros((drawn.days, len(parts)))
    days, column, shown = np.array(found, np.int64).reshape(-1, 3).T
    table[days, column] = shown
    often = np.count_nonzero(table, axis=0) >= drawn.days * _RARE
    return Published(
        np.concatenate([numbers, table[:, often]], axis=1), [part for part, at in parts.items() if often[at]]
    )


def _parts(released: ReleasedWindow, window: int, size: int) -> Iterator[tuple[int, Part, int]]:
    """The published parts of a window: day, what it is in every day, and the number."""
    for indicator, cells in released.parts.items():
        for names, numbers in cells.items():
            day = int(names[0]) // size
            place = tuple(str(int(name) % size) if name.isdigit() else name for name in names)
            for segment, people in numbers.items():
                told = str(int(segment) % size) if indicator == "catchment" and segment.isdigit() else segment
                yield day, (window, released.layer, indicator, place, told), people


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
