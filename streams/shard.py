"""A shard: all that one partition of events has become. Its state is a function of its records and the advances.

A shard runs without a broker: the crowd agent feeds it fetches and carries away what it closes, and so do ``batch``
and the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.calendar import Epoch
from indicators.columns import Writer
from indicators.counts import Tally
from streams.epochs import Epochs
from streams.fetch import Fetch
from streams.intake import Intake, Taken, Verdicts
from streams.parts import ShardParts

__all__ = ["Shard", "ShardParts", "Taken", "Verdicts"]


class Shard:
    """One partition's events: decoded, ordered by event time, turned into visits and tallies."""

    def __init__(self, partition: int, parts: ShardParts, next_offset: int = 0) -> None:
        self.partition = partition
        self._parts = parts
        self._intake = Intake(parts, next_offset)
        self._epochs = Epochs(parts)

    @property
    def next_offset(self) -> int:
        """The offset of the next record."""
        return self._intake.next_offset

    @property
    def counted(self) -> int:
        """Below this offset no counter moves and nothing is rejected again."""
        return self._intake.counted

    @property
    def verdicts(self) -> Verdicts:
        """How many records of each kind were read."""
        return self._intake.verdicts

    @property
    def epochs(self) -> list[Epoch]:
        """The epochs whose keys it uses."""
        return list(self._intake.keys)

    @property
    def latest(self) -> int:
        """The highest event time that was accepted (ms); -1 without any."""
        return self._intake.latest

    @property
    def watermark(self) -> int:
        """The shard's watermark, UTC ms."""
        return self._intake.watermark

    @property
    def position(self) -> int:
        """The oldest offset that is still buffered; reading from here on brings everything back."""
        oldest = self._epochs.oldest
        return self.next_offset if oldest is None else min(self.next_offset, oldest)

    @property
    def devices(self) -> int:
        """Devices in the state, over all open epochs."""
        return self._epochs.devices

    @property
    def lost(self) -> bool:
        """Whether an epoch of the snapshot that it was restored from began anew, because its key is lost."""
        return self._epochs.lost

    def gone(self) -> list[tuple[int, int]]:
        """Hand over, as (first, last) in UTC ms, where windows lack what was under a key that is destroyed."""
        return self._epochs.gone()

    @property
    def moves(self) -> NDArray[np.int64]:
        """Moves from zone to zone in the epochs that are over, by layer: int64 (layers,)."""
        return self._epochs.moves

    def take(self, fetch: Fetch) -> list[tuple[Fetch, Taken]]:
        """Take the records of a fetch that begins at :attr:`next_offset`, and say what became of them.

        See :meth:`streams.intake.Intake.take`; raises what it raises.
        """
        taken = self._intake.take(fetch, self._epochs.add)
        if self._epochs.is_due(self.watermark):
            self.settle()
        return taken

    def skip_to(self, offset: int) -> None:
        """Pass over offsets that the log no longer has; :meth:`take` goes on at ``offset``."""
        self._intake.skip_to(offset)

    def advance(self, next_offset: int, watermark: int) -> bool:
        """Move up to ``watermark`` (ms) when the next offset is ``next_offset``; False if that has passed."""
        before = self.watermark
        told = self._intake.advance(next_offset, watermark)
        if self.watermark > before:
            self.settle()
        return told

    def settle(self) -> None:
        """Apply all that the watermark has reached; epochs that it has passed end, and their state is dropped."""
        self._epochs.settle(self.watermark)
        self._intake.forget_ended_epochs()

    def closed(self) -> list[Tally]:
        """Hand over the tallies of the windows that have closed since the last call, in order of their end."""
        return self._epochs.closed()

    def snapshot(self) -> Writer:
        """A copy of the whole state at this instant, applied up to the watermark; encode it when it suits.

        Tallies that :meth:`closed` has not handed over are not in it: carry them away first.
        """
        self.settle()
        writer = self._parts.begun_snapshot(f"shard {self.partition}")
        writer.value("offsets", [self.position, self.counted])
        self._intake.write(writer)
        self._epochs.write(writer)
        return writer

    @classmethod
    def restored(cls, partition: int, parts: ShardParts, data: bytes) -> Shard:
        """The shard of a snapshot's bytes; feed it from its :attr:`next_offset` on.

        Records below ``counted`` only fill the buffer again: they are not counted and not rejected a second time.
        Raises ``KeyMissingError`` if the store has not the key of an open epoch, ``KeyStoreError`` if it does not
        answer, ``ContractError`` if the snapshot was made by another version or under other settings.
        """
        reader = parts.opened_snapshot(data, f"shard {partition}")
        shard = cls(partition, parts)
        epochs = shard._epochs = Epochs.restored(parts, reader)
        position, counted = reader.value("offsets")
        shard._intake = Intake.restored(parts, reader, position, counted, epochs.keys)
        epochs.miss_ended(shard.watermark)
        return shard
