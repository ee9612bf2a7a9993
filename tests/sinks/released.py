"""Publications for tests, made by the gate from counts, as in the release agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anonymizer.gate import PUBLISHED_NAMES, Gate, Publication
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from config.times import HOUR, MINUTE
from indicators.calendar import Window, width_of_label
from indicators.cells import Cells
from indicators.counts import FLOWS
from indicators.plan import Plan
from tests.cells import KEY, counts_of
from tests.indicators.told import ORIGINS
from zones import OUTSIDE, Layer

NOON = 1_403_949_600_000  # 2014-06-28T10:00:00Z, noon in Paris
FIVE_MINUTES = 300_000

K = 10
EDGES = (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)

Parts = Mapping[str, Mapping[tuple[str, ...], Mapping[str, int]]]


def publication(
    zones: Mapping[str, Mapping[str, int]],
    flows: Mapping[tuple[str, str], int] | None = None,
    *,
    trips: Mapping[tuple[str, str], int] | None = None,
    parts: Parts | None = None,
    areas: Mapping[str, str] | None = None,
    layer: str = "places",
    width: str = "5m",
    start: int = NOON,
    length: int | None = None,
    version: int = 1,
    coverage: float = 1.0,
    shortest: bool = True,
    noise: int = 0,
) -> Publication:
    """A publication of these numbers, each at least 10; ``zones`` as in ``ReleasedWindow.zones``.

    ``parts``: indicator to the names of a cell to devices by segment, before segments are put together; of segments
    that are no bins the smallest is published as other. Origins are those of ``tests.indicators.told`` (``local`` in a
    zone of its area), lengths of stay those of :data:`EDGES`. ``areas``: the home areas of zones. ``length``: in ms, if
    it is not that of the width.
    """
    pairs = {FLOWS: flows or {}, "trips": trips or {}}
    parts = parts or {}
    where = _layer(layer, zones, [pair for of_pair in pairs.values() for pair in of_pair], parts, areas or {})
    cells = Cells(where, Plan(edges=EDGES, origins=ORIGINS.size), ORIGINS)
    at = {zone: index for index, zone in enumerate((*where.ids, OUTSIDE))}
    counted: dict[str, dict[int, int]] = {FLOWS: {}}
    for zone, values in zones.items():
        for name, people in values.items():
            counted.setdefault(PUBLISHED_NAMES[name], {})[at[zone]] = people
    for name, of_pairs in pairs.items():
        counted[name] = {at[origin] * len(at) + at[to]: people for (origin, to), people in of_pairs.items()}
    for name, of_cells in parts.items():
        counted[name] = dict(_numbered(cells, name, of_cells, at))
    counts = {name: counts_of(found) for name, found in counted.items()}
    end = start + (length or width_of_label(width))
    gate = Gate(Threshold(K, noise), [where], [cells])
    window = Window(width_of_label(width), start, end)
    return Publication(gate.release(0, window, counts, Perturbation(KEY, noise), coverage), version, shortest)


def _layer(
    name: str,
    zones: Mapping[str, Mapping[str, int]],
    pairs: list[tuple[str, str]],
    parts: Parts,
    areas: Mapping[str, str],
) -> Layer:
    """The zones that are named anywhere."""
    named = {*zones, *(zone for pair in pairs for zone in pair), *areas}
    for indicator, cells in parts.items():
        for cell, segments in cells.items():
            named.update(cell[:1] if indicator == "dwell_origins" else cell)
            named.update(segments if indicator == "catchment" else ())
    ids = tuple(sorted(named - {OUTSIDE}))
    return Layer(name, ids, ids, tuple(areas.get(zone) for zone in ids))


def _numbered(
    cells: Cells, indicator: str, numbers: Mapping[tuple[str, ...], Mapping[str, int]], at: Mapping[str, int]
) -> Iterator[tuple[int, int]]:
    """Cells as a tally numbers them, with their devices."""
    for cell, segments in numbers.items():
        if indicator == "dwell_origins":
            zone, origin = at[cell[0]], cell[1]
            codes = {cells.segment(indicator, zone, code): code for code in range(ORIGINS.size)}
            number = zone * ORIGINS.size + codes[origin]
            found = {cells.bins.name(code, code): code for code in range(len(cells.bins))}
        else:
            number = at[cell[0]] if len(cell) == 1 else at[cell[0]] * len(at) + at[cell[1]]
            found = {cells.segment(indicator, number, code): code for code in range(cells.segments(indicator))}
        for segment, people in segments.items():
            yield number * cells.segments(indicator) + found[segment], people


def crowd(people: int, *zones: str) -> dict[str, dict[str, int]]:
    """The same number of people in each zone."""
    return {zone: {"people": people} for zone in zones}


def empty(start: int = NOON, version: int = 1, *, width: str = "5m", shortest: bool = True) -> Publication:
    """A window of which nothing may be published."""
    return publication({"beach": {"people": K - 1}}, start=start, version=version, width=width, shortest=shortest)
