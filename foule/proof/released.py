"""Released windows as they were read back, wherever they lay, in the shape in which the oracle counts; and what was
written beside their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anonymizer.gate import PUBLISHED_NAMES
from foule.oracle.result import Tallies, WindowKey
from foule.oracle.visits import Cell
from sinks.contract import Interval, OccupancyValue, SegmentsValue

Quartiles = dict[WindowKey, dict[str, dict[Cell, list[int | None]]]]
"""By window, indicator and the names of what the lengths of stay are of."""

Estimates = dict[WindowKey, dict[str, dict[Cell, Interval]]]
"""By window, indicator and cell, as the numbers from which they are."""

Occupancies = dict[str, dict[int, dict[str, OccupancyValue]]]
"""By layer, start of the local day (UTC ms) and zone."""


@dataclass
class Released:
    """``tallies``: the published numbers; ``problems``: what in them contradicts itself or the contract, in words.

    ``quartiles``, ``estimates`` (of people) and ``occupancy``: what was published of these numbers besides.
    """

    tallies: Tallies = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    quartiles: Quartiles = field(default_factory=dict)
    estimates: Estimates = field(default_factory=dict)
    occupancy: Occupancies = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        """How many numbers there are."""
        return sum(len(cells) for indicators in self.tallies.values() for cells in indicators.values())

    def require(self, holds: bool, problem: str) -> None:
        """Note the problem unless ``holds``."""
        if not holds:
            self.problems.append(problem)

    def add_window(self, window: WindowKey) -> None:
        """Note that the window is there, if only with nothing in it."""
        self.tallies.setdefault(window, {})

    def add_zone(
        self, window: WindowKey, zone: str, numbers: Mapping[str, int], estimate: Mapping[str, Interval], where: str
    ) -> None:
        """Put a zone's numbers, by their published names, into the window, with the people who were estimated of them;
        ``where``: they were read."""
        for name, people in numbers.items():
            if name in PUBLISHED_NAMES:
                self._put(window, PUBLISHED_NAMES[name], zone, people, where)
            else:
                self.problems.append(f"{where}: {name!r} is no name of an indicator")
        for name, interval in estimate.items():
            self._put_estimate(window, PUBLISHED_NAMES.get(name, name), zone, interval, where)

    def add_pair(
        self,
        window: WindowKey,
        indicator: str,
        pair: tuple[str, str],
        people: int,
        estimate: Interval | None,
        where: str,
    ) -> None:
        """Put the number of a pair of zones into the window."""
        self._put(window, indicator, pair, people, where)
        if estimate is not None:
            self._put_estimate(window, indicator, pair, estimate, where)

    def add_segments(
        self, window: WindowKey, indicator: str, cell: tuple[str, ...], value: SegmentsValue, where: str
    ) -> None:
        """Put the numbers of a cell that is parted into the window."""
        self.require(bool(value.people), f"{where}: has no segment")
        for segment, number in value.people.items():
            self._put(window, indicator, (*cell, segment), number, where)
        for segment, interval in (value.estimate or {}).items():
            self._put_estimate(window, indicator, (*cell, segment), interval, where)
        if value.quartiles is not None:
            of_window = self.quartiles.setdefault(window, {}).setdefault(indicator, {})
            first = of_window.setdefault(cell if len(cell) > 1 else cell[0], value.quartiles)
            self.require(first == value.quartiles, f"{where}: quartiles came again with other values")

    def _put(self, window: WindowKey, indicator: str, cell: Cell, people: int, where: str) -> None:
        first = self.tallies.setdefault(window, {}).setdefault(indicator, {}).setdefault(cell, people)
        self.require(first == people, f"{where}: {people} came again with another value, {first} at first")

    def _put_estimate(self, window: WindowKey, indicator: str, cell: Cell, people: Interval, where: str) -> None:
        first = self.estimates.setdefault(window, {}).setdefault(indicator, {}).setdefault(cell, people)
        self.require(first == people, f"{where}: an estimate came again with another value")
