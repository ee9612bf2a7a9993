"""How long a device stays where in a day, and in which zone it spends the night."""

from collections.abc import Iterator

from foule.oracle.days import Span
from foule.oracle.track import Mark, Track
from zones import OUTSIDE


def stays(track: Track, span: Span) -> dict[str, int]:
    """The time (ms) in each zone within ``span``: of each visit what lies in it of [first, end).

    ``end`` is where the visit is known to end: with a move, ``linger`` after its last event, or with the epoch. So a
    visit that is open when a day ends counts to the end of the day. Zones without any time are left out.
    """
    found: dict[str, int] = {}
    for visit in track.visits:
        time = min(visit.end, span.end) - max(visit.first, span.start)
        if time > 0:
            found[visit.zone] = found.get(visit.zone, 0) + time
    return found


def night_zone(track: Track, day: Span) -> str | None:
    """The zone, or outside, with the longest stay in the night of the day, of several the first of the layer; None if
    the stay is shorter than ``night_stay``, or nothing."""
    tonight = stays(track, track.days.night(day))
    if not tonight:
        return None
    zone = min(tonight, key=lambda zone: (-tonight[zone], track.zoning.place(zone)))
    return zone if tonight[zone] >= track.parameters.night_stay else None


def night_marks(track: Track) -> Iterator[Mark]:
    """``nights``: the night zone of each local day, unless it is outside."""
    for day in track.local_days:
        zone = night_zone(track, day)
        if zone is not None and zone != OUTSIDE:
            yield day, "nights", zone
