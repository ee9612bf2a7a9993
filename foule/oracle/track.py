"""One device in one layer during one epoch: all that any indicator is computed from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from foule.oracle.days import Days, Epoch, Span
from foule.oracle.parameters import Parameters
from foule.oracle.visits import Cell, Visit, visits_of
from zones import OUTSIDE, Layer

Mark = tuple[Span, str, Cell]
"""What a device adds 1 to: a window, an indicator and a cell."""


@dataclass(frozen=True)
class Zoning:
    """The order of a layer's zones, and the home area of each that has one.

    Zones without a place in the order come after those that have one, by name; ``outside`` is the last.
    """

    order: Mapping[str, int] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, layer: Layer) -> "Zoning":
        """The same of a layer of the application."""
        areas = {zone: area for zone, area in zip(layer.ids, layer.areas, strict=True) if area is not None}
        return cls({zone: at for at, zone in enumerate(layer.ids)}, areas)

    def place(self, zone: str) -> tuple[bool, int, str]:
        """What zones are put in order by."""
        return zone == OUTSIDE, self.order.get(zone, len(self.order)), zone


@dataclass(frozen=True)
class Track:
    """``seen``: the time and zone of each event, in the order in which events are applied; ``origin``: the device's
    (:func:`foule.oracle.origins.origin_of`)."""

    parameters: Parameters
    days: Days
    epoch: Epoch
    zoning: Zoning
    seen: Sequence[tuple[int, str]]
    origin: str

    @cached_property
    def visits(self) -> list[Visit]:
        """In order."""
        return list(visits_of(self.seen, self.parameters.linger, self.epoch.end))

    @cached_property
    def local_days(self) -> list[Span]:
        """The local days of the epoch from that of the first event to the last on which a visit is open."""
        return self.days.local_days(self.visits[0].first, min(self.visits[-1].end + 1, self.epoch.end))

    def present(self, day: Span) -> set[str]:
        """The zones in which the device is present that day."""
        return {visit.zone for visit in self.visits if visit.first < day.end and day.start <= visit.end}

    def days_present(self, zone: str, until: Span) -> int:
        """On how many local days of the epoch, up to and with this one, it was present in the zone."""
        return sum(zone in self.present(day) for day in self.local_days if day <= until)

    def present_by_day(self) -> Iterator[tuple[Span, str]]:
        """Each local day with each zone, but for outside, in which the device is present that day."""
        for day in self.local_days:
            for zone in self.present(day) - {OUTSIDE}:
                yield day, zone
