"""Reads the times of a recorded file: numbers, ISO 8601 or any strptime format, into UTC milliseconds.

A whole column at once where times are written in the canonical way (all digits there), one by one for the
rest; both ways give the same. Everything is floored to the millisecond.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.errors import SettingsError

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNREADABLE = -(2**63)
"""Stands for a time that cannot be read; no time is that far back."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_FURTHEST = 10**15  # ms; beyond every calendar, yet safe to multiply

_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{2})",
    "d": r"(?P<d>\d{2})",
    "H": r"(?P<H>\d{2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "f": r"(?P<f>\d{1,6})",
    "z": r"(?P<z>Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)",
    "%": "%",
}
_PATTERNS = {
    "ms": r"^(?P<whole>\d{1,15})$",
    "s": r"^(?P<whole>\d{1,12})(?:\.(?P<f>\d{1,6}))?$",
    "iso": r"^(?P<Y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})[T ](?P<H>\d{2}):(?P<M>\d{2}):(?P<S>\d{2})"
    r"(?:\.(?P<f>\d{1,6}))?(?P<z>Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$",
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SAMPLE = datetime(2015, 8, 2, 22, 27, 6, 609871, tzinfo=UTC)


class TimeReader:
    """Reads times written in one format; those without an offset are local times of one zone.

    ``time_format`` is "ms" or "s" (numbers since the epoch, with a fraction or not), "iso", or a strptime
    format. A local time that occurs twice, when clocks go back, is the first of the two. Raises SettingsError
    for a format that does not hold a whole date or cannot be read back.
    """

    def __init__(self, time_format: str, time_zone: str) -> None:
        self._format = time_format
        self._zone = ZoneInfo(time_zone)
        self._offset_of_hour = lru_cache(maxsize=4096)(self._compute_offset_of_hour)
        self._pattern = _PATTERNS.get(time_format)
        if self._pattern is None:
            _check(time_format)
            self._pattern = _pattern_of(time_format)

    def read(self, texts: Sequence[str | None]) -> Times:
        """UTC ms of each text, (n,) int64; UNREADABLE where there is none or it does not fit the format."""
        ms = np.full(len(texts), UNREADABLE, dtype=np.int64)
        if self._pattern is not None:
            found = pc.extract_regex(pa.array(texts, pa.string()), self._pattern)
            canonical = np.asarray(found.is_valid())
            fields = _fields(found.filter(found.is_valid()))
            ms[canonical] = _numbers(fields) if "whole" in fields else self._calendar_times(fields)
        for row in np.flatnonzero(ms == UNREADABLE).tolist():
            ms[row] = self._read_one(texts[row])
        return ms

    def read_typed(self, column: pa.Array) -> Times:
        """UTC ms of a column of Arrow timestamps or dates, (n,) int64; UNREADABLE where it is null."""
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("ms"))
        per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[column.type.unit]
        known = np.asarray(column.is_valid())
        ticks = np.asarray(column.cast(pa.int64()).fill_null(0), dtype=np.int64)
        reach = _FURTHEST * per_second // 1_000 if per_second < 1_000_000 else 2**63 - 1
        ticks = ticks.clip(-reach, reach)
        ms = ticks * 1_000 if per_second == 1 else ticks // (per_second // 1_000)
        if column.type.tz is None:
            ms = self._to_utc(ms.clip(-_FURTHEST, _FURTHEST) * 1_000) // 1_000
        return np.where(known, ms, UNREADABLE)

    def _calendar_times(self, fields: Mapping[str, pa.Array]) -> Times:
        """UTC ms of dates and clock times in digits, (n,) int64; UNREADABLE where there is no such date."""
        year, month, day = (_whole(fields[name]) for name in "Ymd")
        zero = np.zeros(len(year), dtype=np.int64)
        hour, minute, second = (_whole(fields[name]) if name in fields else zero for name in "HMS")
        micro = _whole(pc.utf8_rpad(fields["f"], 6, "0")) if "f" in fields else zero
        good = (year >= 1) & (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
        months = ((year - 1970) * 12 + np.where(good, month, 1) - 1).astype("datetime64[M]")
        before = _days(months)
        good &= (day >= 1) & (day <= _days(months + 1) - before)
        seconds = (before + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second
        local = np.where(good, seconds * 1_000_000 + micro, 0)
        moments = local.copy()
        for offset, where in _offsets(fields["z"]) if "z" in fields else [(None, good)]:
            moments[where] = self._to_utc(local[where]) if offset is None else local[where] - offset
        return np.where(good, moments // 1_000, UNREADABLE)

    def _to_utc(self, local: Times) -> Times:
        """Microseconds of local clocks, (n,) int64, as microseconds since the epoch."""
        hours, which = np.unique(local // _HOUR, return_inverse=True)
        offsets = [self._offset_of_hour(hour) for hour in hours.tolist()]
        moments: Times = local - np.array([offset or 0 for offset in offsets], dtype=np.int64)[which]
        changing = np.array([offset is None for offset in offsets], dtype=np.bool_)
        for row in np.flatnonzero(changing[which]).tolist():
            moments[row] = local[row] - self._offset_at(int(local[row]))
        return moments

    def _compute_offset_of_hour(self, hour: int) -> int | None:
        """The zone's offset in microseconds in a local hour; None where it changes within that hour."""
        first, last = (self._offset_at(hour * _HOUR + within) for within in (0, _HOUR - 1))
        return first if first == last else None

    def _offset_at(self, local: int) -> int:
        try:
            clock = datetime(1970, 1, 1) + timedelta(microseconds=local)
        except OverflowError:  # Arrow's timestamps reach further than calendars do
            return 0
        offset = clock.replace(tzinfo=self._zone).utcoffset()
        return 0 if offset is None else offset // _MICROSECOND

    def _parse(self, text: str) -> datetime:
        if self._format == "iso":
            return datetime.fromisoformat(text)
        return datetime.strptime(text, self._format)

    def _read_one(self, text: str | None) -> int:
        if text is None:
            return UNREADABLE
        if self._format in ("ms", "s"):
            return _floored(text, 3 if self._format == "s" else 0)
        try:
            clock = self._parse(text)
            if clock.tzinfo is None:
                clock = clock.replace(tzinfo=self._zone)
            return (clock - _EPOCH) // _MICROSECOND // 1_000
        except (ValueError, OverflowError):
            return UNREADABLE


def _check(time_format: str) -> None:
    """Raises SettingsError unless a moment written in the format is read back as that day."""
    try:
        sound = datetime.strptime(_SAMPLE.strftime(time_format), time_format).date() == _SAMPLE.date()
    except (ValueError, re.error):
        sound = False
    if not sound:
        raise SettingsError(
            [
                f'settings: replay.time_format is "{time_format}": expected "ms", "s", "iso" or a strptime'
                ' format that holds the whole date, such as "%Y-%m-%d %H:%M:%S"'
            ]
        )


def _pattern_of(time_format: str) -> str | None:
    """A pattern for times of a format made of digits only; None where it has names of months and the like."""
    parts = re.split(r"%(.)", time_format)
    if not {"Y", "m", "d"} <= set(parts[1::2]) <= set(_DIRECTIVES):
        return None
    pieces = [re.escape(literal) for literal in parts[0::2]]
    directives = [_DIRECTIVES[letter] for letter in parts[1::2]]
    return "^" + "".join(a + b for a, b in zip(pieces, [*directives, ""], strict=True)) + "$"


def _fields(found: pa.StructArray) -> dict[str, pa.Array]:
    return {field.name: found.field(position) for position, field in enumerate(found.type)}


def _whole(digits: pa.Array) -> Times:
    return np.asarray(digits.cast(pa.int64()), dtype=np.int64)


def _numbers(fields: Mapping[str, pa.Array]) -> Times:
    whole = _whole(fields["whole"])
    if "f" not in fields:
        return whole
    return whole * 1_000 + _whole(pc.utf8_rpad(fields["f"], 6, "0")) // 1_000


def _days(months: NDArray[np.datetime64]) -> Times:
    """Days since the epoch at the first of each month."""
    return months.astype("datetime64[D]").astype(np.int64)


def _offsets(texts: pa.Array) -> Iterator[tuple[int | None, Mask]]:
    """Each offset from UTC in microseconds, None for none given, and the rows that have it."""
    coded = texts.dictionary_encode()
    codes = np.asarray(coded.indices)
    for code, text in enumerate(coded.dictionary.to_pylist()):
        if text in ("", "Z"):
            yield (0 if text else None), codes == code
        else:
            minutes = int(text[1:3]) * 60 + int(text[-2:])
            yield minutes * 60_000_000 * (-1 if text[0] == "-" else 1), codes == code


def _floored(text: str, digits: int) -> int:
    """The number times 10**digits, floored; UNREADABLE where it is none or beyond every calendar."""
    if _NUMBER.fullmatch(text) is None:
        return UNREADABLE
    try:
        number = Decimal(text)
    except InvalidOperation:
        return UNREADABLE
    if number.adjusted() > 15:
        return UNREADABLE
    scaled = int((number * 10**digits).to_integral_value(ROUND_FLOOR))
    return scaled if abs(scaled) <= 10**18 else UNREADABLE
