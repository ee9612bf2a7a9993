"""Local days, epochs and windows, computed one instant at a time with zoneinfo alone."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from foule.oracle.parameters import DAY, Parameters

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

# The calendar, its weekdays included, repeats every 400 years. Times of the last years that datetime can
# hold are computed 400 years earlier, since the local day of an event of 9999 may end in the year 10000.
_CYCLE_DAYS = 146_097
_CYCLE = _CYCLE_DAYS * DAY
_LAST_DAY = datetime(9900, 1, 1).toordinal()
_LAST_INSTANT = (datetime(9900, 1, 1, tzinfo=UTC) - _UNIX) // _MS


class Span(NamedTuple):
    """A window: from ``start`` (inside it) to ``end`` (outside it), ms since the Unix epoch."""

    start: int
    end: int


class Epoch(NamedTuple):
    """A run of local days, numbered from the settings' ``epoch_start``."""

    number: int
    start: int
    end: int


class Days:
    """Finds the local day, the epoch and the window of an instant."""

    def __init__(self, parameters: Parameters) -> None:
        self._zone = ZoneInfo(parameters.zone)
        self._day_start = parameters.day_start
        self._night = parameters.night_from, parameters.night_until
        self._epoch_days = parameters.epoch_days
        self._first_day = parameters.epoch_start.toordinal()
        self.start = lru_cache(maxsize=None)(self._start)
        self.day = lru_cache(maxsize=1 << 16)(self._day)

    def _start(self, day: int) -> int:
        """When local day ``day`` (the ordinal of its date) starts.

        A wall time that the clock passes twice is the first of the two; one that it skips counts as if the
        clock had not been changed yet.
        """
        return self._instant(day, self._day_start)

    def _instant(self, date: int, clock: time) -> int:
        if date > _LAST_DAY:
            return self._instant(date - _CYCLE_DAYS, clock) + _CYCLE
        wall = datetime.combine(datetime.fromordinal(date).date(), clock, tzinfo=self._zone)
        return (wall.astimezone(UTC) - _UNIX) // _MS

    def _day(self, ts: int) -> int:
        """The local day that holds ``ts``, as the ordinal of its date."""
        if ts > _LAST_INSTANT:
            return self.day(ts - _CYCLE) + _CYCLE_DAYS
        day = (_UNIX + ts * _MS).astimezone(self._zone).toordinal()
        while self.start(day) > ts:
            day -= 1
        while self.start(day + 1) <= ts:
            day += 1
        return day

    def epoch(self, ts: int) -> Epoch:
        """The epoch that holds ``ts``; epochs before ``epoch_start`` have negative numbers."""
        number = (self.day(ts) - self._first_day) // self._epoch_days
        first = self._first_day + number * self._epoch_days
        return Epoch(number, self.start(first), self.start(first + self._epoch_days))

    def epoch_label(self, ts: int) -> str:
        """What the epoch that holds ``ts`` is called: the date of its first day."""
        first = self._first_day + self.epoch(ts).number * self._epoch_days
        return datetime.fromordinal(first).strftime("%Y%m%d")

    def window(self, width: int, ts: int) -> Span:
        """The window of ``width`` ms that holds ``ts``; a width of one day is the whole local day."""
        day = self.day(ts)
        start, end = self.start(day), self.start(day + 1)
        if width == DAY:
            return Span(start, end)
        start += (ts - start) // width * width
        return Span(start, min(start + width, end))

    def local_days(self, first: int, until: int) -> list[Span]:
        """The local days from the one that holds ``first`` to the last one that starts before ``until``."""
        found = [self.window(DAY, first)]
        while found[-1].end < until:
            found.append(self.window(DAY, found[-1].end))
        return found

    def night(self, day: Span) -> Span:
        """The night of a local day: from one time of the clock to another, as far as they lie in the day.

        A time before ``day_start`` is of the next date; a night until ``day_start`` lasts to the day's end. Where the
        clock is changed, times are found as those at which days start. A night that ends before it begins has nothing.
        """
        date, (begin, end) = self.day(day.start), self._night
        first = self._instant(date + (begin < self._day_start), begin)
        last = day.end if end == self._day_start else self._instant(date + (end < self._day_start), end)
        return Span(max(first, day.start), min(last, day.end))
