"""What the oracle found, and the views of it that tests compare with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from foule.oracle.days import Days, Epoch, Span
from foule.oracle.parameters import Parameters
from foule.oracle.visits import CUT, Cell, Visit, windows_of

OUTSIDE = "outside"
ALL = -1
"""In the place of a shard's number: all devices together, where the feed is shuffled. Which shard has which device is
decided by their pseudonyms, which the oracle does not know."""

INDICATORS = ("presence", "arrivals", "departures", "appeared", "vanished", "flows")


class WindowKey(NamedTuple):
    """A window of a layer; ``width``, ``start`` and ``end`` in ms (a window that is cut ends early)."""

    layer: str
    width: int
    start: int
    end: int


Tallies = dict[WindowKey, dict[str, dict[Cell, int]]]
"""Devices by window, indicator and cell: a zone id, or (from, to) for flows. What is zero is absent."""


class StayedVisit(NamedTuple):
    """A visit with the epoch in which it was made."""

    epoch: Epoch
    visit: Visit


@dataclass(frozen=True)
class Figures:
    """Visits (not devices) of one window, by zone, and its moves, by (from, to). Never released."""

    open_at_start: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    open_at_end: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass
class Result:
    """Counts of records, verdicts by (partition, offset), watermarks and tallies.

    ``verdicts`` holds ``accepted``, ``late`` or the reason of the rejection; ``watermarks`` the final one of
    each shard in ms, None where no record was accepted and no advance applied; ``by_shard`` the tallies of
    each shard, windows that are not complete included, or under :data:`ALL` of all together.
    """

    parameters: Parameters
    read: int = 0
    accepted: int = 0
    late: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    verdicts: dict[tuple[int, int], str] = field(default_factory=dict)
    watermarks: dict[int, int | None] = field(default_factory=dict)
    by_shard: dict[int, Tallies] = field(default_factory=dict)
    stays: dict[str, list[StayedVisit]] = field(default_factory=dict)

    def judge(self, partition: int, offset: int, verdict: str) -> None:
        """Note that the record was ``accepted``, ``late``, or rejected for the reason given."""
        self.verdicts[partition, offset] = verdict
        self.read += 1
        if verdict == "accepted":
            self.accepted += 1
        elif verdict == "late":
            self.late += 1
        else:
            self.rejected[verdict] += 1

    @property
    def tallies(self) -> Tallies:
        """The sum over all shards, windows that are not complete included."""
        return add(self.by_shard.values())

    @property
    def moves(self) -> dict[str, Counter[tuple[str, str]]]:
        """All moves by layer and (from, to), however often a device made them."""
        return {
            layer: Counter((stay.visit.zone, stay.visit.went_to) for stay in stays if stay.visit.went_to is not None)
            for layer, stays in self.stays.items()
        }

    @property
    def visits(self) -> dict[str, list[Visit]]:
        """All visits by layer, devices one after the other."""
        return {layer: [stay.visit for stay in stays] for layer, stays in self.stays.items()}

    def complete(self, partition: int | None = None) -> Tallies:
        """The windows that end at or before the watermark: of every shard, or of one, by its own alone."""
        if partition is not None and partition != ALL:
            return _until(self.by_shard[partition], self.watermarks[partition])
        watermarks = [mark for mark in self.watermarks.values() if mark is not None]
        if len(watermarks) < len(self.watermarks):
            return {}
        return _until(self.tallies, min(watermarks, default=None))

    def released(self, k: int) -> Tallies:
        """What may be published of the complete windows: cells of at least ``k`` devices.

        ``outside`` is no zone to publish numbers of (it is one end of flows), and a window of which nothing remains
        is left out.
        """
        published: Tallies = {}
        for window, indicators in self.complete().items():
            for indicator, cells in indicators.items():
                for cell, count in cells.items():
                    if count >= k and cell != OUTSIDE:
                        published.setdefault(window, {}).setdefault(indicator, {})[cell] = count
        return published

    def figures(self, layer: str, width: int) -> dict[Span, Figures]:
        """Visits and moves of every window of ``width`` in which a visit begins, ends or is open."""
        days, found = Days(self.parameters), dict[Span, Figures]()
        for epoch, visit in self.stays.get(layer, ()):
            for window in windows_of(visit, days, epoch, width):
                _add_visit(found.setdefault(window, Figures()), visit, window)
        return found


def add(parts: Iterable[Tallies]) -> Tallies:
    """The cell by cell sum of tallies of different devices."""
    total: Tallies = {}
    for tallies in parts:
        for window, indicators in tallies.items():
            for indicator, cells in indicators.items():
                into = total.setdefault(window, {}).setdefault(indicator, {})
                for cell, count in cells.items():
                    into[cell] = into.get(cell, 0) + count
    return total


def _until(tallies: Tallies, watermark: int | None) -> Tallies:
    if watermark is None:
        return {}
    return {window: counts for window, counts in tallies.items() if window.end <= watermark}


def _add_visit(figures: Figures, visit: Visit, window: Span) -> None:
    """Count the visit in one window: at an instant it is open if it began before and did not end before."""
    figures.open_at_start[visit.zone] += visit.first < window.start <= visit.end
    figures.begun[visit.zone] += window.start <= visit.first < window.end
    figures.open_at_end[visit.zone] += visit.first < window.end <= visit.end
    if visit.ended_by != CUT and window.start <= visit.end < window.end:
        figures.ended[visit.zone] += 1
        if visit.went_to is not None:
            figures.moves[visit.zone, visit.went_to] += 1
