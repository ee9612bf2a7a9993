"""Stays: how long each device was in each zone in one local day, and in its night.

A visit's stay is from its first event to its end: the move, or when its silence ended, as long as presence counts it.
What of it lies in the day is added up over all visits of a device in a zone, also 0, so that every device that was
present in the zone that day has a stay there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indicators.sums import Sums
from indicators.visits import Ended


class DayStays(NamedTuple):
    """The stays of a day, by slot, then zone: int64 ``slots``, int64 ``zones``; ``stay`` and ``night``, int64 ms, (n,)
    each."""

    slots: NDArray[np.int64]
    zones: NDArray[np.int64]
    stay: NDArray[np.int64]
    night: NDArray[np.int64]

    def rows(self, which: NDArray[np.bool_]) -> DayStays:
        """The stays where ``which``, bool (n,), holds."""
        return DayStays(self.slots[which], self.zones[which], self.stay[which], self.night[which])


class Span(NamedTuple):
    """A local day and its night, UTC ms: ``[start, end)`` and ``[dusk, dawn)``."""

    start: int
    end: int
    dusk: int
    dawn: int


def add_stays(sums: Sums, visits: Ended, zones: int, day: Span) -> None:
    """Add what of visits lies in the day. ``zones``: how many the layer has, ``outside`` included."""
    times = np.stack(
        [
            np.minimum(visits.end, day.end) - np.maximum(visits.first, day.start),
            np.minimum(visits.end, day.dawn) - np.maximum(visits.first, day.dusk),
        ]
    )
    sums.add(visits.slots * zones + visits.zones, np.maximum(times, 0).astype(np.int32))


def stays_of(sums: Sums, zones: int) -> DayStays:
    """The stays of all devices that were added up."""
    pairs, times = sums.total()
    slots, zone = np.divmod(pairs, zones)
    return DayStays(slots, zone, *times.astype(np.int64))


def longest_zone(
    slots: NDArray[np.int64], zones: NDArray[np.int64], weights: NDArray[np.int64], least: int, devices: int
) -> NDArray[np.int32]:
    """The zone in which each device has the largest weight, at least ``least``, the lowest of several; -1 for none.

    ``slots``, ``zones``, ``weights``: int64 (n,), by slot, then zone; int32 (devices,).
    """
    found = np.full(devices, -1, np.int32)
    if len(slots):
        first = np.flatnonzero(np.concatenate([[True], slots[1:] != slots[:-1]]))
        largest = np.repeat(np.maximum.reduceat(weights, first), np.diff(first, append=len(slots)))
        best = np.flatnonzero((weights == largest) & (weights >= max(least, 1)))
        # backwards, so that the lowest zone of a device is the one that stays
        found[slots[best[::-1]]] = zones[best[::-1]]
    return found
