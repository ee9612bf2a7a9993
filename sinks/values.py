"""What readers get of the numbers of a released window, with what follows from them: quartiles, distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from anonymizer.gate import ReleasedWindow
from indicators.dwell import quartiles
from zones import Layer
from zones.centres import distance_km

#: The indicators of lengths of stay, of which readers get quartiles.
_STAYS: Final = ("dwell", "dwell_origins")


class Values:
    """Makes the values of zones, pairs of zones and segments as docs/contracts.md writes them."""

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        """``layers``: those whose zones have centres give the distances of pairs."""
        self._centres = {layer.name: layer.centre_of for layer in layers}

    def zone(self, window: ReleasedWindow, zone: str) -> dict[str, Any]:
        """The numbers of a zone."""
        return dict(window.zones[zone])

    def pair(self, window: ReleasedWindow, indicator: str, pair: tuple[str, str]) -> dict[str, Any]:
        """The number of a pair of zones; of trips with the distance of their centres in km, where both have one."""
        value: dict[str, Any] = {"people": window.pairs[indicator][pair]}
        if indicator == "trips":
            centres = self._centres.get(window.layer, {})
            km = distance_km(*map(centres.get, pair))
            if km is not None:
                value["km"] = round(km, 3)
        return value

    def segments(self, window: ReleasedWindow, indicator: str, cell: tuple[str, ...]) -> dict[str, Any]:
        """The numbers of a cell that is parted."""
        people: Mapping[str, int] = window.parts[indicator][cell]
        value: dict[str, Any] = {"people": dict(people)}
        if indicator in _STAYS:
            value["quartiles"] = quartiles(people)
        return value
