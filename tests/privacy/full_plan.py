"""Everything that can be published, switched on: the plan that the attacks count by, and a table of origins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

import numpy as np

from indicators.calendar import DAY_MS
from indicators.cells import Cells
from indicators.plan import Plan
from zones import Layer

HOUR_MS = 3_600_000
_MINUTE = 60_000


class OriginTable:
    """Origins by code: 0 is unknown, then come home areas, then countries (see ``indicators.cells.Origins``)."""

    def __init__(self, areas: Sequence[str], countries: Sequence[str]) -> None:
        self._areas = tuple(areas)
        self._labels = ("unknown", *(f"national:{area}" for area in areas), *(f"foreign:{one}" for one in countries))

    @property
    def size(self) -> int:
        """How many origins there are."""
        return len(self._labels)

    def code(self, label: str) -> int:
        """The code of ``national:AREA`` or ``foreign:COUNTRY``; 0 of one that the table does not have."""
        return self._labels.index(label) if label in self._labels else 0

    def code_of(self, area: str | None) -> int:
        """The code of a home area; -1 of one that the table does not have."""
        return self.code(f"national:{area}") or -1

    def label(self, code: int, area: str | None) -> str:
        """What an origin is called in a zone of this area."""
        return "local" if self._is_local(code, area) else self._labels[code]

    def pool(self, code: int, area: str | None) -> str | None:
        """The pool that it joins there if it is too small."""
        return None if code == 0 or self._is_local(code, area) else self._labels[code].partition(":")[0]

    def local(self, layer: Layer) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        """The code that is local in each zone of a layer, int16 (zones,), ``outside`` included; -1 where none is."""
        codes = [self.code_of(area) for area in (*layer.areas, None)]
        return np.array(codes, np.int16)

    def _is_local(self, code: int, area: str | None) -> bool:
        return self._labels[code] == f"national:{area}"


def full_plan(
    layers: Sequence[Layer],
    origins: OriginTable,
    *,
    edges: Sequence[int] = (15, 30, 60, 120, 240, 480),
    night: tuple[time, time] = (time(20), time(4)),
    stays: tuple[int, int, int] = (60, 120, 20),
    epoch_days: int = 1,
) -> Plan:
    """Every indicator: origins and lengths of stay by the hour and by the day, the others by the day; what
    several days tell, of an epoch of several.

    ``edges``: of the bins, minutes; ``stays``: the least of a night, of a visitor, of a stop, minutes.
    """
    return Plan(
        dwell=frozenset({HOUR_MS, DAY_MS}),
        edges=tuple(edge * _MINUTE for edge in edges),
        by_origin=frozenset({HOUR_MS, DAY_MS}),
        origins=origins.size,
        local=tuple(origins.local(layer) for layer in layers),
        nights=True,
        night_from=night[0],
        night_until=night[1],
        night_stay=stays[0] * _MINUTE,
        categories=True,
        visit_stay=stays[1] * _MINUTE,
        catchment=True,
        trips=True,
        trip_stay=stays[2] * _MINUTE,
        recurrence=epoch_days > 1,
        sojourns=epoch_days > 1,
        usual=epoch_days > 1,
        usual_nights=epoch_days,
        epoch_days=epoch_days,
    )


def pool_of(cells: Cells, indicator: str, cell: int, code: int) -> str | None:
    """The pool that a segment of a zone, or of a pair of zones, joins first if it is too small."""
    return None if code == cells.local(indicator, cell) else cells.pooled(indicator).pools[code]
