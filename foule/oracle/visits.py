"""The visits of one device in one layer of zones during one epoch, and what each adds to the windows."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from foule.oracle.days import Days, Epoch, Span

MOVE, SILENCE, CUT = "move", "silence", "cut"

Cell = str | tuple[str, ...]
"""What an indicator counts in: a zone, or several names, such as (from, to) or (zone, origin)."""


class Visit(NamedTuple):
    """A stay in one zone; times in ms since the Unix epoch.

    ``came_from`` is None for a visit that begins with the device's first event of the epoch or after
    silence; ``went_to`` is None unless ``ended_by`` is a move.
    """

    zone: str
    first: int
    last: int
    end: int
    came_from: str | None
    went_to: str | None
    ended_by: str


def visits_of(events: Sequence[tuple[int, str]], linger: int, epoch_end: int) -> Iterator[Visit]:
    """The visits that ``events``, pairs of time and zone in event order, make up (docs/indicators.md)."""
    first, zone = events[0]
    last, came_from = first, None
    for ts, seen in events[1:]:
        if ts > last + linger:
            yield Visit(zone, first, last, last + linger, came_from, None, SILENCE)
            zone, first, came_from = seen, ts, None
        elif seen != zone:
            yield Visit(zone, first, last, ts, came_from, seen, MOVE)
            zone, first, came_from = seen, ts, zone
        last = ts
    if last + linger < epoch_end:
        yield Visit(zone, first, last, last + linger, came_from, None, SILENCE)
    else:
        yield Visit(zone, first, last, epoch_end, came_from, None, CUT)


def windows_of(visit: Visit, days: Days, epoch: Epoch, width: int) -> Iterator[Span]:
    """The windows of the visit's epoch in which it is present."""
    window = days.window(width, visit.first)
    while window.start <= visit.end and window.start < epoch.end:
        yield window
        window = days.window(width, window.end)


def marks_of(visit: Visit, days: Days, epoch: Epoch, width: int) -> Iterator[tuple[Span, str, Cell]]:
    """Everything the visit is counted in, as (window, indicator, cell)."""
    for window in windows_of(visit, days, epoch, width):
        yield window, "presence", visit.zone
    begin = "appeared" if visit.came_from is None else "arrivals"
    yield days.window(width, visit.first), begin, visit.zone
    if visit.ended_by == SILENCE:
        yield days.window(width, visit.end), "vanished", visit.zone
    elif visit.went_to is not None:
        yield days.window(width, visit.end), "departures", visit.zone
        yield days.window(width, visit.end), "flows", (visit.zone, visit.went_to)
