"""Visitor categories: residents, tourists, day visitors and people in transit, as Flux Vision tells them apart.

Each device that was present in a zone on a local day is there, and that day, the first of these that holds:

1. ``resident``: its home area is that of the zone (its origin there is ``local``);
2. ``habitual``: it was present in the zone on at least ``indicators.habitual_days`` earlier days of the epoch (an epoch
   of one day has none);
3. ``tourist``: its night zone of the day is this zone;
4. ``visitor``: its stays in the zone that day add up to ``indicators.visit_stay`` at least;
5. ``transit``: none of these.

So they part the devices of a zone and day; small ones are published together as ``other``. Released once a
day. Unit: devices by category.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

CATEGORIES: Final = ("resident", "habitual", "tourist", "visitor", "transit")


def categories(
    local: NDArray[np.bool_],
    habitual: NDArray[np.bool_],
    sleeps: NDArray[np.bool_],
    stay: NDArray[np.int64],
    visit_stay: int,
) -> NDArray[np.int64]:
    """The category, by its place in :data:`CATEGORIES`, of each device and zone, (n,) each.

    ``local``: the zone is in its home area; ``habitual``: it came on enough earlier days; ``sleeps``: its night zone is
    this one; ``stay``: int64 ms of the day; ``visit_stay``: the least stay of a visitor, ms.
    """
    rules = [local, habitual, sleeps, stay >= visit_stay]
    return np.select(rules, range(len(rules)), len(rules)).astype(np.int64)
