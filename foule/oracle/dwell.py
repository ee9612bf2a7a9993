"""How long a device dwelt in each zone that it left or fell silent in."""

from collections.abc import Iterator

from foule.oracle.bins import stay_bin
from foule.oracle.days import Span
from foule.oracle.track import Mark, Track
from foule.oracle.visits import CUT
from zones import OUTSIDE


def dwell_marks(track: Track, width: int) -> Iterator[Mark]:
    """``dwell``: in each window of ``width`` ms, the longest of the visits in a zone that end in it.

    A visit lasts from its first event to its last. One that is cut at the epoch's end has not ended.
    """
    longest: dict[tuple[Span, str], int] = {}
    for visit in track.visits:
        if visit.ended_by != CUT and visit.zone != OUTSIDE:
            where = track.days.window(width, visit.end), visit.zone
            longest[where] = max(longest.get(where, 0), visit.last - visit.first)
    for (window, zone), stay in longest.items():
        yield window, "dwell", (zone, stay_bin(track.parameters.dwell_edges, stay))
