"""What is counted, as the settings say, and what its cells are called: shared by shards, the release and its proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from config.errors import ZonesError
from config.settings import Settings
from indicators.cells import Cells, OneOrigin
from indicators.origins import Origins
from indicators.plan import Plan
from zones import Layer

#: Zones of a layer. A device that moves is ``slot * zones^2 + pair`` in 63 bits (``indicators.distinct``), where slots
#: have 31 and ``outside`` is a zone. All else is smaller: what is counted by origin has no slot in its numbers.
MOST_ZONES: Final = 2**16 - 1


class Counting(NamedTuple):
    """The ``plan``, the ``cells`` of each layer, and from where devices can be: None if nothing is told of it."""

    plan: Plan
    cells: tuple[Cells, ...]
    origins: Origins | None

    @classmethod
    def of(cls, settings: Settings, layers: Sequence[Layer]) -> Self:
        """What the settings say of these layers. Raises ``SettingsError`` if the table of home areas cannot be used,
        ``ZonesError`` if a layer has more zones than can be counted."""
        require_room(layers)
        plan = Plan.of(settings.indicators, settings.time)
        if not plan.needs_origins:
            return cls(plan, tuple(Cells(layer, plan, OneOrigin()) for layer in layers), None)
        origins = Origins.of(settings.origins)
        local = [np.array([origins.code_of(area) for area in (*layer.areas, None)], np.int16) for layer in layers]
        plan = Plan.of(settings.indicators, settings.time, origins.size, local)
        return cls(plan, tuple(Cells(layer, plan, origins) for layer in layers), origins)


def require_room(layers: Sequence[Layer]) -> None:
    """Raise ``ZonesError`` for a layer with more than :data:`MOST_ZONES` zones: flows would be taken for others."""
    for layer in layers:
        if len(layer.ids) > MOST_ZONES:
            raise ZonesError(
                f"layer {layer.name}: {len(layer.ids):,} zones; at most {MOST_ZONES:,} are expected, since flows and "
                "trips between all pairs of them are counted: draw larger zones, or part the layer in several"
            )
