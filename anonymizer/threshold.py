"""The threshold: a number is published only if it is surely about at least k devices."""

from __future__ import annotations

from typing import NamedTuple


class Threshold(NamedTuple):
    """Publish a perturbed count of at least ``k`` + ``bound``; none that is published is of fewer than ``k`` devices.

    It is the perturbed count that decides: were it the raw one, somebody with k - 1 devices of his own could see by a
    number's existence whether one more device is there. Nothing is moved to the threshold: that would make small
    numbers too large.
    """

    k: int
    bound: int

    @property
    def least(self) -> int:
        """The smallest number that is ever published."""
        return self.k + self.bound
