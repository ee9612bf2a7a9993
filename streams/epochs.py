"""The epochs that a shard has open: events that wait for the watermark, and the crowds that they are applied to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.errors import KeyLostError
from indicators.calendar import Epoch
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd
from indicators.sorting import stable_order
from streams.intake import Share
from streams.parts import ShardParts

_SETTLE_AT = 1 << 14


class _Waiting(NamedTuple):
    """Buffered events as they came: int64 ``offsets`` and ``times``, int32 ``slots`` and ``places``, (n,)."""

    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    slots: NDArray[np.int32]
    places: NDArray[np.int32]

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> _Waiting:
        return _Waiting(self.offsets[which], self.times[which], self.slots[which], self.places[which])


class OpenEpoch:
    """One epoch of one shard: its crowd, and the events that wait, as slots of pseudonyms under the key ``key_id``."""

    def __init__(self, crowd: EpochCrowd, key_id: str) -> None:
        self.crowd = crowd
        self.key_id = key_id
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
        self._chunks.append(_Waiting(share.offsets, share.times, slots.astype(np.int32), share.places))
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
        due = _Waiting(none, none, none.astype(np.int32), none.astype(np.int32))
        if self._chunks:
            waiting = _Waiting(*map(np.concatenate, zip(*self._chunks, strict=True)))
            ripe = waiting.times <= watermark
            due, kept = waiting.rows(ripe), waiting.rows(~ripe)
            self._chunks = [kept] if len(kept.times) else []
            self._kept, self._fresh = len(kept.times), 0
            if not (due.offsets[1:] > due.offsets[:-1]).all():
                due = due.rows(np.argsort(due.offsets))
            due = due.rows(stable_order(due.times))
        return self.crowd.apply(due.slots.astype(np.int64), due.times, zones[due.places], watermark)

    def write_waiting(self, writer: Writer) -> None:
        """Put a copy of the events that wait into a snapshot."""
        waiting = [_Waiting(*map(np.concatenate, zip(*self._chunks, strict=True)))] if self._chunks else []
        writer.value("waiting", bool(waiting))
        for columns in waiting:
            for name, column in columns._asdict().items():
                writer.column(name, column)

    def read_waiting(self, reader: Reader) -> None:
        """Take back what :meth:`write_waiting` wrote."""
        if reader.value("waiting"):
            self._chunks = [_Waiting(*(reader.column(name) for name in _Waiting._fields))]
            self._kept = len(self._chunks[0].times)


def waiting_times(reader: Reader) -> NDArray[np.int64]:
    """The times of the events that :meth:`OpenEpoch.write_waiting` wrote, (n,) in UTC ms."""
    return reader.column("times") if reader.value("waiting") else np.empty(0, np.int64)


class Epochs:
    """The open epochs of one shard, and the tallies of their windows.

    ``lost``: a snapshot had an epoch whose key was given up, and which began anew here; ``left_out``: events that came
    under such a key.
    """

    def __init__(self, parts: ShardParts) -> None:
        self.moves = np.zeros(len(parts.places.layers), np.int64)
        self._parts = parts
        self._open: dict[int, OpenEpoch] = {}
        self._tallies: list[Tally] = []
        self.lost = False
        self.left_out = 0
        self._gone: list[tuple[int, int]] = []

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
            self.left_out += len(share.offsets)
            self._miss(share.times)
            return
        if opened is None:
            parts = self._parts
            crowd = EpochCrowd(parts.calendar, share.epoch, parts.zones, parts.linger)
            opened = self._open[share.epoch.number] = OpenEpoch(crowd, share.key_id)
        if opened.key_id != share.key_id:
            raise KeyLostError(
                f"epoch {share.epoch.label} has pseudonyms under two keys: the first was given up while it was in use "
                "here. The shard begins anew when it is restored"
            )
        opened.add(share)

    def _miss(self, times: NDArray[np.int64]) -> None:
        if len(times):
            self._gone.append((int(times.min()), int(times.max())))

    def gone(self) -> list[tuple[int, int]]:
        """Hand over, as (first, last) in UTC ms, where events under a lost key are gone that will not come again."""
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
        """Put a copy of the crowds into a snapshot; of the events that wait only if ``waiting``."""
        writer.column("moves", self.moves)
        writer.value("epochs", list(self._open))
        for number, opened in self._open.items():
            inner = writer.under(f"epoch/{number}")
            inner.value("key", opened.key_id)
            opened.crowd.write(inner)
            if waiting:
                opened.write_waiting(inner.under("waiting"))

    @classmethod
    def restored(cls, parts: ShardParts, reader: Reader, *, waiting: bool = False) -> Epochs:
        """The epochs that :meth:`write` put into a snapshot; without those whose key was given up (:attr:`lost`)."""
        epochs = cls(parts)
        epochs.moves = reader.column("moves")
        for number in reader.value("epochs"):
            inner = reader.under(f"epoch/{number}")
            if parts.keys.is_lost(inner.value("key")):
                epochs.lost = True
                if waiting:
                    epochs._miss(waiting_times(inner.under("waiting")))
                continue
            crowd = EpochCrowd.restored(parts.calendar, parts.zones, parts.linger, inner)
            epochs._open[number] = OpenEpoch(crowd, inner.value("key"))
            if waiting:
                epochs._open[number].read_waiting(inner.under("waiting"))
        return epochs
