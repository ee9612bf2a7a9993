"""What readers get of the numbers of a released window, with what follows from them: quartiles, distances, people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from anonymizer.gate import People, ReleasedWindow
from config import market_shares
from config.settings import Settings
from indicators.cells import SHAPES
from indicators.dwell import quartiles
from sinks.contract import TRIPS
from sinks.extrapolation import ANY, OTHER, Estimate, MarketShares, combined, quantile
from zones import Layer
from zones.centres import distance_km

#: The indicators of lengths of stay, of which readers get quartiles.
_STAYS: Final = ("dwell", "dwell_origins")
#: The indicator that tells from where those are who make a number of a zone.
_BY_ORIGIN: Final = {
    "people": "origins",
    "arrivals": "arrival_origins",
    "departures": "departure_origins",
    "nights": "night_origins",
}


class Extrapolation(NamedTuple):
    """From devices to people: the operator's market ``shares``; ``z``: standard errors to either side of an
    estimate."""

    shares: MarketShares
    z: float


class Values:
    """Makes the values of zones, pairs of zones and segments as docs/contracts.md writes them.

    All of it is a function of the released window alone.
    """

    def __init__(self, layers: Sequence[Layer] = (), extrapolation: Extrapolation | None = None) -> None:
        """``layers``: those whose zones have centres give the distances of trips, and those with areas the areas of
        market shares; ``extrapolation``: without it nothing is said of people."""
        self._centres = {layer.name: layer.centre_of for layer in layers}
        self._areas = {layer.name: dict(zip(layer.ids, layer.areas, strict=True)) for layer in layers}
        self._extrapolation = extrapolation

    @classmethod
    def of(cls, settings: Settings, layers: Sequence[Layer]) -> Self:
        """What the settings say. Raises ``SettingsError`` if the table of market shares cannot be used."""
        if settings.people.shares is None:
            return cls(layers)
        shares = MarketShares(market_shares.read(settings.people.shares))
        return cls(layers, Extrapolation(shares, quantile(settings.people.confidence)))

    def zone(self, window: ReleasedWindow, zone: str) -> dict[str, Any]:
        """The numbers of a zone. People are estimated by origin where the origins of a number are published, too."""
        numbers = window.zones[zone]
        value: dict[str, Any] = dict(numbers)
        if self._extrapolation is not None:
            told = {name: window.parts.get(by, {}).get((zone,), {}) for name, by in _BY_ORIGIN.items()}
            value["estimate"] = {
                name: self._estimate(window, zone, _tells(told.get(name)) or {ANY: number})
                for name, number in numbers.items()
            }
        return value

    def pair(self, window: ReleasedWindow, indicator: str, pair: tuple[str, str]) -> dict[str, Any]:
        """The number of a pair of zones; of trips with the distance of their centres in km, where both have one."""
        people = window.pairs[indicator][pair]
        value: dict[str, Any] = {"people": people}
        if indicator == TRIPS:
            km = distance_km(*map(self._centres.get(window.layer, {}).get, pair))
            if km is not None:
                value["km"] = round(km, 3)
        if self._extrapolation is not None:
            told = window.parts.get("flow_origins", {}).get(pair, {}) if indicator != TRIPS else {}
            value["estimate"] = {"people": self._estimate(window, pair[1], _tells(told) or {ANY: people})}
        return value

    def segments(self, window: ReleasedWindow, indicator: str, cell: tuple[str, ...]) -> dict[str, Any]:
        """The numbers of a cell that is parted."""
        people = window.parts[indicator][cell]
        value: dict[str, Any] = {"people": dict(people)}
        if indicator in _STAYS:
            value["quartiles"] = quartiles(people)
        if self._extrapolation is not None:
            zone = cell[1] if SHAPES[indicator].pairs else cell[0]
            value["estimate"] = {
                segment: self._estimate(window, zone, {_origin(indicator, cell, segment, people): number}, people)
                for segment, number in people.items()
            }
        return value

    def _estimate(
        self, window: ReleasedWindow, zone: str, segments: Mapping[str, People], told: Collection[str] | None = None
    ) -> Estimate:
        """The people of some segments, by their origins, in a zone. ``told``: the origins that are published beside
        them, by default they themselves."""
        assert self._extrapolation is not None
        shares, z = self._extrapolation
        area = self._areas.get(window.layer, {}).get(zone)
        beside = segments if told is None else told
        parts = [shares.part(area, origin, people, beside) for origin, people in segments.items()]
        return combined(parts, window.noise, z)


def _tells(origins: Mapping[str, People] | None) -> Mapping[str, People] | None:
    """The segments of origins, if they tell any apart: where all are put together, they are those of the total."""
    return None if origins is None or set(origins) == {OTHER} else origins


def _origin(indicator: str, cell: tuple[str, ...], segment: str, segments: Mapping[str, People]) -> str:
    """The origin of those in a segment of ``segments``, if it is known. Residents are those of local origin."""
    if indicator == "dwell_origins":
        return cell[1]
    if indicator == "categories" and segment == "resident":
        return "local"
    return segment if indicator in (*_BY_ORIGIN.values(), "flow_origins") and _tells(segments) else ANY
