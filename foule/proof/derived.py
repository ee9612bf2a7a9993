"""What must follow from released numbers: quartiles, the people who are estimated, and the occupancy of days.

Computed the plain way, one number after the other, to be held against what was published beside the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist

from config import market_shares
from config.settings import Settings
from foule.oracle.bins import quartiles
from foule.oracle.days import Days
from foule.oracle.parameters import DAY, Parameters
from foule.oracle.result import Tallies
from foule.oracle.visits import Cell
from foule.proof.released import Estimates, Occupancies, Quartiles
from sinks.contract import Interval, OccupancyValue
from zones import Layer

_ANY = "*"
_BY_ORIGIN = {
    "presence": "origins",
    "arrivals": "arrival_origins",
    "departures": "departure_origins",
    "nights": "night_origins",
    "flows": "flow_origins",
}
_OF_PAIRS = ("flows", "trips", "flow_origins")


def quartiles_of(released: Tallies) -> Quartiles:
    """Of every published histogram of lengths of stay."""
    found: Quartiles = {}
    for window, indicators in released.items():
        for indicator in ("dwell", "dwell_origins"):
            histograms: dict[Cell, dict[str, int]] = {}
            for cell, people in indicators.get(indicator, {}).items():
                names = tuple(cell[:-1])
                histograms.setdefault(names if len(names) > 1 else names[0], {})[cell[-1]] = people
            for at, histogram in histograms.items():
                found.setdefault(window, {}).setdefault(indicator, {})[at] = quartiles(histogram)
    return found


def occupancy_of(settings: Settings, released: Tallies) -> Occupancies:
    """Of every local day and zone of which one of the shortest windows is published, if it is to be kept."""
    shortest = min(settings.time.windows)
    if not settings.indicators.occupancy or shortest == DAY:
        return {}
    days = Days(Parameters.of(settings))
    curves: dict[tuple[str, int, str], dict[int, int]] = {}
    of_day: dict[tuple[str, int, str], int] = {}
    for window, indicators in released.items():
        day = days.window(DAY, window.start).start
        for zone, people in indicators.get("presence", {}).items():
            if window.width == shortest:
                curves.setdefault((window.layer, day, str(zone)), {})[window.start] = people
            elif window.width == DAY:
                of_day[window.layer, day, str(zone)] = people
    found: Occupancies = {}
    for (layer, day, zone), curve in curves.items():
        value = _occupancy(curve, of_day.get((layer, day, zone)))
        found.setdefault(layer, {}).setdefault(day, {})[zone] = value
    return found


def _occupancy(curve: Mapping[int, int], of_day: int | None) -> OccupancyValue:
    """``curve``: people of the shortest windows by their start."""
    peak, total, windows = max(curve.values()), sum(curve.values()), len(curve)
    return OccupancyValue(
        peak=peak,
        peak_start=min(start for start, people in curve.items() if people == peak),
        sum=total,
        windows=windows,
        mean=round(total / windows, 1),
        turnover=None if of_day is None else round(of_day * windows / total, 2),
    )


def people_of(settings: Settings, layers: Sequence[Layer], released: Tallies) -> Estimates:
    """The people who are estimated of every number, if there are market shares. Raises SettingsError."""
    if settings.people.shares is None:
        return {}
    shares = market_shares.read(settings.people.shares)
    areas = {layer.name: dict(zip(layer.ids, layer.areas, strict=True)) for layer in layers}
    z = NormalDist().inv_cdf((1 + settings.people.confidence) / 2)
    found: Estimates = {}
    for window, indicators in released.items():
        told = {name: _by_origin(indicators.get(by, {})) for name, by in _BY_ORIGIN.items()}
        told_of = {by: told[name] for name, by in _BY_ORIGIN.items()}
        for indicator, cells in indicators.items():
            of_indicator = found.setdefault(window, {}).setdefault(indicator, {})
            for cell, people in cells.items():
                segments = told.get(indicator, {}).get(cell) or []
                if len(segments) <= 1 and all(origin == "other" for _, origin in segments):
                    whole = len(_beside(told_of.get(indicator, {}), cell)) == 1
                    segments = [(people, _ANY if whole else _origin(indicator, cell))]
                zone = cell if isinstance(cell, str) else cell[1] if indicator in _OF_PAIRS else cell[0]
                area = areas[window.layer].get(zone)
                beside = [origin for _, origin in _beside(told_of.get(indicator, {}), cell) or segments]
                parts = [
                    (number, _share(shares, area, origin), _spread(shares, area, origin, beside))
                    for number, origin in segments
                ]
                of_indicator[cell] = _interval(parts, settings.privacy.noise, z)
    return found


def _by_origin(segments: Mapping[Cell, int]) -> dict[Cell, list[tuple[int, str]]]:
    """The devices of each zone, or pair of zones, and their origins."""
    found: dict[Cell, list[tuple[int, str]]] = {}
    for cell, number in segments.items():
        names = tuple(cell[:-1])
        found.setdefault(names if len(names) > 1 else names[0], []).append((number, cell[-1]))
    return found


def _beside(origins: Mapping[Cell, list[tuple[int, str]]], cell: Cell) -> list[tuple[int, str]]:
    """Of a cell of an indicator by origin: all segments of its zone, or pair, that are told."""
    if isinstance(cell, str):
        return []
    names = tuple(cell[:-1])
    return origins.get(names if len(names) > 1 else names[0], [])


def _origin(indicator: str, cell: Cell) -> str:
    """The origin of the devices of a number."""
    if indicator == "dwell_origins":
        return cell[1]
    if indicator == "categories" and cell[-1] == "resident":
        return "local"
    return cell[-1] if indicator.endswith("origins") else _ANY


def _share(shares: Mapping[tuple[str, str], float], area: str | None, origin: str) -> float:
    """The share of the most specific row: of this origin before its class before any, of this area before any."""
    labels = [origin, origin.partition(":")[0], _ANY]
    if origin == "local":
        labels = [origin, f"national:{area}", "national", _ANY]
    if origin in (_ANY, "other"):
        labels = [_ANY]
    rows = [(place, label) for label in labels for place in (area, _ANY) if place is not None]
    return next(shares[row] for row in rows if row in shares)


def _spread(shares: Mapping[tuple[str, str], float], area: str | None, origin: str, told: Collection[str]) -> float:
    """By how much the people that a device stands for may differ; only of "other" nobody knows who they are, but that
    they are none of those who are ``told`` beside."""
    each = [1 / share for (place, label), share in shares.items() if place in (area, _ANY) and label not in told]
    return max(each) - min(each) if origin == "other" else 0.0


def _interval(parts: Sequence[tuple[int, float, float]], noise: int, z: float) -> Interval:
    """The people of all parts, by devices, share and spread of each: Horvitz and Thompson's estimate with the error of
    released numbers (docs/indicators.md). Added up in their order, as floats depend on it."""
    people = variance = 0.0
    devices = sum(max(0, number - noise) for number, _, _ in parts)
    for number, share, spread in parts:
        people += number / share
        variance += (number * (1 - share) + noise * (noise + 1) / 3) / share**2 + (number * spread) ** 2 / 12
    reach = z * math.sqrt(variance)
    return round(people), max(devices, math.floor(people - reach)), math.ceil(people + reach)
