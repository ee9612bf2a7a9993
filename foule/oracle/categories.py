"""As what a device is in a zone on a day: at home there, often there, overnight, for some hours, or in transit."""

from collections.abc import Iterator

from foule.oracle.days import Span
from foule.oracle.origins import LOCAL, origin_in
from foule.oracle.stays import night_zone, stays
from foule.oracle.track import Mark, Track


def category(track: Track, day: Span, zone: str) -> str:
    """The first that holds of the device in a zone in which it is present that day."""
    parameters = track.parameters
    if origin_in(track.zoning, track.origin, zone) == LOCAL:
        return "resident"
    if track.days_present(zone, day) - 1 >= parameters.habitual_days:
        return "habitual"
    if night_zone(track, day) == zone:
        return "tourist"
    if stays(track, day).get(zone, 0) >= parameters.visit_stay:
        return "visitor"
    return "transit"


def category_marks(track: Track) -> Iterator[Mark]:
    """``categories``: of each local day and zone, but for outside, in which the device is present."""
    for day, zone in track.present_by_day():
        yield day, "categories", (zone, category(track, day, zone))
