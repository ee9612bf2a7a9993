"""Trips: from stop to stop.

A stop is a visit of at least ``indicators.trip_stay`` from its first to its last event: passing through a zone is none.
Two stops of a device in a row, within an epoch and in different zones, are a trip from the one to the other;
``outside`` may be one end. It counts in the local day in which the second is found to be a stop: when that visit ends,
or at the end of the day if it goes on. A device counts once for a pair of zones and a day. Released once a day, with
the great-circle distance of the zones' centres. Unit: devices. (Spain's MITMA takes stays of 20 minutes as the ends of
trips, too.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.visits import NOWHERE, Ended


def trips(stops: NDArray[np.int32], visits: Ended, trip_stay: int, zones: int) -> tuple[NDArray[np.int64], ...]:
    """The trips that end with these visits, as slots, int64 (n,), and pairs ``from * zones + to``, int64 (n,).

    ``stops``: int32 (slots,), each device's last stop, which is changed; ``visits``: by slot, each device's in order of
    time; ``trip_stay``: ms.
    """
    long = visits.last - visits.first >= trip_stay
    slots, to = visits.slots[long], visits.zones[long].astype(np.int64)
    origin = np.empty(len(slots), np.int64)
    origin[1:] = to[:-1]
    fresh = np.ones(len(slots), bool)
    np.not_equal(slots[1:], slots[:-1], out=fresh[1:])
    origin[fresh] = stops[slots[fresh]]
    stops[slots] = to
    moved = (origin != NOWHERE) & (origin != to)
    return slots[moved], origin[moved] * zones + to[moved]
