"""Where the day of those began who are in a zone that day."""

from collections.abc import Iterator

from foule.oracle.days import Span
from foule.oracle.track import Mark, Track


def began_in(track: Track, day: Span) -> str:
    """The zone, or outside, of the visit that was open when the day began, or else of the device's first event of it.

    A visit is open when a day begins if it began before, and did not end before. The device is present that day.
    """
    for visit in track.visits:
        if visit.first < day.start <= visit.end:
            return visit.zone
    return next(zone for ts, zone in track.seen if ts >= day.start)


def catchment_marks(track: Track) -> Iterator[Mark]:
    """``catchment``: of each local day and zone, but for outside, in which the device is present, with the zone in
    which its day began."""
    for day, zone in track.present_by_day():
        yield day, "catchment", (zone, began_in(track, day))
