"""Local days, epochs and windows: where each begins and ends in UTC milliseconds (docs/indicators.md)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from config.sections import TimeSettings

DAY_MS = 86_400_000
_LAST_ORDINAL = date.max.toordinal() - 1


class Epoch(NamedTuple):
    """A run of local days that share one key: ``[start, end)`` in UTC ms; ``label`` is its first local date."""

    number: int
    label: str
    start: int
    end: int


class Window(NamedTuple):
    """A window ``[start, end)`` in UTC ms of a nominal width in ms (its real length may be shorter or longer)."""

    width: int
    start: int
    end: int


class Calendar:
    """Turns event times into epochs and windows.

    Windows are aligned to the start of the local day; the last window of a local day is cut at its end. A window as
    wide as a day is the whole local day, also when it has 23 or 25 hours.
    """

    def __init__(
        self,
        zone: str,
        day_start: time,
        widths: Sequence[int],
        epoch_days: int = 1,
        epoch_start: date = date(2014, 1, 1),
    ) -> None:
        self.widths = tuple(sorted(widths))
        self.zone = ZoneInfo(zone)
        self._day_start = day_start
        self._epoch_days = epoch_days
        self._epoch_start = epoch_start.toordinal()
        self._cached_start = lru_cache(maxsize=256)(self._compute_day_start)

    @classmethod
    def of(cls, settings: TimeSettings) -> Calendar:
        """The calendar of the settings' section ``time``."""
        return cls(
            settings.zone,
            time.fromisoformat(settings.day_start),
            [int(width) for width in settings.windows],
            settings.epoch_days,
            settings.epoch_start,
        )

    def __repr__(self) -> str:
        first = date.fromordinal(self._epoch_start)
        return f"Calendar({self.zone}, {self._day_start}, {self.widths}, {self._epoch_days}, {first})"

    def _compute_day_start(self, ordinal: int) -> int:
        beyond = max(0, ordinal - _LAST_ORDINAL)
        local = datetime.combine(date.fromordinal(ordinal - beyond), self._day_start, self.zone)
        since = local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(milliseconds=1) + beyond * DAY_MS

    def day_start(self, ordinal: int) -> int:
        """UTC ms at which the local day with this proleptic Gregorian ordinal begins."""
        return self._cached_start(ordinal)

    def day_of(self, ts: int) -> int:
        """Ordinal of the local day that holds ``ts`` (UTC ms)."""
        ordinal = date(1970, 1, 1).toordinal() + ts // DAY_MS
        while ts < self.day_start(ordinal):
            ordinal -= 1
        while ts >= self.day_start(ordinal + 1):
            ordinal += 1
        return ordinal

    def date_of(self, ts: int) -> date:
        """The local day that holds ``ts`` (UTC ms), as the date on which it begins."""
        return date.fromordinal(self.day_of(ts))

    def epoch_of(self, ts: int) -> Epoch:
        """The epoch that holds ``ts`` (UTC ms)."""
        return self.epoch((self.day_of(ts) - self._epoch_start) // self._epoch_days)

    def epoch(self, number: int) -> Epoch:
        """The epoch with this number; number 0 begins on the settings' ``epoch_start``."""
        first = self._epoch_start + number * self._epoch_days
        label = date.fromordinal(min(first, _LAST_ORDINAL)).strftime("%Y%m%d")
        return Epoch(number, label, self.day_start(first), self.day_start(first + self._epoch_days))

    def window_of(self, width: int, ts: int) -> Window:
        """The window of this width that holds ``ts`` (UTC ms)."""
        ordinal = self.day_of(ts)
        begin, end = self.day_start(ordinal), self.day_start(ordinal + 1)
        if width >= DAY_MS:
            return Window(width, begin, end)
        start = begin + (ts - begin) // width * width
        return Window(width, start, min(start + width, end))

    def night_of(self, ordinal: int, begin: time, end: time) -> tuple[int, int]:
        """From when to when (UTC ms) the night lies in the local day with this ordinal, of local times of the day; an
        ``end`` at which local days begin is the day's own."""
        since, until = self.day_start(ordinal), self.day_start(ordinal + 1)
        start = max(since, self._instant(ordinal + (begin < self._day_start), begin))
        over = until if end == self._day_start else self._instant(ordinal + (end < self._day_start), end)
        return start, min(over, until)

    def _instant(self, ordinal: int, clock: time) -> int:
        """UTC ms of a local time of a date."""
        local = datetime.combine(date.fromordinal(min(ordinal, _LAST_ORDINAL)), clock, self.zone)
        return (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    def widths_of(self, start: int, end: int) -> list[int]:
        """The widths that have a window ``[start, end)`` (UTC ms), ascending: several where the day's end cuts them."""
        return [width for width in self.widths if self.window_of(width, start)[1:] == (start, end)]

    def boundaries(self, epoch: Epoch) -> list[int]:
        """Every instant in ``(epoch.start, epoch.end]`` at which a window of some width ends; sorted, UTC ms."""
        instants: set[int] = set()
        ordinal = self.day_of(epoch.start)
        while (begin := self.day_start(ordinal)) < epoch.end:
            end = self.day_start(ordinal + 1)
            for width in self.widths:
                if width < DAY_MS:
                    instants.update(range(begin + width, end, width))
            instants.add(end)
            ordinal += 1
        return sorted(instants)


def next_boundary(boundaries: Sequence[int], ts: int) -> int:
    """The first of the sorted ``boundaries`` after ``ts``; the last one if there is none."""
    return boundaries[min(bisect_right(boundaries, ts), len(boundaries) - 1)]


def label_of_width(width: int) -> str:
    """A width in ms as the contracts write it: ``5m``, ``1h``, ``1d``, else seconds (``90s``)."""
    for unit, size in (("d", DAY_MS), ("h", 3_600_000), ("m", 60_000)):
        if width % size == 0:
            return f"{width // size}{unit}"
    return f"{width // 1000}s"


def width_of_label(label: str) -> int:
    """The inverse of :func:`label_of_width`, in ms."""
    return int(label[:-1]) * {"d": DAY_MS, "h": 3_600_000, "m": 60_000, "s": 1000}[label[-1]]


def label_of_start(start: int) -> str:
    """A window's start (UTC ms) as Redis keys write it: ``20140628T1000Z``, with seconds where they are not 0."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start)
    return moment.strftime("%Y%m%dT%H%M%SZ" if moment.second else "%Y%m%dT%H%MZ")
