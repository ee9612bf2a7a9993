"""How much an attacker knows about the numbers that are not published."""

from __future__ import annotations

from typing import NamedTuple


class Score(NamedTuple):
    """``cells``: how many unpublished ones hold 1 to k - 1 devices; of these, ``pinned`` to one number and ``narrow``,
    narrower than k - 1; ``wrong``: bounds that the truth is not within, 0 if the attack is right."""

    cells: int
    pinned: int
    narrow: int
    wrong: int

    def plus(self, other: Score) -> Score:
        """Both together."""
        return Score(*map(sum, zip(self, other, strict=True)))

    @property
    def share(self) -> float:
        """Of the cells of 1 to k - 1 devices, those that are known more closely than that."""
        return self.narrow / self.cells if self.cells else 0.0

    def __str__(self) -> str:
        wrong = f", {self.wrong} WRONG" if self.wrong else ""
        return f"{self.pinned:,} of {self.cells:,} pinned, {self.narrow:,} narrow{wrong}"


NOTHING_KNOWN = Score(0, 0, 0, 0)
