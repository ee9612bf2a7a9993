"""Released windows as they were read back, wherever they lay, in the shape in which the oracle counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anonymizer.gate import PUBLISHED_NAMES
from foule.oracle.result import Tallies, WindowKey
from foule.oracle.visits import Cell


@dataclass
class Released:
    """``tallies``: the published numbers; ``problems``: what in them contradicts itself or the contract, in words."""

    tallies: Tallies = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

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

    def add_zone(self, window: WindowKey, zone: str, numbers: Mapping[str, int], where: str) -> None:
        """Put a zone's numbers, by their published names, into the window; ``where``: they were read."""
        for name, people in numbers.items():
            if name in PUBLISHED_NAMES:
                self._put(window, PUBLISHED_NAMES[name], zone, people, where)
            else:
                self.problems.append(f"{where}: {name!r} is no name of an indicator")

    def add_pair(self, window: WindowKey, indicator: str, pair: tuple[str, str], people: int, where: str) -> None:
        """Put the number of a pair of zones into the window."""
        self._put(window, indicator, pair, people, where)

    def add_segments(
        self, window: WindowKey, indicator: str, cell: tuple[str, ...], people: Mapping[str, int], where: str
    ) -> None:
        """Put the numbers of a cell that is parted into the window."""
        self.require(bool(people), f"{where}: has no segment")
        for segment, number in people.items():
            self._put(window, indicator, (*cell, segment), number, where)

    def _put(self, window: WindowKey, indicator: str, cell: Cell, people: int, where: str) -> None:
        first = self.tallies.setdefault(window, {}).setdefault(indicator, {}).setdefault(cell, people)
        self.require(first == people, f"{where}: {people} came again with another value, {first} at first")
