"""What a lost key means for windows: those that were open in a shard then are never released."""

from __future__ import annotations

from typing import NamedTuple

from streams.wire import TallyPart


class Loss(NamedTuple):
    """A shard lost what it knew at ``watermark``; by then it had reported windows up to ``reported`` (UTC ms).

    ``offset``: where the log first says so.
    """

    shard: int
    watermark: int
    reported: int
    offset: int

    def spoils(self, start: int, end: int) -> bool:
        """Whether a window was open in the shard: a device may be in it under two pseudonyms."""
        return start <= self.watermark < end and end > self.reported

    def is_outdated(self, part: TallyPart, offset: int) -> bool:
        """Whether the shard had reported this window before its loss: what it says of it behind that, at ``offset``, is
        less."""
        return part.shard == self.shard and self.watermark < part.end <= self.reported and offset > self.offset


class Losses:
    """All losses that the log tells of."""

    def __init__(self) -> None:
        self._losses: list[Loss] = []

    def add(self, loss: Loss) -> None:
        """A shard's epoch has ended early. Said again, by a later owner, it is the same loss."""
        if (loss.shard, loss.watermark) not in [(known.shard, known.watermark) for known in self._losses]:
            self._losses.append(loss)

    def spoil(self, start: int, end: int) -> bool:
        """Whether the window was open in a shard that lost its key."""
        return any(loss.spoils(start, end) for loss in self._losses)

    def outdate(self, part: TallyPart, offset: int) -> bool:
        """Whether the shard had reported the window before a loss, and says at ``offset`` what is left of it."""
        return any(loss.is_outdated(part, offset) for loss in self._losses)

    def all(self) -> list[Loss]:
        """All of them, to be handed to a successor."""
        return list(self._losses)
