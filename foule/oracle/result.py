"""What the oracle found, and the views of it that tests compare with."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from foule.oracle.days import Days, Epoch, Span
from foule.oracle.parameters import Parameters
from foule.oracle.publication import Keys, Rules, Tallies, WindowKey, published
from foule.oracle.visits import CUT, Visit, windows_of
from zones import OUTSIDE

__all__ = ["ALL", "INDICATORS", "OUTSIDE", "Figures", "Result", "StayedVisit", "Tallies", "WindowKey", "add"]

ALL = -1
"""In the place of a shard's number: all devices together, where the feed is shuffled. Which shard has which device is
decided by their pseudonyms, which the oracle does not know."""

INDICATORS = ("presence", "arrivals", "departures", "appeared", "vanished", "flows")


Label = Callable[[WindowKey, int], str | None]
"""The label of the key by which a shard told the devices of a window apart; None: of the epoch's first."""


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
    each shard, windows that are not complete included, or under :data:`ALL` of all together. ``sums`` holds, by the
    label of a key of the window's epoch and by shard, the sums of the record keys of each cell's devices under it.
    """

    parameters: Parameters
    read: int = 0
    accepted: int = 0
    late: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    verdicts: dict[tuple[int, int], str] = field(default_factory=dict)
    watermarks: dict[int, int | None] = field(default_factory=dict)
    by_shard: dict[int, Tallies] = field(default_factory=dict)
    keys: Keys = field(default_factory=dict)
    sums: dict[str, dict[int, Tallies]] = field(default_factory=dict)
    stays: dict[str, list[StayedVisit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._days = Days(self.parameters)

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

    def released(self, rules: Rules, label: Label | None = None) -> Tallies:
        """What may be published of the complete windows.

        ``label``: by which key which shard told the devices of which window apart. Raises KeyError for a key that
        :func:`foule.oracle.oracle.run` was not given.
        """
        complete = self.complete()
        if not rules.noise:
            return published(rules, complete, {}, lambda window: b"")
        labels = {
            (window, shard): (label and label(window, shard)) or self._days.epoch_label(window.start)
            for shard, tallies in self.by_shard.items()
            for window in tallies.keys() & complete.keys()
        }
        sums = add({window: self.sums[name][shard][window]} for (window, shard), name in labels.items())
        newest: dict[WindowKey, str] = {}
        for (window, _), name in labels.items():
            newest[window] = max(newest.get(window, ""), name, key=lambda name: (len(name), name))
        return published(rules, complete, sums, lambda window: self.keys[newest[window]])

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
