"""What is known of counts that add up: an interval each, made narrower by sums until nothing moves."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

#: More than any count.
MANY = 1e7

Floats = NDArray[np.float64]


class Intervals:
    """Counts by name, at least 0 each, and how they add up.

    Narrowing is by each sum alone, so it never says more than a linear programme, and nothing that is wrong.
    """

    def __init__(self) -> None:
        self._index: dict[Hashable, int] = {}
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._sums: list[tuple[int, list[int], bool]] = []

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._index

    def at(self, name: Hashable) -> int:
        """The place of a count, which is a new one if there is none of this name."""
        if name not in self._index:
            self._index[name] = len(self._index)
            self._lower.append(0.0)
            self._upper.append(MANY)
        return self._index[name]

    def know(self, name: Hashable, least: float, most: float) -> None:
        """A count is within [``least``, ``most``]."""
        at = self.at(name)
        self._lower[at], self._upper[at] = max(self._lower[at], least), min(self._upper[at], most)

    def equal(self, whole: Hashable, parts: Iterable[Hashable]) -> None:
        """A count is the sum of others."""
        self._sums.append((self.at(whole), [self.at(part) for part in parts], True))

    def at_most(self, whole: Hashable, parts: Iterable[Hashable]) -> None:
        """A count is at most the sum of others."""
        self._sums.append((self.at(whole), [self.at(part) for part in parts], False))

    def matrix(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """The sums: the whole of each, (sums,); row and part of each summand, (summands,); whether it is equal."""
        wholes = np.array([whole for whole, _, _ in self._sums], np.int64)
        rows = np.repeat(np.arange(len(self._sums)), [len(parts) for _, parts, _ in self._sums])
        columns = np.array([part for _, parts, _ in self._sums for part in parts], np.int64)
        return wholes, rows, columns, np.array([equal for _, _, equal in self._sums], bool)

    def given(self) -> tuple[Floats, Floats]:
        """The intervals that were told."""
        return np.array(self._lower), np.array(self._upper)

    def narrowed(self) -> tuple[Floats, Floats]:
        """The least and the most that each count can be, (counts,) each; raises ValueError if no counts fit."""
        lower, upper = self.given()
        wholes, rows, columns, equal = self.matrix()
        exact = equal[rows]
        while len(wholes):
            before = lower.copy(), upper.copy()
            least = np.bincount(rows, lower[columns], len(wholes))
            most = np.bincount(rows, upper[columns], len(wholes))
            np.minimum.at(upper, wholes, most)
            np.maximum.at(lower, wholes[equal], least[equal])
            np.maximum.at(lower, columns, lower[wholes][rows] - (most[rows] - upper[columns]))
            others = least[rows] - lower[columns]
            np.minimum.at(upper, columns[exact], (upper[wholes][rows] - others)[exact])
            if (lower > upper).any():
                raise ValueError("what is known of these counts contradicts itself")
            if np.array_equal(before[0], lower) and np.array_equal(before[1], upper):
                break
        return lower, upper
