"""The cells of each indicator in a layer: which there are, how a tally numbers them, and what they are called.

A zone is a cell, or a pair of zones, ``from * zones + to``. Indicators that part the devices of such a cell have cells
``cell * segments + segment``. Dwell by origin has the origins for its cells, and parts each by length of stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

from indicators.bins import DAYS, Bins
from indicators.categories import CATEGORIES
from indicators.counts import FLOWS, ZONE_INDICATORS
from indicators.plan import Plan
from zones import Layer


class Rule(Enum):
    """How an indicator's numbers are released (anonymizer.gate)."""

    THRESHOLD = "threshold"  #: each number by itself
    POOLED = "pooled"  #: small segments are put together
    MERGED = "merged"  #: bins are put together with those beside them
    POOLED_THEN_MERGED = "pooled, then merged"  #: first the origins, then the bins of each


class Shape(NamedTuple):
    """What the cells of an indicator are: of zones or of ``pairs`` of them, and the ``rule`` of their segments."""

    rule: Rule
    pairs: bool = False


#: Every indicator that is counted, by its name in the tallies.
SHAPES: Final[dict[str, Shape]] = {
    **dict.fromkeys(ZONE_INDICATORS, Shape(Rule.THRESHOLD)),
    FLOWS: Shape(Rule.THRESHOLD, pairs=True),
    "nights": Shape(Rule.THRESHOLD),
    "usual": Shape(Rule.THRESHOLD),
    "trips": Shape(Rule.THRESHOLD, pairs=True),
    "dwell": Shape(Rule.MERGED),
    "recurrence": Shape(Rule.MERGED),
    "sojourns": Shape(Rule.MERGED),
    "origins": Shape(Rule.POOLED),
    "arrival_origins": Shape(Rule.POOLED),
    "departure_origins": Shape(Rule.POOLED),
    "flow_origins": Shape(Rule.POOLED, pairs=True),
    "night_origins": Shape(Rule.POOLED),
    "categories": Shape(Rule.POOLED),
    "catchment": Shape(Rule.POOLED),
    "dwell_origins": Shape(Rule.POOLED_THEN_MERGED),
}

#: The indicators of a zone that are one number, and those of a pair of zones.
OF_ZONES: Final = tuple(name for name, shape in SHAPES.items() if shape == (Rule.THRESHOLD, False))
OF_PAIRS: Final = tuple(name for name, shape in SHAPES.items() if shape == (Rule.THRESHOLD, True))
#: The indicators that part the devices of a zone, or of a pair of zones.
PARTED: Final = tuple(name for name, shape in SHAPES.items() if shape.rule is not Rule.THRESHOLD)


class Origins(Protocol):
    """What is needed of the table of origins (see ``indicators.origins.Origins``)."""

    @property
    def size(self) -> int: ...
    def code_of(self, area: str | None) -> int: ...
    def label(self, code: int, area: str | None) -> str: ...
    def pool(self, code: int, area: str | None) -> str | None: ...


class OneOrigin:
    """The table of origins where nobody's is told."""

    size = 1

    def code_of(self, area: str | None) -> int:
        """It is of no area."""
        return -1

    def label(self, code: int, area: str | None) -> str:
        """What the only origin is called."""
        return "unknown"

    def pool(self, code: int, area: str | None) -> str | None:
        """It has no pool of its own."""
        return None


class Pooled(NamedTuple):
    """Segments by their numbers: their ``names``, and the ``pools`` that they join first if they are too small; None:
    the one of all. The one that is local in a zone has another name there, and no pool of its own."""

    names: Sequence[str]
    pools: Sequence[str | None]


class Cells:
    """The cells of all indicators in one layer."""

    def __init__(self, layer: Layer, plan: Plan, origins: Origins) -> None:
        self.layer = layer
        self.bins = plan.bins
        self._plan = plan
        self._origins = origins

    def counted(self, width: int) -> list[str]:
        """The indicators that windows of this width have."""
        return [*ZONE_INDICATORS, FLOWS, *self._plan.counted(width)]

    def segments(self, indicator: str) -> int:
        """How many segments a cell of the indicator has; 1 if it has none. Of dwell by origin: bins."""
        if SHAPES[indicator].rule is Rule.MERGED or indicator == "dwell_origins":
            return len(self.bins_of(indicator))
        if indicator == "categories":
            return len(CATEGORIES)
        if indicator == "catchment":
            return self.layer.outside + 1
        return self._origins.size if indicator in PARTED else 1

    def bins_of(self, indicator: str) -> Bins:
        """The bins of an indicator that is merged."""
        return DAYS if indicator in ("recurrence", "sojourns") else self.bins

    def of(self, indicator: str, cell: int) -> tuple[str, ...]:
        """What a zone, or a pair of them, is called."""
        if SHAPES[indicator].pairs:
            return tuple(map(self.layer.zone_name, divmod(cell, self.layer.outside + 1)))
        return (self.layer.zone_name(cell),)

    def segment(self, indicator: str, cell: int, code: int) -> str:
        """What a segment of a zone, or of a pair of zones, is called. Of dwell by origin: the origin."""
        if SHAPES[indicator].rule is Rule.MERGED:
            return self.bins_of(indicator).name(code, code)
        if indicator == "categories":
            return CATEGORIES[code]
        if indicator == "catchment":
            return self.layer.zone_name(code)
        return self._origins.label(code, self._area(cell))

    def pooled(self, indicator: str) -> Pooled:
        """The segments of an indicator whose small ones are put together. Of dwell by origin: the origins."""
        if indicator == "categories":
            return Pooled(CATEGORIES, (None,) * len(CATEGORIES))
        if indicator == "catchment":
            names = (*self.layer.ids, self.layer.zone_name(self.layer.outside))
            return Pooled(names, (None,) * len(names))
        codes, label, pool = range(self._origins.size), self._origins.label, self._origins.pool
        return Pooled([label(code, None) for code in codes], [pool(code, None) for code in codes])

    def local(self, indicator: str, cell: int) -> int:
        """The segment that is called, and pooled, otherwise in this zone or pair of zones: the origin that is local
        there; -1 for none."""
        return -1 if indicator in ("categories", "catchment") else self._origins.code_of(self._area(cell))

    def _area(self, cell: int) -> str | None:
        """The home area of those who are local in a zone; of a pair of zones: in the one to which they go."""
        zone = cell % (self.layer.outside + 1)
        return None if zone == self.layer.outside else self.layer.areas[zone]

    def names(self, indicator: str, cell: int) -> tuple[str, ...]:
        """What a cell of a tally is called, from the zone to the segment."""
        if indicator not in PARTED:
            return self.of(indicator, cell)
        at, segment = divmod(cell, self.segments(indicator))
        if SHAPES[indicator].rule is Rule.POOLED_THEN_MERGED:
            zone, origin = divmod(at, self._origins.size)
            bin_name = self.bins.name(segment, segment)
            return (*self.of(indicator, zone), self.segment(indicator, zone, origin), bin_name)
        return (*self.of(indicator, at), self.segment(indicator, at, segment))

    @property
    def origins(self) -> int:
        """How many origins there are."""
        return self._origins.size
