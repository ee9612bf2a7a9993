"""What is counted, as the settings say, and what its cells are called: shared by shards, the release and its proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from config.settings import Settings
from indicators.cells import Cells, OneOrigin
from indicators.origins import Origins
from indicators.plan import Plan
from zones import Layer


class Counting(NamedTuple):
    """The ``plan``, the ``cells`` of each layer, and from where devices can be: None if nothing is told of it."""

    plan: Plan
    cells: tuple[Cells, ...]
    origins: Origins | None

    @classmethod
    def of(cls, settings: Settings, layers: Sequence[Layer]) -> Self:
        """What the settings say of these layers. Raises ``SettingsError`` if the table of home areas cannot be used."""
        plan = Plan.of(settings.indicators, settings.time)
        if not plan.needs_origins:
            return cls(plan, tuple(Cells(layer, plan, OneOrigin()) for layer in layers), None)
        origins = Origins.of(settings.origins)
        local = [np.array([origins.code_of(area) for area in (*layer.areas, None)], np.int16) for layer in layers]
        plan = Plan.of(settings.indicators, settings.time, origins.size, local)
        return cls(plan, tuple(Cells(layer, plan, origins) for layer in layers), origins)
