"""A range of time as the command line gives it: local days, or instants."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from config.errors import FouleError
from config.times import Instant
from indicators.calendar import Calendar


class Span(NamedTuple):
    """Windows that start in ``[start, until)``, UTC ms; None is open."""

    start: int | None = None
    until: int | None = None

    @classmethod
    def of(cls, begin: str | None, end: str | None, calendar: Calendar) -> Span:
        """From local days (``2014-06-28``, from its start, and to its end) or instants (ISO 8601 with an offset).

        Raises FouleError for another text, and where nothing lies between the two.
        """
        start = None if begin is None else _instant("--from", begin, calendar, 0)
        until = None if end is None else _instant("--to", end, calendar, 1)
        if start is not None and until is not None and start >= until:
            raise FouleError(f"--from {begin} is not before the end of --to {end}; exchange them")
        return cls(start, until)

    def holds(self, start: int) -> bool:
        """Whether a window that starts then is in the range."""
        return (self.start is None or start >= self.start) and (self.until is None or start < self.until)


def _instant(option: str, text: str, calendar: Calendar, days: int) -> int:
    try:
        return calendar.day_start(date.fromisoformat(text).toordinal() + days)
    except ValueError:
        pass
    try:
        return int(Instant.parse(text))
    except ValueError as error:
        raise FouleError(
            f"{option} {text!r}: a local day such as 2014-06-28 is expected, or an instant with its offset such as "
            "2014-06-28T10:00:00+02:00 or 2014-06-28T08:00:00Z"
        ) from error
