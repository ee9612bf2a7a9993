"""The core without Kafka: the same shards, release and gate over records in memory, for ``batch`` and ``replay``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anonymizer.gate import Gate, Publication
from anonymizer.keys import EpochKeys, KeyStore
from config.settings import Settings
from indicators.counts import Tally
from streams import wire
from streams.decode import REASONS
from streams.fetch import contiguous
from streams.release import Release
from streams.shard import Shard, ShardParts, Verdicts
from streams.watermark import BEGINNING
from zones import Places


class Core:
    """All partitions of a recorded feed in one process. Publications come back from :meth:`take` and :meth:`finish`.

    The decisions' versions count up from 0: there is no log whose offsets could be used.
    """

    def __init__(self, settings: Settings, places: Places, store: KeyStore, now: Callable[[], int]) -> None:
        """``now``: the wall clock in ms, for the keys' time to live."""
        keys = EpochKeys(store, settings.keys.max_age, now)
        parts = ShardParts.of(settings, places, keys)
        self.shards = [Shard(partition, parts) for partition in range(settings.topics.partitions)]
        self._calendar = parts.calendar
        self._fingerprint = parts.fingerprint
        self._release = Release(
            Gate(settings.privacy.k),
            places.layers,
            settings.topics.partitions,
            parts.calendar.widths[0],
            settings.stream.max_wait,
            parts.fingerprint,
        )
        self._log_end = 0
        self._latest = -1
        self._windows = 0

    def take(
        self, partition: int, values: Sequence[bytes | None], timestamps: NDArray[np.int64]
    ) -> list[tuple[int, Tally]]:
        """Give a partition its next records; ``timestamps``: int64 (n,) Kafka timestamps in ms, -1 for none.

        Returns the raw tallies of what closed, with their partition, for :meth:`release`. Raises ``KeyStoreError``.
        """
        shard = self.shards[partition]
        if len(values):
            shard.take(contiguous(partition, shard.next_offset, list(values), timestamps))
            self._latest = max(self._latest, shard.latest)
        return [(partition, tally) for tally in shard.closed()]

    def finish(self) -> list[tuple[int, Tally]]:
        """End the feed: every shard advances to the end of the last epoch that has an accepted event."""
        tallies = []
        if self._latest >= 0:
            end = self._calendar.epoch_of(self._latest).end
            for shard in self.shards:
                shard.advance(shard.next_offset, end)
                tallies += [(shard.partition, tally) for tally in shard.closed()]
        return tallies

    def release(self, tallies: Sequence[tuple[int, Tally]]) -> list[Publication]:
        """Put raw tallies and a seal of every shard on the log, and publish what can be decided."""
        for partition, tally in tallies:
            for part in wire.parts_of(tally, partition, self._fingerprint):
                self._append(part)
        for shard in self.shards:
            self._append(
                wire.Seal(self._fingerprint, shard.partition, shard.watermark, shard.next_offset, False, BEGINNING)
            )
        publications = []
        for decision in self._release.decide():
            publication = self._append(decision)
            if publication is not None:
                publications.append(publication)
                self._windows += not publication.window.is_empty
        return publications

    def _append(self, message: wire.Message) -> Publication | None:
        published = self._release.take(self._log_end, message)
        self._log_end += 1
        return published

    def summary(self) -> dict[str, Any]:
        """What became of the records: ``read``, ``accepted``, ``late``, ``rejected`` by reason, and ``windows``."""
        total = Verdicts()
        for shard in self.shards:
            total.add(shard.verdicts)
        rejected = {reason: total.rejected[reason] for reason in REASONS if total.rejected[reason]}
        return {
            "read": total.read,
            "accepted": total.accepted,
            "late": total.late,
            "rejected": rejected,
            "windows": self._windows,
        }
