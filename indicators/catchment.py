"""Catchment: from where those come who are in a zone.

The devices that were present in a zone on a local day, by the zone in which their day began: that of the visit that was
open when the day began, else of the device's first event of the day; ``outside`` is one. Small ones are published
together as ``other``. Released once a day. Unit: devices by the zone in which their day began.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.visits import NOWHERE, Changes, Ended


def begin_day(began: NDArray[np.int32], visits: Ended) -> None:
    """Forget where the last day began; who is in a visit begins the new day there. ``began``: int32 (slots,)."""
    began[:] = NOWHERE
    began[visits.slots] = visits.zones


def note_began(began: NDArray[np.int32], changes: Changes) -> None:
    """Note the zones of devices that were not seen that day before; their changes are in order of time."""
    new = began[changes.came] == NOWHERE
    # backwards, so that of several zones of a device the first is the one that stays
    began[changes.came[new][::-1]] = changes.came_zone[new][::-1]
