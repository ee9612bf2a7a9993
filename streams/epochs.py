"""The epochs that a shard has open: events that wait for the watermark, and the crowds that they are applied to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.cipher import Cipher
from config.errors import EpochEndedError, KeyLostError
from indicators.calendar import Epoch
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd
from indicators.sorting import stable_order
from streams.intake import Share
from streams.parts import ShardParts

_SETTLE_AT = 1 << 14
MINUTE_MS = 60_000


class _Waiting(NamedTuple):
    """Buffered events as they came: int64 ``offsets`` and ``times``, int32 ``slots`` and ``places``, int16 ``origins``,
    (n,)."""

    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    slots: NDArray[np.int32]
    places: NDArray[np.int32]
    origins: NDArray[np.int16]

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> _Waiting:
        return _Waiting(
            self.offsets[which], self.times[which], self.slots[which], self.places[which], self.origins[which]
        )


class OpenEpoch:
    """One epoch of one shard: its crowd, and the events that wait, as slots of pseudonyms under the key ``key_id``."""

    def __init__(self, crowd: EpochCrowd, key_id: str, cipher: Cipher) -> None:
        """``cipher``: of that key, for what of the epoch lies on a disk."""
        self.crowd = crowd
        self.key_id = key_id
        self.cipher = cipher
        self._chunks: list[_Waiting] = []
        self._kept = 0
        self._fresh = 0

    @property
    def waiting(self) -> int:
        """Events that wait to be applied."""
        return self._kept + self._fresh

    @property
    def oldest(self) -> int | None:
        """The offset of the first that waits, or None."""
        return int(self._chunks[0].offsets[0]) if self._chunks else None

    def add(self, share: Share) -> None:
        """Keep events of this epoch, above the watermark, until it reaches them."""
        slots = self.crowd.slots_of(share.pseudonyms, share.record_keys)
        waiting = _Waiting(share.offsets, share.times, slots.astype(np.int32), share.places, share.origins)
        self._chunks.append(waiting)
        self._fresh += len(share.offsets)

    def is_due(self, watermark: int) -> bool:
        """Whether applying is worth its cost now: a window can close, or as much is new as was kept last time."""
        return watermark >= self.crowd.next_boundary or self._fresh >= max(_SETTLE_AT, self._kept)

    def settle(self, watermark: int, zones: NDArray[np.int32]) -> list[Tally]:
        """Apply every event at or below ``watermark`` (ms) and close the windows that end by then.

        In order of (time, offset), and ``zones``: int32 (places, layers). When it happens changes nothing about the
        result.
        """
        none = np.empty(0, np.int64)
        due = _Waiting(none, none, none.astype(np.int32), none.astype(np.int32), none.astype(np.int16))
        if self._chunks:
            waiting = _Waiting(*map(np.concatenate, zip(*self._chunks, strict=True)))
            ripe = waiting.times <= watermark
            due, kept = waiting.rows(ripe), waiting.rows(~ripe)
            self._chunks = [kept] if len(kept.times) else []
            self._kept, self._fresh = len(kept.times), 0
            if not (due.offsets[1:] > due.offsets[:-1]).all():
                due = due.rows(np.argsort(due.offsets))
            due = due.rows(stable_order(due.times))
        return self.crowd.apply(due.slots.astype(np.int64), due.times, zones[due.places], watermark, due.origins)

    @property
    def waiting_times(self) -> tuple[int, int] | None:
        """Between which times (UTC ms, whole minutes) the events that wait are, or None."""
        if not self._chunks:
            return None
        return whole_minutes(np.concatenate([chunk.times for chunk in self._chunks]))

    def write(self, writer: Writer, *, waiting: bool) -> None:
        """Put a copy of the crowd and, if ``waiting``, of the events that wait into a snapshot: sealed, but for the
        key's id and the times between which events wait."""
        writer.value("key", self.key_id)
        writer.value("waiting", self.waiting_times if waiting else None)
        sealed = writer.sealed("crowd", self.cipher)
        self.crowd.write(sealed)
        if waiting and self._chunks:
            columns = _Waiting(*map(np.concatenate, zip(*self._chunks, strict=True)))
            for name, column in columns._asdict().items():
                sealed.column(f"waiting/{name}", column)

    @classmethod
    def restored(cls, parts: ShardParts, cipher: Cipher, reader: Reader) -> OpenEpoch:
        """What :meth:`write` put into a snapshot; raises ``ContractError`` if ``cipher`` does not open it."""
        sealed = reader.opened("crowd", cipher)
        crowd = EpochCrowd.restored(parts.calendar, parts.zones, parts.linger, sealed, parts.counting.plan)
        opened = cls(crowd, reader.value("key"), cipher)
        if reader.value("waiting") is not None:
            opened._chunks = [_Waiting(*(sealed.column(f"waiting/{name}") for name in _Waiting._fields))]
            opened._kept = len(opened._chunks[0].times)
        return opened


def whole_minutes(times: NDArray[np.int64]) -> tuple[int, int]:
    """The first and the last of some times (ms, at least one), made earlier and later up to a whole minute: so much may
    be in clear."""
    return int(times.min()) // MINUTE_MS * MINUTE_MS, -(-int(times.max()) // MINUTE_MS) * MINUTE_MS


class Epochs:
    """The open epochs of one shard, and the tallies of their windows.

    ``lost``: a snapshot had an epoch whose key was given up, and which began anew here; ``left_out``: events that came
    under such a key, or under one that is destroyed.
    """

    def __init__(self, parts: ShardParts) -> None:
        self.moves = np.zeros(len(parts.places.layers), np.int64)
        self._parts = parts
        self._open: dict[int, OpenEpoch] = {}
        self._tallies: list[Tally] = []
        self.lost = False
        self.left_out = 0
        self._gone: list[tuple[int, int]] = []
        self._ended: list[Epoch] = []

    @property
    def devices(self) -> int:
        """Devices in the state, over all open epochs."""
        return sum(len(opened.crowd.slots) for opened in self._open.values())

    @property
    def oldest(self) -> int | None:
        """The lowest offset that waits, or None."""
        return min((offset for opened in self._open.values() if (offset := opened.oldest) is not None), default=None)

    @property
    def keys(self) -> dict[Epoch, str]:
        """The ids of the keys of the open epochs."""
        return {opened.crowd.epoch: opened.key_id for opened in self._open.values()}

    def add(self, share: Share) -> None:
        """Keep events until the watermark reaches them.

        Events under a key that was given up are left out, unless their epoch is open under it here: then it goes on.
        Raises ``KeyLostError`` if they are pseudonymised under another key than those of their epoch that came before.
        """
        opened = self._open.get(share.epoch.number)
        if (opened is None or opened.key_id != share.key_id) and self._parts.keys.is_lost(share.key_id):
            if len(share.times):
                self.leave_out(share.epoch, len(share.times), int(share.times.min()), int(share.times.max()))
            return
        if opened is None:
            parts = self._parts
            crowd = EpochCrowd(parts.calendar, share.epoch, parts.zones, parts.linger, parts.counting.plan)
            opened = self._open[share.epoch.number] = OpenEpoch(crowd, share.key_id, share.cipher)
        if opened.key_id != share.key_id:
            raise _two_keys(share.epoch)
        opened.add(share)

    def cipher(self, epoch: Epoch, key_id: str) -> Cipher | None:
        """The cipher of events under this key; None if they are to be left out, since the key was given up (unless the
        epoch is open under it here: then it goes on) or is destroyed.

        Raises ``KeyLostError`` if those of the epoch that came before are under another key, ``KeyMissingError`` if the
        store does not have the key, ``KeyStoreError`` if it does not answer.
        """
        opened = self._open.get(epoch.number)
        if opened is not None and opened.key_id == key_id:
            return opened.cipher
        if self._parts.keys.is_lost(key_id):
            return None
        if opened is not None:
            raise _two_keys(epoch)
        try:
            return self._parts.keys.cipher(epoch, key_id)
        except EpochEndedError:
            return None

    def leave_out(self, epoch: Epoch, count: int, first: int, last: int) -> None:
        """Count events that cannot be taken, of these times (UTC ms), under a key that was given up or is destroyed.

        Nor are windows within the linger after released: without the event by which it left, a device seems to be there
        still.
        """
        self.left_out += count
        self._miss(epoch, first, last)

    def _miss(self, epoch: Epoch, first: int, last: int) -> None:
        self._gone.append((first, min(last + self._parts.linger, epoch.end - 1)))

    def miss_ended(self, watermark: int) -> None:
        """Say of the epochs of a snapshot whose keys are destroyed that all after ``watermark`` (UTC ms) is gone."""
        ended, self._ended = self._ended, []
        self._gone += [(max(watermark + 1, epoch.start), epoch.end - 1) for epoch in ended if watermark < epoch.end]

    def gone(self) -> list[tuple[int, int]]:
        """Hand over, as (first, last) in UTC ms, where windows lack what was under a key that was given up or is
        destroyed."""
        gone, self._gone = self._gone, []
        return gone

    def is_due(self, watermark: int) -> bool:
        """Whether :meth:`settle` is worth its cost now."""
        return any(opened.is_due(watermark) for opened in self._open.values())

    def settle(self, watermark: int) -> None:
        """Apply all that the watermark (ms) has reached; epochs that it has passed end, and their state is dropped."""
        zones = self._parts.places.zones
        for number, opened in sorted(self._open.items()):
            self._tallies += [tally._replace(key=opened.key_id) for tally in opened.settle(watermark, zones)]
            if opened.crowd.is_over:
                self.moves += opened.crowd.visits.moves
                del self._open[number]

    def closed(self) -> list[Tally]:
        """Hand over the tallies of the windows that have closed since the last call, in order of their end."""
        tallies, self._tallies = self._tallies, []
        return tallies

    def write(self, writer: Writer, *, waiting: bool = False) -> None:
        """Put a copy of the crowds into a snapshot, each sealed under its epoch's own key; of the events that wait only
        if ``waiting``."""
        writer.column("moves", self.moves)
        writer.value("epochs", list(self._open))
        for number, opened in self._open.items():
            opened.write(writer.under(f"epoch/{number}"), waiting=waiting)

    @classmethod
    def restored(cls, parts: ShardParts, reader: Reader) -> Epochs:
        """The epochs that :meth:`write` put into a snapshot; without those whose key was given up (:attr:`lost`) or is
        destroyed (:meth:`miss_ended`).

        Raises ``KeyMissingError`` if the store has not the key of another, ``KeyStoreError`` if it does not answer,
        ``ContractError`` if it does not open the snapshot.
        """
        epochs = cls(parts)
        epochs.moves = reader.column("moves")
        for number in reader.value("epochs"):
            inner, epoch = reader.under(f"epoch/{number}"), parts.calendar.epoch(number)
            key_id, waiting = inner.value("key"), inner.value("waiting")
            if parts.keys.is_lost(key_id):
                epochs.lost = True
                if waiting is not None:
                    epochs._miss(epoch, *waiting)
                continue
            try:
                cipher = parts.keys.cipher(epoch, key_id)
            except EpochEndedError:
                epochs._ended.append(epoch)
                continue
            epochs._open[number] = OpenEpoch.restored(parts, cipher, inner)
        return epochs


def _two_keys(epoch: Epoch) -> KeyLostError:
    return KeyLostError(
        f"epoch {epoch.label} has pseudonyms under two keys: the first was given up while it was in use here. The "
        "shard begins anew when it is restored"
    )
