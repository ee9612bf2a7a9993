"""A source: one partition of a feed that is not keyed by subscriber. What it accepts it parts over the shards.

It runs without a broker: the shuffle agent feeds it fetches and sends its batches, and so do ``batch`` and the tests.
"""

from __future__ import annotations

from indicators.calendar import Epoch
from indicators.columns import Writer
from streams.batches import LONGEST, Batch, by_shard, pieces
from streams.doubts import Doubts
from streams.fetch import Fetch
from streams.intake import Intake, Share, Taken, Verdicts
from streams.parts import ShardParts
from streams.watermark import BEGINNING


class Source:
    """One partition's events: decoded, judged, pseudonymised, parted over the shards.

    Its state, and all that it ever sends, is a function of its records and the advances; how they are cut into batches
    is not. ``doubts`` are about what may have gone out before, under a key that was lost since: say them before you
    send the batches.
    """

    def __init__(self, partition: int, parts: ShardParts, longest: int = LONGEST) -> None:
        """``longest``: rows of a batch at most."""
        self.partition = partition
        self._parts = parts
        self._fingerprint = parts.fingerprint
        self._longest = longest
        self._intake = Intake(parts)
        self._shares: list[Share] = []
        self.doubts = Doubts()
        self._sent = 0
        self._mark = BEGINNING

    @property
    def next_offset(self) -> int:
        """The offset of the next record."""
        return self._intake.next_offset

    @property
    def counted(self) -> int:
        """As :attr:`next_offset`: what is taken is handed on, so that nothing is read twice."""
        return self._intake.next_offset

    @property
    def position(self) -> int:
        """As :attr:`next_offset`: nothing waits here."""
        return self._intake.next_offset

    @property
    def watermark(self) -> int:
        """The source's watermark, UTC ms."""
        return self._intake.watermark

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
    def lost(self) -> bool:
        """False: nothing here is under a key."""
        return False

    @property
    def has_news(self) -> bool:
        """Whether there is something that the shards have not been told."""
        return self._sent < self.next_offset or self._mark < self.watermark

    def take(self, fetch: Fetch) -> list[tuple[Fetch, Taken]]:
        """Take the records of a fetch that begins at :attr:`next_offset`, and say what became of them.

        See :meth:`streams.intake.Intake.take`; raises what it raises.
        """
        return self._intake.take(fetch, self._keep)

    def _keep(self, share: Share) -> None:
        self.doubts.add(share)
        self._shares.append(share)

    def skip_to(self, offset: int) -> None:
        """Pass over offsets that the log no longer has; the next batches span them."""
        self._intake.skip_to(offset)

    def advance(self, next_offset: int, watermark: int) -> bool:
        """Move up to ``watermark`` (ms) when the next offset is ``next_offset``; False if that has passed."""
        return self._intake.advance(next_offset, watermark)

    def settle(self) -> None:
        """Let go of the keys of epochs that are over."""
        self._intake.forget_ended_epochs()
        self.doubts.forget([epoch.number for epoch in self._intake.keys], self.next_offset)

    def claim(self, token: int) -> Batch:
        """The batch by which an owner claims the source from each shard."""
        return Batch(self._fingerprint, self.partition, token, 0, 0, BEGINNING)

    def batches(self, token: int) -> list[tuple[int, Batch]]:
        """What each shard has not been sent yet, as (shard, batch), under the owner's token; without news, the mark.

        Send all, in this order. A share of a fetch that is too long for one record comes in several batches, of which
        only the last has the new mark.
        """
        shares, self._shares = self._shares, []
        start, self._sent = self._sent, self.next_offset
        before, self._mark = self._mark, self.watermark
        settings = self._fingerprint
        batches = []
        for shard, of_shard in enumerate(by_shard(shares, self._parts.partitions)):
            for piece in pieces(of_shard, start, self._sent, self._longest):
                mark = self._mark if piece.end == self._sent else before
                of_piece = [share for share in piece.shares if len(share.offsets)]
                batch = Batch(settings, self.partition, token, piece.start, piece.end, mark, of_piece)
                batches.append((shard, batch))
        return batches

    def snapshot(self) -> Writer:
        """A copy of the state; what :meth:`batches` has not handed over is not in it: send it first."""
        writer = self._parts.begun_snapshot(f"source {self.partition}")
        writer.value("next", self.next_offset)
        writer.value("keys", [(epoch.number, key_id) for epoch, key_id in self._intake.keys.items()])
        writer.value("doubts", list(self.doubts.ends.items()))
        self._intake.write(writer)
        return writer

    @classmethod
    def restored(cls, partition: int, parts: ShardParts, data: bytes, longest: int = LONGEST) -> Source:
        """The source of a snapshot's bytes; feed it from its :attr:`next_offset` on.

        Raises ``KeyMissingError`` if the store has not the key of an open epoch, ``KeyStoreError`` if it does not
        answer, ``ContractError`` if the snapshot was made by another version or under other settings.
        """
        reader = parts.opened_snapshot(data, f"source {partition}")
        source = cls(partition, parts, longest)
        start = reader.value("next")
        kept = [(number, key_id) for number, key_id in reader.value("keys") if not parts.keys.is_lost(key_id)]
        keys = {parts.calendar.epoch(number): key_id for number, key_id in kept}
        source._intake = Intake.restored(parts, reader, start, start, keys)
        source.doubts = Doubts(dict(kept), dict(reader.value("doubts")))
        source._sent, source._mark = start, source.watermark
        return source
