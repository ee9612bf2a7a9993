"""How far the published numbers of people are from the truth that the simulator knows."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from foule.oracle.oracle import Cell, Tallies
from simulator.truth import Truth


class ZoneError(NamedTuple):
    """A zone's error over ``windows`` windows: people published and truly there, the means, and the mean absolute
    error, in people; ``relative`` is that error as a share of the people truly there."""

    layer: str
    zone: str
    windows: int
    published: float
    truly: float
    error: float

    @property
    def relative(self) -> float:
        return self.error / self.truly if self.truly else 0.0


def errors(released: Tallies, truth: Truth, width: int, first: int, last: int) -> list[ZoneError]:
    """The error of each zone in the windows of ``width`` ms that lie within [first, last), UTC ms.

    In the order of the layers' zones. What is not published has no error; ``outside`` is no zone.
    """
    people: dict[str, dict[tuple[int, int], dict[Cell, int]]] = defaultdict(dict)
    for window, indicators in released.items():
        whole = window.width == window.end - window.start == width
        if whole and first <= window.start and window.end <= last and "presence" in indicators:
            people[window.layer][window.start, window.end] = indicators["presence"]
    found = []
    for layer in truth.layers:
        pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (start, end), published in people[layer].items():
            truly = truth.people(layer, start, end)
            for zone, count in published.items():
                pairs[str(zone)].append((count, truly[str(zone)].people))
        found += [_of_zone(layer, zone, pairs[zone]) for zone in truth.zones(layer) if zone in pairs]
    return found


def _of_zone(layer: str, zone: str, pairs: list[tuple[int, int]]) -> ZoneError:
    count = len(pairs)
    return ZoneError(
        layer,
        zone,
        count,
        sum(published for published, _ in pairs) / count,
        sum(truly for _, truly in pairs) / count,
        sum(abs(published - truly) for published, truly in pairs) / count,
    )


def overall(found: list[ZoneError]) -> dict[str, tuple[float, float]]:
    """By layer, the mean absolute error in people over all its numbers, and as a share of the people truly there."""
    sums: dict[str, tuple[int, float, float]] = {}
    for zone in found:
        windows, error, truly = sums.get(zone.layer, (0, 0.0, 0.0))
        sums[zone.layer] = (
            windows + zone.windows,
            error + zone.windows * zone.error,
            truly + zone.windows * zone.truly,
        )
    return {layer: (error / windows, error / max(truly, 1.0)) for layer, (windows, error, truly) in sums.items()}
