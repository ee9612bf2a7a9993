"""The epochs that a shard has open: events that wait for the watermark, and the crowd that they are applied to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.pseudonyms import Pseudonymiser
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd
from indicators.sorting import stable_order
from streams.decode import Events

_SETTLE_AT = 1 << 14


class _Waiting(NamedTuple):
    """Buffered events in order of offset: int64 ``offsets`` and ``times``, int32 ``slots`` and ``places``, (n,)."""

    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    slots: NDArray[np.int32]
    places: NDArray[np.int32]

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> _Waiting:
        return _Waiting(self.offsets[which], self.times[which], self.slots[which], self.places[which])


class OpenEpoch:
    """One epoch of one shard. The subscriber ids it is given end here: what waits are slots of pseudonyms."""

    def __init__(self, crowd: EpochCrowd, pseudonymiser: Pseudonymiser) -> None:
        self.crowd = crowd
        self.key_id = pseudonymiser.key_id
        self._pseudonymiser = pseudonymiser
        self._chunks: list[_Waiting] = []
        self._kept = 0
        self._fresh = 0

    @property
    def waiting(self) -> int:
        """Events that wait to be applied."""
        return self._kept + self._fresh

    @property
    def oldest(self) -> int | None:
        """The lowest offset that waits, or None."""
        return int(self._chunks[0].offsets[0]) if self._chunks else None

    def add(self, offsets: NDArray[np.int64], events: Events) -> None:
        """Keep events of this epoch, above the watermark, until it reaches them; ``offsets``: int64 (n,)."""
        slots = self.crowd.slots.slots_of(self._pseudonymiser.of(events.subscribers))
        self._chunks.append(_Waiting(offsets, events.times, slots.astype(np.int32), events.places))
        self._fresh += len(offsets)

    def is_due(self, watermark: int) -> bool:
        """Whether applying is worth its cost now: a window can close, or as much is new as was kept last time."""
        return watermark >= self.crowd.next_boundary or self._fresh >= max(_SETTLE_AT, self._kept)

    def settle(self, watermark: int, zones: NDArray[np.int32]) -> list[Tally]:
        """Apply every event at or below ``watermark`` (ms) and close the windows that end by then.

        ``zones``: int32 (places, layers). When it happens changes nothing about the result.
        """
        none = np.empty(0, np.int64)
        due = _Waiting(none, none, none.astype(np.int32), none.astype(np.int32))
        if self._chunks:
            waiting = _Waiting(*map(np.concatenate, zip(*self._chunks, strict=True)))
            ripe = waiting.times <= watermark
            due, kept = waiting.rows(ripe), waiting.rows(~ripe)
            self._chunks = [kept] if len(kept.times) else []
            self._kept, self._fresh = len(kept.times), 0
            due = due.rows(stable_order(due.times))
        return self.crowd.apply(due.slots.astype(np.int64), due.times, zones[due.places], watermark)
