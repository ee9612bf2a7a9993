"""The crowd of one epoch: its devices, their visits and the open windows of every width; events in, tallies out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indicators.calendar import DAY_MS, Calendar, Epoch, Window
from indicators.columns import Reader, Writer, grown
from indicators.counts import Tally
from indicators.day import Day
from indicators.devices import Devices
from indicators.plan import Plan
from indicators.slots import SlotTable
from indicators.visits import Changes, Visits
from indicators.windows import OpenWindow

#: The origin of a device that no event was applied of.
_NOT_KNOWN = -1


class EpochCrowd:
    """All that is known of one epoch's devices. It ends with the epoch: nothing is carried into the next.

    Events are applied in order of time up to an instant, then windows that end there close: a function of the events
    and instants alone, however they are cut into calls.
    """

    def __init__(
        self, calendar: Calendar, epoch: Epoch, zones: Sequence[int], linger: int, plan: Plan | None = None
    ) -> None:
        """``zones``: for each layer, how many zones it has, ``outside`` included; ``linger``: ms; ``plan``: what is
        counted besides presence and flows."""
        self.epoch = epoch
        self.slots = SlotTable()
        self.record_keys = np.zeros(0, np.uint32)
        self.origins = np.full(0, _NOT_KNOWN, np.int16)
        self._plan = plan or Plan()
        self.visits = Visits(len(zones), linger, tell_ended=self._plan.tells_ended)
        self._day = Day(self._plan, calendar, epoch, zones) if self._plan.daily else None
        self._calendar = calendar
        self._zones = tuple(zones)
        self._boundaries = calendar.boundaries(epoch)
        self._reached = 0
        self._windows: dict[int, OpenWindow] = {}

    @property
    def next_boundary(self) -> int:
        """The instant (UTC ms) at which the next window ends."""
        return self._boundaries[min(self._reached, len(self._boundaries) - 1)]

    @property
    def is_over(self) -> bool:
        """Every window of the epoch has closed."""
        return self._reached == len(self._boundaries)

    def slots_of(self, pseudonyms: NDArray[np.uint64], record_keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The slots of devices, (n,) each; new ones are entered with their record keys."""
        before = len(self.slots)
        slots = self.slots.slots_of(pseudonyms)
        if len(self.slots) > before:
            self._make_room()
            new = slots >= before
            self.record_keys[slots[new]] = record_keys[new]
        return slots

    def _make_room(self) -> None:
        if len(self.slots) > len(self.record_keys):
            self.record_keys = grown(self.record_keys, len(self.slots), 0)
            if self._plan.needs_origins:
                self.origins = grown(self.origins, len(self.record_keys), _NOT_KNOWN)
        if self._day is not None:
            self._day.make_room(len(self.slots))

    def apply(
        self,
        slots: NDArray[np.int64],
        times: NDArray[np.int64],
        zones: NDArray[np.int32],
        upto: int,
        origins: NDArray[np.int16] | None = None,
    ) -> list[Tally]:
        """Apply events and close what ended; returns the tallies of the closed windows, in order of their end.

        ``slots``: int64 (n,) of :attr:`slots`; ``times``: int64 (n,) ms of this epoch, ascending, after the ``upto``
        of the call before; ``zones``: int32 (n, layers); ``upto``: every event up to this instant (ms) is here;
        ``origins``: int16 (n,), where the device of each event is from, whose first one decides. Raises ``ValueError``
        without them if the plan needs them.
        """
        self.visits.make_room(len(self.slots))
        self._make_room()
        if self._plan.needs_origins:
            self._note_origins(slots, origins)
        tallies: list[Tally] = []
        done = 0
        while not self.is_over and (boundary := self.next_boundary) <= upto:
            if done == len(times) and not self.visits.any_open and not self._windows:
                self._reached = bisect_right(self._boundaries, upto)
                break
            until = int(np.searchsorted(times, boundary, side="left"))
            self._see(slots[done:until], times[done:until], zones[done:until])
            done = until
            tallies += self._close(boundary)
        self._see(slots[done:], times[done:], zones[done:])
        return tallies

    def _note_origins(self, slots: NDArray[np.int64], origins: NDArray[np.int16] | None) -> None:
        if origins is None:
            raise ValueError("the plan counts by origin: the origins of the events are needed")
        new = self.origins[slots] == _NOT_KNOWN
        # backwards, so that of several events of a device the first is the one that stays
        self.origins[slots[new][::-1]] = origins[new][::-1]

    def _see(self, slots: NDArray[np.int64], times: NDArray[np.int64], zones: NDArray[np.int32]) -> None:
        if len(slots):
            self._open(int(times[0]))
            self._note(self.visits.see(slots, times, zones), int(times[0]))

    def _open(self, ts: int) -> None:
        """Have a window of every width that holds ``ts``; presence needs one wherever a visit is open."""
        for width in self._calendar.widths:
            if width not in self._windows:
                self._windows[width] = OpenWindow(self._calendar.window_of(width, ts), self._zones, self._plan)

    def _note(self, changes: list[Changes], ts: int) -> None:
        """Take in what happened within the windows that are open, and the day that holds ``ts``."""
        for layer, changed in enumerate(changes):
            for window in self._windows.values():
                window.add(layer, changed)
            if self._day is not None:
                self._day.add(layer, changed, ts)

    def _close(self, boundary: int) -> list[Tally]:
        self._reached += 1
        if self.visits.any_open:
            self._open(boundary - 1)
            self._note(self.visits.end_silent(boundary), boundary - 1)
        devices = Devices(self.record_keys, self.origins)
        tallies = []
        for width, window in list(self._windows.items()):
            if window.window.end == boundary:
                del self._windows[width]
                for layer in range(len(self._zones)):
                    tally = window.close(layer, self.visits, devices)
                    if tally is not None and width == DAY_MS and self._day is not None:
                        daily = self._day.close(layer, self.visits, devices, window.window.start)
                        tally = tally._replace(counts={**tally.counts, **daily})
                    if tally is not None:
                        tallies.append(tally)
                if width == DAY_MS and self._day is not None:
                    self._day.begin_next(self.visits)
        return tallies

    def write(self, writer: Writer) -> None:
        """Put a copy of the whole state into a snapshot."""
        writer.value("epoch", self.epoch.number)
        writer.value("reached", self._reached)
        writer.final("pseudonyms", self.slots.pseudonyms)
        self._make_room()
        writer.column("record_keys", self.record_keys[: len(self.slots)])
        if self._plan.needs_origins:
            writer.column("origins", self.origins[: len(self.slots)])
        if self._day is not None:
            self._day.write(writer.under("day"), len(self.slots))
        self.visits.make_room(len(self.slots))
        self.visits.write(writer.under("visits"), len(self.slots))
        writer.value("widths", list(self._windows))
        for width, window in self._windows.items():
            window.write(writer.under(f"window/{width}"))

    @classmethod
    def restored(
        cls, calendar: Calendar, zones: Sequence[int], linger: int, reader: Reader, plan: Plan | None = None
    ) -> EpochCrowd:
        """The crowd that :meth:`write` put into a snapshot, under the same settings."""
        crowd = cls(calendar, calendar.epoch(reader.value("epoch")), zones, linger, plan)
        crowd._reached = reader.value("reached")
        crowd.slots = SlotTable(reader.column("pseudonyms"))
        crowd.record_keys = reader.column("record_keys")
        if crowd._plan.needs_origins:
            crowd.origins = reader.column("origins")
        if crowd._day is not None:
            crowd._day.read(reader.under("day"))
        crowd.visits.read(reader.under("visits"))
        for width in reader.value("widths"):
            inner = reader.under(f"window/{width}")
            window = OpenWindow(Window(*inner.value("window")), zones, crowd._plan)
            window.read(inner)
            crowd._windows[width] = window
        return crowd
