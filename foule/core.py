"""The core without Kafka: the same shards, release and gate over records in memory, for ``batch`` and ``replay``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.gate import Publication
from anonymizer.keys import EpochKeys, KeyStore
from config.settings import Settings
from foule.partitioner import by_partition
from indicators.counts import Tally
from streams import wire
from streams.decode import REASONS
from streams.fetch import contiguous
from streams.intake import Verdicts
from streams.key_life import KeyLife
from streams.parts import ShardParts
from streams.release import Release
from streams.shard import Shard
from streams.shuffled import ShuffledShard
from streams.source import Source
from streams.watermark import BEGINNING
from zones import Places


class Closed(NamedTuple):
    """The raw counts of a window that a partition's shard has closed."""

    partition: int
    tally: Tally


#: The only owner of all shards.
_TOKEN = 0


class Core:
    """All partitions of a recorded feed in one process.

    Every batch of records goes through :meth:`feed`, or in two steps through :meth:`take` and :meth:`release`; what
    may be published comes back. The decisions' versions count up from 0: there is no log whose offsets could be used.
    """

    def __init__(self, settings: Settings, places: Places, store: KeyStore, now: Callable[[], int]) -> None:
        """``now``: the wall clock in ms, for the keys' time to live."""
        self._keys = EpochKeys(store, settings.keys.max_age, now)
        parts = ShardParts.of(settings, places, self._keys)
        partitions = range(settings.topics.partitions)
        self.readers: list[Shard] | list[Source]
        self.shards: list[Shard] | list[ShuffledShard]
        if parts.shuffled:
            self.readers = [Source(partition, parts) for partition in partitions]
            self.shards = [ShuffledShard(partition, parts) for partition in partitions]
        else:
            self.readers = self.shards = [Shard(partition, parts) for partition in partitions]
        self.fingerprint = parts.fingerprint
        self.cells, self.layers = parts.counting.cells, places.layers
        self.windows = 0
        self._calendar = parts.calendar
        self._release = Release(
            parts.gate,
            parts.secrets,
            settings.topics.partitions,
            parts.calendar.widths[0],
            settings.stream.max_wait,
            parts.fingerprint,
            shuffled=parts.shuffled,
        )
        self._key_life = KeyLife(parts.calendar, settings.topics.partitions)
        self._log_end = 0
        self._decided_to = BEGINNING

    @property
    def end(self) -> int | None:
        """End of the last epoch that has an accepted event (UTC ms): the feed ends there. None without any."""
        latest = max(reader.latest for reader in self.readers)
        return None if latest < 0 else self._calendar.epoch_of(latest).end

    def feed(
        self, partitions: NDArray[np.int32], values: Sequence[bytes | None], timestamps: NDArray[np.int64]
    ) -> list[Publication]:
        """Take the next records, (n,) each, in the order in which they were sent; returns what is released now.

        ``timestamps``: Kafka timestamps in ms, -1 for none.
        """
        closed: list[Closed] = []
        for partition, rows in by_partition(partitions):
            closed += self.take(partition, [values[row] for row in rows.tolist()], timestamps[rows])
        return self.release(closed)

    def take(self, partition: int, values: Sequence[bytes | None], timestamps: NDArray[np.int64]) -> list[Closed]:
        """Give a partition its next records; returns the windows that closed, to be handed to :meth:`release`."""
        reader = self.readers[partition]
        reader.take(contiguous(partition, reader.next_offset, list(values), timestamps))
        return self._closed_by(reader)

    def finish(self) -> list[Closed]:
        """End the feed: all partitions advance to :attr:`end`; returns the windows that closed, for :meth:`release`."""
        closed: list[Closed] = []
        end = self.end
        if end is not None:
            for reader in self.readers:
                reader.advance(reader.next_offset, end)
                closed += self._closed_by(reader)
            for shard in self.shards:
                shard.settle()
                closed += [Closed(shard.partition, tally) for tally in shard.closed()]
        return closed

    def _closed_by(self, reader: Shard | Source) -> list[Closed]:
        """The windows that closed by what the partition has taken; of a shuffled feed, in any shard."""
        if isinstance(reader, Shard):
            return [Closed(reader.partition, tally) for tally in reader.closed()]
        closed: list[Closed] = []
        for number, batch in reader.batches(_TOKEN):
            shard = self.shards[number]
            assert isinstance(shard, ShuffledShard)
            shard.take([batch], shard.next_offset + 1)
            closed += [Closed(number, tally) for tally in shard.closed()]
        return closed

    def release(self, closed: Sequence[Closed]) -> list[Publication]:
        """Put closed windows and a seal of every shard on the log, and publish what can be decided.

        The key of an epoch that is over for good is destroyed.
        """
        for partition, tally in closed:
            self._key_life.seen(tally.start)
            cipher = self._keys.cipher(self._calendar.epoch_of(tally.start), tally.key)
            for part in wire.parts_of(tally, partition, self.fingerprint, _TOKEN, cipher):
                self._append(part)
        reached = min(shard.watermark for shard in self.shards)
        if reached == self._decided_to:
            return []
        self._decided_to = reached
        for shard in self.shards:
            self._key_life.checkpointed(shard.partition, shard.watermark)  # what is below is never read again
            self._append(
                wire.Seal(
                    self.fingerprint, _TOKEN, shard.partition, shard.watermark, shard.next_offset, False, BEGINNING
                )
            )
        decided = [self._append(decision) for decision in self._release.decide()]
        publications = [publication for publication in decided if publication is not None]
        self.windows += sum(not publication.window.is_empty for publication in publications)
        for epoch in self._key_life.over(self._release.oldest_open):
            self._keys.destroy(epoch)
        return publications

    def _append(self, message: wire.Message) -> Publication | None:
        published = self._release.take(self._log_end, message)
        self._log_end += 1
        return published

    def summary(self) -> dict[str, Any]:
        """What became of the records: ``read``, ``accepted``, ``late``, ``rejected`` by reason, and ``windows``, in
        which something may be published."""
        total = Verdicts()
        for reader in self.readers:
            total.add(reader.verdicts)
        rejected = {reason: total.rejected[reason] for reason in REASONS if total.rejected[reason]}
        return {
            "read": total.read,
            "accepted": total.accepted,
            "late": total.late,
            "rejected": rejected,
            "windows": self.windows,
        }
