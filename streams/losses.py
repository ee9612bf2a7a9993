"""What a lost key means for windows: those that were open in a shard then are never released."""

from __future__ import annotations

from typing import NamedTuple

from streams.watermark import BEGINNING
from streams.wire import SourceLoss, TallyPart

_NO_SHARD = -1


class Loss(NamedTuple):
    """A shard lost what it knew at ``watermark``; by then it had reported windows up to ``reported`` (UTC ms).

    ``until``: up to here events are gone, too, which will not come again; ``offset``: where the log first says so.
    """

    shard: int
    watermark: int
    until: int
    reported: int
    offset: int

    @classmethod
    def of_source(cls, gone: SourceLoss, offset: int) -> Loss:
        """Events that a source may have lost; no shard can say which, and what any has reported may lack them."""
        return cls(_NO_SHARD, gone.first - 1, gone.until, BEGINNING, offset)

    def spoils(self, start: int, end: int) -> bool:
        """Whether a window was open in the shard, where a device may be in it under two pseudonyms, or lacks events."""
        return start <= self.until and end > max(self.watermark, self.reported)

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
        if loss[:3] not in [known[:3] for known in self._losses]:
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
