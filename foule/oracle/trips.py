"""The trips of a device: from one place where it stayed for a while to the next."""

from collections.abc import Iterator
from itertools import pairwise

from foule.oracle.days import Span
from foule.oracle.track import Mark, Track
from foule.oracle.visits import Visit


def stop_day(track: Track, visit: Visit) -> Span | None:
    """The local day in which a visit is first found to be a stop; None if it is none.

    It is a stop if from its first event to its last there is ``trip_stay`` at least. It is looked at when a local day
    ends while it is open, which it is also at the very instant of its end, with the last event that came before; and
    when it ends.
    """
    # a visit may end with a day's first instant, at which there may be an event of it, too
    for day in track.days.local_days(visit.first, min(visit.end + 1, track.epoch.end)):
        last = visit.last
        if last >= day.end:
            last = max(ts for ts, _ in track.seen if visit.first <= ts < day.end)
        if last - visit.first >= track.parameters.trip_stay:
            return day
    return None


def trip_marks(track: Track) -> Iterator[Mark]:
    """``trips``: two stops in a row in different zones, outside included, on the day in which the second is found.

    What lies between them, visits that are no stops and silences, is of no matter.
    """
    found = [(visit.zone, day) for visit in track.visits if (day := stop_day(track, visit)) is not None]
    for (origin, _), (to, day) in pairwise(found):
        if origin != to:
            yield day, "trips", (origin, to)
