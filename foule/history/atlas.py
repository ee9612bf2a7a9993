"""What is known of the zones that numbers are about: their titles, home areas, and how far two are apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from indicators.occupancy import Flow
from zones import Layer
from zones.centres import as_positions, distances_km


class Atlas:
    """The layers of the settings by name. A zone that is in no layer any more has its id as its title."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = {layer.name: layer for layer in layers}

    def layer(self, name: str) -> Layer:
        """The layer with this name."""
        return self._layers[name]

    def title(self, layer: str, zone: str) -> str | None:
        """The title of a zone; None for outside and for a zone that the layer does not have."""
        return self._titles[layer].get(zone)

    def label(self, layer: str, zone: str) -> str:
        """The title of a zone, followed by its id where several zones of the layer have this title."""
        title = self.title(layer, zone)
        if title is None or title == zone:
            return zone
        return title if self._bearers[layer][title] == 1 else f"{title} ({zone})"

    def area(self, layer: str, zone: str) -> str | None:
        """The code of a zone's home area, or None."""
        return self._areas[layer].get(zone)

    def km(self, layer: str, pairs: Sequence[Flow]) -> list[float | None]:
        """The great circle distances of the centres of pairs of zones, to the millimetre; None where a zone has no
        centre, such as outside."""
        centres = self._centres[layer]
        one, other = (as_positions([centres.get(pair[at]) for pair in pairs]) for at in (0, 1))
        return [None if math.isnan(km) else round(km, 6) for km in distances_km(one, other).tolist()]

    @cached_property
    def _titles(self) -> dict[str, dict[str, str]]:
        return {name: dict(zip(one.ids, one.titles, strict=True)) for name, one in self._layers.items()}

    @cached_property
    def _bearers(self) -> dict[str, Counter[str]]:
        return {name: Counter(one.titles) for name, one in self._layers.items()}

    @cached_property
    def _areas(self) -> dict[str, dict[str, str | None]]:
        return {name: dict(zip(one.ids, one.areas, strict=True)) for name, one in self._layers.items()}

    @cached_property
    def _centres(self) -> dict[str, dict[str, tuple[float, float]]]:
        return {name: one.centre_of for name, one in self._layers.items()}
