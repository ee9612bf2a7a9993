"""A shard of a shuffled feed: the devices whose pseudonyms are its own, from the batches of all sources.

An event is late by its own source's watermark alone, and the shard's watermark is the lowest of all sources'. So what
comes is never late here, whatever order the batches of different sources come in, and since events are applied in order
of (time, source, offset) the counts are a function of the feed's partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indicators.columns import Writer
from indicators.counts import Tally
from streams.batches import Batch, SealedBatch, open_rows
from streams.epochs import Epochs
from streams.intake import Share
from streams.parts import ShardParts
from streams.watermark import BEGINNING

#: Bits of an event's rank that are its offset; those above are its source.
_OFFSET_BITS = 48


@dataclass(slots=True)
class _Heard:
    """What the shard has of a source: all below offset ``taken`` (None: the log has lost some of it), its watermark
    ``mark`` there (UTC ms), and its owner's token."""

    taken: int | None = 0
    mark: int = BEGINNING
    token: int = -1


class ShuffledShard:
    """One share of all devices: ordered by event time, turned into visits and tallies."""

    def __init__(self, partition: int, parts: ShardParts, next_offset: int = 0) -> None:
        """``next_offset``: of the shuffled topic."""
        self.partition = partition
        self.next_offset = next_offset
        self.stale = 0
        self._parts = parts
        self._fingerprint = parts.fingerprint
        self._heard = [_Heard() for _ in range(parts.partitions)]
        self._settled = BEGINNING
        self._epochs = Epochs(parts)

    @property
    def counted(self) -> int:
        """As :attr:`next_offset`: what waits is in the snapshot."""
        return self.next_offset

    @property
    def position(self) -> int:
        """As :attr:`next_offset`: reading again could not tell what a batch repeats from what it brings."""
        return self.next_offset

    @property
    def watermark(self) -> int:
        """The lowest watermark of all sources, UTC ms."""
        return min(heard.mark for heard in self._heard)

    @property
    def devices(self) -> int:
        """Devices in the state, over all open epochs."""
        return self._epochs.devices

    @property
    def left_out(self) -> int:
        """Events that came under a key that was given up or is destroyed."""
        return self._epochs.left_out

    def gone(self) -> list[tuple[int, int]]:
        """Hand over, as (first, last) in UTC ms, where windows lack what was under a key that was given up or is
        destroyed."""
        return self._epochs.gone()

    @property
    def lost(self) -> bool:
        """Whether an epoch of the snapshot that it was restored from began anew, because its key is lost."""
        return self._epochs.lost

    @property
    def moves(self) -> NDArray[np.int64]:
        """Moves from zone to zone in the epochs that are over, by layer: int64 (layers,)."""
        return self._epochs.moves

    def opened(self, sealed: SealedBatch) -> Batch:
        """A batch, to be taken. What the shard passes over anyway is not in it, and no key is asked for.

        Raises ``KeyMissingError`` if the store does not have the key of what is new in it, ``KeyStoreError`` if it does
        not answer, ``KeyLostError`` if an epoch has pseudonyms under two keys, ``ContractError`` if something in it is
        not as it was sealed.
        """
        shares, closed = [], []
        for rows in sealed.rows if self._is_news(sealed) else ():
            if rows.last <= self._settled:
                continue
            epoch = self._parts.calendar.epoch(rows.epoch)
            cipher = self._epochs.cipher(epoch, rows.key)
            if cipher is None:
                closed.append(rows)
            else:
                shares.append(open_rows(sealed, self.partition, rows, epoch, cipher))
        where = (sealed.settings, sealed.source, sealed.token, sealed.start, sealed.end, sealed.mark)
        return Batch(*where, shares, closed)

    def _is_news(self, batch: SealedBatch) -> bool:
        """False if the shard is sure to pass over all of the batch, whatever it takes before."""
        if not self._is_ours(batch):
            return False
        heard = self._heard[batch.source]
        return batch.token >= heard.token and (heard.taken is None or batch.end > heard.taken)

    def _is_ours(self, batch: Batch | SealedBatch) -> bool:
        return batch.settings == self._fingerprint and 0 <= batch.source < len(self._heard)

    def take(self, batches: Iterable[Batch], next_offset: int) -> None:
        """Take the batches of a fetch, in order; the fetch ends before ``next_offset``.

        Raises ``KeyLostError`` if an epoch has pseudonyms under two keys.
        """
        shares = [share for batch in batches for share in self._admitted(batch)]
        for share in _by_epoch(shares):
            self._epochs.add(share)
        self.next_offset = next_offset
        if self._epochs.is_due(self.watermark):
            self.settle()

    def _admitted(self, batch: Batch) -> Iterator[Share]:
        """What of a batch is new.

        Nothing, if a newer owner has claimed the source, or if something before it is missing: its sending failed, and
        so the owner or its successor begins again at the source's checkpoint.
        """
        if not self._is_ours(batch):
            return
        heard = self._heard[batch.source]
        if batch.token < heard.token:
            self.stale += 1
            return
        heard.token = batch.token
        taken = batch.start if heard.taken is None else heard.taken
        if batch.start > taken:
            self.stale += 1
            return
        heard.taken = max(taken, batch.end)
        heard.mark = max(heard.mark, batch.mark)
        for rows in batch.closed:
            # of those that come a second time nobody can tell which are new
            count = min(rows.count, batch.end - taken)
            if count > 0 and rows.last > self._settled:
                self._epochs.leave_out(self._parts.calendar.epoch(rows.epoch), count, rows.first, rows.last)
        for share in batch.shares:
            # times: only where offsets of the feed or of this topic are lost may an event come too late
            new = (share.offsets >= taken) & (share.times > self._settled)
            share = share._replace(offsets=share.offsets + (batch.source << _OFFSET_BITS))
            yield share if new.all() else share.only(new)

    def skip_to(self, offset: int) -> None:
        """Pass over offsets that the shuffled topic no longer has, and go on with what the next batches bring."""
        self.next_offset = offset
        for heard in self._heard:
            heard.taken = None

    def settle(self) -> None:
        """Apply all that the watermark has reached; epochs that it has passed end, and their state is dropped."""
        self._settled = self.watermark
        self._epochs.settle(self._settled)

    def closed(self) -> list[Tally]:
        """Hand over the tallies of the windows that have closed since the last call, in order of their end."""
        return self._epochs.closed()

    def snapshot(self) -> Writer:
        """A copy of the whole state at this instant, applied up to the watermark; encode it when it suits.

        Tallies that :meth:`closed` has not handed over are not in it: carry them away first.
        """
        self.settle()
        writer = self._parts.begun_snapshot(f"shard {self.partition}")
        writer.value("next", self.next_offset)
        writer.value("sources", [(heard.taken, heard.mark, heard.token) for heard in self._heard])
        self._epochs.write(writer, waiting=True)
        return writer

    @classmethod
    def restored(cls, partition: int, parts: ShardParts, data: bytes) -> ShuffledShard:
        """The shard of a snapshot's bytes; feed it from its :attr:`next_offset` on.

        Raises ``KeyMissingError`` if the store has not the key of an open epoch, ``KeyStoreError`` if it does not
        answer, ``ContractError`` if the snapshot was made by another version or under other settings.
        """
        reader = parts.opened_snapshot(data, f"shard {partition}")
        shard = cls(partition, parts, reader.value("next"))
        shard._heard = [_Heard(*heard) for heard in reader.value("sources")]
        shard._settled = shard.watermark
        shard._epochs = Epochs.restored(parts, reader)
        shard._epochs.miss_ended(shard.watermark)
        return shard


def _by_epoch(shares: Iterable[Share]) -> Iterator[Share]:
    """One share for all of an epoch that are under one key: a fetch brings many small ones."""
    together: dict[tuple[int, str], list[Share]] = {}
    for share in shares:
        if len(share.offsets):
            together.setdefault((share.epoch.number, share.key_id), []).append(share)
    for (_, key_id), same in together.items():
        yield Share(
            same[0].epoch,
            key_id,
            same[0].cipher,
            np.concatenate([share.offsets for share in same]),
            np.concatenate([share.times for share in same]),
            np.concatenate([share.pseudonyms for share in same]),
            np.concatenate([share.record_keys for share in same]),
            np.concatenate([share.places for share in same]),
            np.concatenate([share.origins for share in same]),
        )
