"""What readers get of the numbers of a released window, with what follows from them: quartiles, distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anonymizer.gate import ReleasedWindow
from indicators.dwell import quartiles

#: The indicators of lengths of stay, of which readers get quartiles.
_STAYS: Final = ("dwell", "dwell_origins")


class Values:
    """Makes the values of zones, pairs of zones and segments as docs/contracts.md writes them."""

    def zone(self, window: ReleasedWindow, zone: str) -> dict[str, Any]:
        """The numbers of a zone."""
        return dict(window.zones[zone])

    def pair(self, window: ReleasedWindow, indicator: str, pair: tuple[str, str]) -> dict[str, Any]:
        """The number of a pair of zones."""
        return {"people": window.pairs[indicator][pair]}

    def segments(self, window: ReleasedWindow, indicator: str, cell: tuple[str, ...]) -> dict[str, Any]:
        """The numbers of a cell that is parted."""
        people: Mapping[str, int] = window.parts[indicator][cell]
        value: dict[str, Any] = {"people": dict(people)}
        if indicator in _STAYS:
            value["quartiles"] = quartiles(people)
        return value
