"""What only an epoch of several days shows: who comes again, who stays on, and where devices usually sleep."""

from collections import Counter
from collections.abc import Iterator

from foule.oracle.bins import number_bin
from foule.oracle.stays import night_zone
from foule.oracle.track import Mark, Track
from zones import OUTSIDE


def recurrence_marks(track: Track) -> Iterator[Mark]:
    """``recurrence``: of each local day and zone, but for outside, in which the device is present, on how many days of
    the epoch so far it was there."""
    for day, zone in track.present_by_day():
        yield day, "recurrence", (zone, number_bin(track.days_present(zone, day)))


def sojourn_marks(track: Track) -> Iterator[Mark]:
    """``sojourns``: the night zone of each local day, unless it is outside, and for how many days in a row of the epoch
    it has been."""
    before, nights = None, 0
    for day in track.local_days:
        zone = night_zone(track, day)
        nights = nights + 1 if zone == before else 1
        before = zone
        if zone is not None and zone != OUTSIDE:
            yield day, "sojourns", (zone, number_bin(nights))


def usual_marks(track: Track) -> Iterator[Mark]:
    """``usual``: on each local day on which the device is present anywhere, outside included, its usual zone.

    That is the zone that was its night zone most often on the days of the epoch so far, of several the first of the
    layer, if it was ``usual_nights`` times. If that is outside, which comes last, the device has no usual zone.
    """
    nights: Counter[str] = Counter()
    for day in track.local_days:
        zone = night_zone(track, day)
        if zone is not None:
            nights[zone] += 1
        if not nights or not track.present(day):
            continue
        usual = min(nights, key=lambda zone: (-nights[zone], track.zoning.place(zone)))
        if usual != OUTSIDE and nights[usual] >= track.parameters.usual_nights:
            yield day, "usual", usual
