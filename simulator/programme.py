"""The programme of the festival: its days, where people like to be at which hour, the trains.

A festival minute counts from START, 04:00 local time on Saturday 28 June 2014; Sunday begins at minute 1440 and the
festival ends at minute MINUTES. Local time is UTC+2 throughout.
"""

import numpy as np
from numpy.typing import NDArray

MINUTE = 60_000
"""Milliseconds in a minute."""

HOUR = 60 * MINUTE
DAY = 1440
"""Minutes in a day; neither night of the festival changes the clock."""

START = 1_403_920_800_000
"""28 June 2014, 04:00 in Paris, ms since the epoch."""

MINUTES = 2 * DAY
END = START + MINUTES * MINUTE
"""30 June 2014, 04:00 in Paris."""


def at(time: str, day: int = 0) -> int:
    """Festival minute of the local time "HH:MM" of an epoch day (0 Saturday, 1 Sunday); 00:00-03:59 end that day."""
    hour, minute = time.split(":")
    return day * DAY + (int(hour) * 60 + int(minute) - 240) % DAY


FIREWORKS = START + at("23:00") * MINUTE
"""The fireworks over the beach on Saturday night, ms since the epoch."""

EVENING = START + at("19:00") * MINUTE
"""Saturday 19:00, a good start for a short demo: the concert fills the seafront, then the fireworks the beach."""

TOWN_AREAS = ("beach", "seafront", "centre", "old-port", "town")
"""The areas among which a visitor strolls; the columns of PULL."""

SLOTS = np.array([0, 300, 480, 600, 870, 990, 1185], dtype=np.int64)
"""Minutes of the day (from 04:00) at which the pull of the areas changes."""

PULL: NDArray[np.float64] = np.array(
    [
        [0.05, 0.05, 0.20, 0.10, 0.60],  # 04:00 the town sleeps
        [0.12, 0.13, 0.55, 0.10, 0.10],  # 09:00 market
        [0.20, 0.35, 0.25, 0.15, 0.05],  # 12:00 lunch along the seafront
        [0.60, 0.18, 0.08, 0.10, 0.04],  # 14:00 bathing
        [0.20, 0.50, 0.15, 0.10, 0.05],  # 18:30 supper, first concerts
        [0.12, 0.68, 0.10, 0.07, 0.03],  # 20:30 the main stage
        [0.15, 0.60, 0.15, 0.05, 0.05],  # 23:45 after the fireworks
    ]
)
"""Share of the strolling crowd that each area draws, a row per slot; each row sums to 1."""


def _trains(past: int, last: tuple[str, ...]) -> NDArray[np.int64]:
    """A train an hour from 07:00 to 21:59 at `past` minutes, and the late ones of each night."""
    saturday = [at(f"{hour:02d}:{past:02d}") for hour in range(7, 22)] + [at(time) for time in last]
    sunday = [at(f"{hour:02d}:{past:02d}", 1) for hour in range(7, 22)] + [at("22:50", 1)]
    return np.array(saturday + sunday, dtype=np.int64)


ARRIVALS = {"north": _trains(12, ()), "south": _trains(41, ())}
"""Festival minutes at which trains from La Rochelle (north) and from Rochefort (south) stop at the station."""

DEPARTURES = {
    "north": _trains(44, ("22:20", "00:10", "01:00")),
    "south": _trains(14, ("22:05", "00:20", "01:10")),
}
"""The same for trains to La Rochelle and to Rochefort, with the special trains after the fireworks."""


def next_train(trains: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first train at or after each wanted minute; the last one where there is none."""
    return trains[np.minimum(np.searchsorted(trains, wanted), trains.size - 1)]
