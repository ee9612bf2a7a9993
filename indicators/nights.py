"""Nights: where people spent the night.

A device's night zone is the zone, ``outside`` included, in which it stayed longest between ``indicators.night_from``
and ``indicators.night_until``, of several the first of the layer, if that is at least ``indicators.night_stay``. Stays
are those of presence: a visit lasts until the move, or until ``time.linger`` after its last event. Released once a day,
by zone and by origin. Unit: devices, that is nights. (Eurostat's multimno and Flux Vision's *nuitees* take the longest
stay of the night as well.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.stays import DayStays, longest_zone


def night_zones(stays: DayStays, night_stay: int, devices: int) -> NDArray[np.int32]:
    """Each device's night zone: int32 (devices,), -1 for none. ``night_stay``: the least stay, ms."""
    return longest_zone(stays.slots, stays.zones, stays.night, night_stay, devices)
