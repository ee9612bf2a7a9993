"""What is remembered of devices from one local day of an epoch to the next: only epochs of several days have it.

Three indicators rest on it, each released once a day, in devices:

- *recurrence*: those present in a zone, by the number of local days of the epoch, up to this one, on which they were
  there;
- *sojourns*: those whose night zone it is, by the number of days in a row, up to this one, that it was;
- *usual*: those present anywhere that day whose usual zone it is: the one that was their night zone most often in the
  epoch so far, of several the first of the layer, and at least ``indicators.usual_nights`` times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.columns import Reader, Writer
from indicators.sorting import distinct
from indicators.stays import DayStays, longest_zone
from indicators.visits import NOWHERE

_COLUMNS = ("days", "nights", "row", "last")
_NEVER = -2


class Memory:
    """For each device and zone of a layer in which it was: on how many ``days``, how many ``nights``, how many of them
    in a ``row``, and the ``last`` of them (the number of its day in the epoch)."""

    def __init__(self, zones: int) -> None:
        """``zones``: how many the layer has, ``outside`` included; a pair is ``slot * zones + zone``."""
        self._zones = zones
        self._pairs = np.empty(0, np.int64)
        self._columns = {name: np.empty(0, np.int16) for name in _COLUMNS}

    def days_before(self, stays: DayStays) -> NDArray[np.int64]:
        """On how many earlier days each device was in the zone of its stay: int64 (n,)."""
        return self._of("days", stays.slots * self._zones + stays.zones)

    def nights_in_a_row(self, slots: NDArray[np.int64], zones: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many nights in a row up to the last one devices spent in zones, int64 (n,) each: int64 (n,)."""
        return self._of("row", slots * self._zones + zones)

    def _of(self, column: str, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.zeros(len(pairs), np.int64)
        if len(self._pairs):
            at = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
            known = self._pairs[at] == pairs
            found[known] = self._columns[column][at[known]]
        return found

    def add_day(self, day: int, stays: DayStays, nights: NDArray[np.int32]) -> None:
        """Remember a day. ``day``: its number in the epoch; ``nights``: each device's night zone, -1 for none."""
        today = stays.slots * self._zones + stays.zones
        pairs = distinct(np.concatenate([self._pairs, today]))
        columns = {name: np.zeros(len(pairs), np.int16) for name in _COLUMNS}
        columns["last"][:] = _NEVER
        old = np.searchsorted(pairs, self._pairs)
        for name, column in columns.items():
            column[old] = self._columns[name]
        here = np.searchsorted(pairs, today)
        columns["days"][here] += 1
        at = here[nights[stays.slots] == stays.zones]
        columns["row"][at] = np.where(columns["last"][at] == day - 1, columns["row"][at] + 1, 1)
        columns["nights"][at] += 1
        columns["last"][at] = day
        self._pairs, self._columns = pairs, columns

    def usual_zones(self, usual_nights: int, devices: int) -> NDArray[np.int32]:
        """Each device's usual zone so far: int32 (devices,), -1 for none. ``usual_nights``: the least number."""
        slots, zones = np.divmod(self._pairs, self._zones)
        return longest_zone(slots, zones, self._columns["nights"].astype(np.int64), usual_nights, devices)

    def write(self, writer: Writer) -> None:
        """Put it into a snapshot; its columns are replaced with each day, never changed."""
        writer.final("pairs", self._pairs)
        for name, column in self._columns.items():
            writer.final(name, column)

    def read(self, reader: Reader) -> None:
        """Take over what :meth:`write` put into a snapshot."""
        self._pairs = reader.column("pairs")
        self._columns = {name: reader.column(name) for name in _COLUMNS}


def usual(usual_zones: NDArray[np.int32], stays: DayStays, outside: int) -> NDArray[np.int64]:
    """The slots of the devices that were anywhere that day and have a usual zone other than ``outside``: int64 (n,)."""
    slots = distinct(stays.slots)
    zones = usual_zones[slots]
    somewhere: NDArray[np.int64] = slots[(zones != NOWHERE) & (zones != outside)]
    return somewhere
