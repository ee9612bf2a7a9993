"""The visit engine: each device's visits in every layer, from events in order of time, on numpy columns.

A visit begins with the first event in a zone and goes on with each event there. It ends in a *move*, the first event
in another zone, or in *silence*, ``linger`` after its last event. An event exactly then still continues the visit,
or is a move. Any event lies in some zone of every layer (``outside`` is one), so a device's last event is that of its
visit in all layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indicators.columns import Reader, Writer, grown
from indicators.counts import Counts, key_sums
from indicators.sorting import stable_order

#: No visit: never seen in this epoch, or silent.
NOWHERE = -1
_NEVER = np.iinfo(np.int64).min


class Ended(NamedTuple):
    """Visits that ended, in order of slot and time: int64 ``slots``; int32 ``zones``; ``first`` and ``last`` event and
    ``end``, int64 ms, (n,) each."""

    slots: NDArray[np.int64]
    zones: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    end: NDArray[np.int64]


class Changes(NamedTuple):
    """Visits that began and ended in one layer, one row a change.

    ``moved``: int64 slots that left ``moved_from`` for ``moved_to`` (int32 zones). ``fell_silent``: slots whose visit
    in ``silent_zone`` ended in silence. ``came``: slots whose visit in ``came_zone`` began with their first event of
    the epoch or after silence. A device may be in several rows. ``ended``: the visits that ended, if they are asked
    for.
    """

    moved: NDArray[np.int64]
    moved_from: NDArray[np.int32]
    moved_to: NDArray[np.int32]
    fell_silent: NDArray[np.int64]
    silent_zone: NDArray[np.int32]
    came: NDArray[np.int64]
    came_zone: NDArray[np.int32]
    ended: Ended | None = None


_NO_SLOTS = np.empty(0, np.int64)
_NO_ZONES = np.empty(0, np.int32)


class Visits:
    """The open visits of an epoch's devices: ``last`` (ms) a device, ``zone`` and ``first`` (ms) a device and layer.

    12 bytes a device and layer, and 8 a device. ``begun``, ``ended`` and ``moves`` count visits and moves of each
    layer (int64 (layers,)), never released: open visits = begun - ended, always.
    """

    def __init__(self, layers: int, linger: int, *, tell_ended: bool = False) -> None:
        """``layers``: how many; ``linger``: ms of silence after which a visit ends; ``tell_ended``: whether changes
        have the visits that ended."""
        self.linger = linger
        self._tell_ended = tell_ended
        self.last = np.full(0, _NEVER, np.int64)
        self.zone = np.full((layers, 0), NOWHERE, np.int32)
        self.first = np.zeros((layers, 0), np.int64)
        self.begun = np.zeros(layers, np.int64)
        self.ended = np.zeros(layers, np.int64)
        self.moves = np.zeros(layers, np.int64)

    def make_room(self, devices: int) -> None:
        """Have a row for each of the slots 0 to ``devices - 1``."""
        if devices > len(self.last):
            self.last = grown(self.last, devices, _NEVER)
            self.zone = grown(self.zone, devices, NOWHERE)
            self.first = grown(self.first, devices, 0)

    @property
    def any_open(self) -> bool:
        """Whether some visit is open (a device with one has one in every layer)."""
        return self.opened(0) > 0

    def see(self, slots: NDArray[np.int64], times: NDArray[np.int64], zones: NDArray[np.int32]) -> list[Changes]:
        """Apply events in order of time; returns the changes of each layer.

        ``slots``: int64 (n,), rows exist; ``times``: int64 (n,) ms, ascending and not before any event applied
        earlier; ``zones``: int32 (n, layers).
        """
        by_device = stable_order(slots)
        slot, time = slots[by_device], times[by_device]
        opens = np.empty(len(slot), bool)
        opens[:1] = True
        np.not_equal(slot[1:], slot[:-1], out=opens[1:])
        closes = np.empty(len(slot), bool)
        closes[:-1] = opens[1:]
        closes[-1:] = True

        before = np.empty(len(slot), np.int64)
        before[1:] = time[:-1]
        before[opens] = self.last[slot[opens]]
        new = before == _NEVER
        silent = ~new & (time > np.where(new, 0, before) + self.linger)
        changes = []
        for layer in range(len(self.zone)):
            zone = zones[by_device, layer]
            changes.append(self._see_layer(layer, slot, time, before, zone, opens, closes, silent))
        self.last[slot[closes]] = time[closes]
        return changes

    def _see_layer(
        self,
        layer: int,
        slot: NDArray[np.int64],
        time: NDArray[np.int64],
        before: NDArray[np.int64],
        zone: NDArray[np.int32],
        opens: NDArray[np.bool_],
        closes: NDArray[np.bool_],
        silent: NDArray[np.bool_],
    ) -> Changes:
        column, first = self.zone[layer], self.first[layer]
        was = np.empty(len(slot), np.int32)
        was[1:] = zone[:-1]
        was[opens] = column[slot[opens]]
        column[slot[closes]] = zone[closes]
        rows = np.flatnonzero((was != zone) | silent)
        slot, time, zone, was, silent = slot[rows], time[rows], zone[rows], was[rows], silent[rows]
        ended = None
        if self._tell_ended:
            began = first[slot]
            again = np.flatnonzero(slot[1:] == slot[:-1]) + 1
            began[again] = time[again - 1]
            last = before[rows]
            over = was != NOWHERE
            end = np.where(silent, last + self.linger, time)
            ended = Ended(slot[over], was[over], began[over], last[over], end[over])
        first[slot] = time

        came = silent | (was == NOWHERE)
        moved = ~came
        hushed = silent & (was != NOWHERE)
        self.begun[layer] += len(rows)
        self.ended[layer] += np.count_nonzero(was != NOWHERE)
        self.moves[layer] += np.count_nonzero(moved)
        return Changes(slot[moved], was[moved], zone[moved], slot[hushed], was[hushed], slot[came], zone[came], ended)

    def end_silent(self, instant: int) -> list[Changes]:
        """End every visit whose silence ended before ``instant`` (ms); all events up to there have been applied."""
        over = np.flatnonzero((self.zone[0] != NOWHERE) & (self.last < instant - self.linger))
        changes = []
        for layer, column in enumerate(self.zone):
            zones = column[over]
            column[over] = NOWHERE
            self.ended[layer] += len(over)
            ended = None
            if self._tell_ended:
                last = self.last[over]
                ended = Ended(over, zones, self.first[layer][over], last, last + self.linger)
            changes.append(Changes(_NO_SLOTS, _NO_ZONES, _NO_ZONES, over, zones, _NO_SLOTS, _NO_ZONES, ended))
        return changes

    def opened(self, layer: int) -> int:
        """How many visits of a layer are open."""
        return int(self.begun[layer] - self.ended[layer])

    def open_in(self, layer: int) -> Ended:
        """The visits of a layer that are open, in order of slot; their ``end`` is not known and that of their last
        event."""
        slots = np.flatnonzero(self.zone[layer] != NOWHERE)
        last = self.last[slots]
        return Ended(slots, self.zone[layer][slots], self.first[layer][slots], last, last)

    def present(self, layer: int, zones: int, record_keys: NDArray[np.uint32]) -> Counts:
        """The devices with an open visit in each of the ``zones`` of a layer; ``record_keys``: uint32 (slots,)."""
        column = self.zone[layer]
        slots = np.flatnonzero(column != NOWHERE)
        zone = column[slots]
        people = np.bincount(zone, minlength=zones)
        cells = np.flatnonzero(people)
        return Counts(cells, people[cells].astype(np.int64), key_sums(zone, record_keys[slots], zones)[cells])

    def write(self, writer: Writer, devices: int) -> None:
        """Put a copy of the first ``devices`` rows and the counters into a snapshot."""
        writer.column("last", self.last[:devices])
        writer.column("zone", self.zone[:, :devices])
        writer.column("first", self.first[:, :devices])
        writer.column("begun", self.begun)
        writer.column("ended", self.ended)
        writer.column("moves", self.moves)

    def read(self, reader: Reader) -> None:
        """Take over what :meth:`write` put into a snapshot."""
        self.last = reader.column("last")
        self.zone = reader.column("zone")
        self.first = reader.column("first")
        self.begun = reader.column("begun")
        self.ended = reader.column("ended")
        self.moves = reader.column("moves")
