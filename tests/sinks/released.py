"""Publications for tests, made by the gate from counts, as in the release agent."""

from __future__ import annotations

from collections.abc import Mapping

from anonymizer.gate import Gate, Publication
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from indicators.calendar import Window, width_of_label
from tests.cells import KEY, counts_of
from zones import OUTSIDE, Layer

NOON = 1_403_949_600_000  # 2014-06-28T10:00:00Z, noon in Paris
FIVE_MINUTES = 300_000

K = 10


def publication(
    zones: Mapping[str, Mapping[str, int]],
    flows: Mapping[tuple[str, str], int] | None = None,
    *,
    layer: str = "places",
    width: str = "5m",
    start: int = NOON,
    version: int = 1,
    coverage: float = 1.0,
    shortest: bool = True,
) -> Publication:
    """A publication of these numbers, each at least 10; ``zones`` as in ``ReleasedWindow.zones``."""
    flows = flows or {}
    named = {*zones, *(zone for pair in flows for zone in pair)} - {OUTSIDE}
    ids = tuple(sorted(named))
    where = {zone: index for index, zone in enumerate((*ids, OUTSIDE))}
    cells: dict[str, dict[int, int]] = {"flows": {}}
    for zone, values in zones.items():
        for name, people in values.items():
            cells.setdefault("presence" if name == "people" else name, {})[where[zone]] = people
    for (origin, to), people in flows.items():
        cells["flows"][where[origin] * len(where) + where[to]] = people
    counts = {name: counts_of(found) for name, found in cells.items()}
    length = width_of_label(width)
    gate = Gate(Threshold(K, 0), [Layer(layer, ids, ids, (None,) * len(ids))])
    window = gate.release(0, Window(length, start, start + length), counts, Perturbation(KEY, 0), coverage)
    return Publication(window, version, shortest)


def crowd(people: int, *zones: str) -> dict[str, dict[str, int]]:
    """The same number of people in each zone."""
    return {zone: {"people": people} for zone in zones}


def empty(start: int = NOON, version: int = 1, *, width: str = "5m", shortest: bool = True) -> Publication:
    """A window of which nothing may be published."""
    return publication({"beach": {"people": K - 1}}, start=start, version=version, width=width, shortest=shortest)
