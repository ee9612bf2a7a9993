"""Decoding: from the raw values of a fetch to columns of events, and a reason for each record that is none.

Each record is decoded by itself, so no record can change how another is read, and the fast way (columns at once) and
the slow way (record by record, taken when a fetch holds anything odd) agree by construction. msgspec decodes a typed
struct in 0.26 us; joining a fetch into one list and decoding that was slower (0.31 us) and had to be guarded against
records crafted to fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.sections import EventsSettings
from streams.fetch import NO_TIMESTAMP, Fetch

MALFORMED = "malformed"
MISSING_FIELD = "missing_field"
BAD_TIME = "bad_time"
FUTURE = "future"
UNKNOWN_CELL = "unknown_cell"
REASONS = (MALFORMED, MISSING_FIELD, BAD_TIME, FUTURE, UNKNOWN_CELL)

#: Event times are below this: the first ms of the year 10000.
END_OF_TIME = 253_402_300_800_000
_FIELDS = ("ts", "subscriber", "cell", "lat", "lon", "mcc", "home", "rat")


class Locate(Protocol):
    """What the decoder needs of the places (see ``zones.Places``)."""

    def of_cells(self, cells: Sequence[str]) -> NDArray[np.int32]: ...
    def of_points(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int32]: ...


class Rejected(NamedTuple):
    """A record that cannot be used: its row in the fetch, and why."""

    row: int
    reason: str


class Events(NamedTuple):
    """The good records of a fetch, in order: ``rows`` int64 (n,) of the fetch, ``times`` int64 (n,) ms,
    ``subscribers`` n ids, ``places`` int32 (n,)."""

    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    subscribers: list[str]
    places: NDArray[np.int32]

    def only(self, which: NDArray[np.bool_]) -> Events:
        """The events where ``which``, bool (n,), holds."""
        kept = np.flatnonzero(which)
        subscribers = [self.subscribers[at] for at in kept.tolist()]
        return Events(self.rows[kept], self.times[kept], subscribers, self.places[kept])


class _Columns(NamedTuple):
    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    subscribers: list[str]
    cells: list[str | None]
    lat: NDArray[np.float64] | None
    lon: NDArray[np.float64] | None


class _Unusual(Exception):
    """A column of a fetch has gaps or values that need a look at each record."""


def _texts(column: list[str | int | None]) -> list[Any] | None:
    """A column in which every entry is a text or an integer, as texts; None if it has no entry at all."""
    types = set(map(type, column))
    if types <= {str}:
        if "" in column:
            raise _Unusual
        return column
    if types <= {str, int}:
        return _texts(list(map(str, column)))
    if types == {type(None)}:
        return None
    raise _Unusual


def _degrees(column: list[float | None], most: float) -> NDArray[np.float64] | None:
    """A column in which every entry is an angle of at most ``most`` degrees; None if it has no entry at all."""
    if column.count(None) == len(column):
        return None
    degrees = np.array(column, np.float64)
    if not (np.abs(degrees) <= most).all():
        raise _Unusual
    return degrees


class Decoder:
    """Decodes fetches by the field names and time bounds of the settings."""

    def __init__(self, settings: EventsSettings, places: Locate) -> None:
        text = str | int | None
        types: dict[str, Any] = {"ts": text, "subscriber": text, "cell": text, "lat": float | None, "lon": float | None}
        types |= {"mcc": text, "home": text, "rat": str | None}
        record = msgspec.defstruct(
            "Event",
            [(name, types[name], None) for name in _FIELDS],
            rename={name: getattr(settings, name) for name in _FIELDS},
            gc=False,
        )
        self._decode: Callable[[Any], Any] = msgspec.json.Decoder(record).decode
        self._places = places
        self._max_skew = int(settings.max_skew)
        self._not_before = max(0, settings.not_before or 0)
        self._not_after = min(END_OF_TIME, END_OF_TIME if settings.not_after is None else settings.not_after)

    def decode(self, fetch: Fetch) -> tuple[Events, list[Rejected]]:
        """The good events of a fetch and the rejected records, each in order; late ones are among the good."""
        columns = self._at_once(fetch)
        rejected: list[Rejected] = []
        if columns is None:
            columns, rejected = self._one_by_one(fetch)
        return self._screen(fetch, columns, rejected)

    def _at_once(self, fetch: Fetch) -> _Columns | None:
        """The columns of a fetch in which every record is as usual; None if any is not."""
        try:
            b"\n".join(fetch.values).decode()  # type: ignore[arg-type]
            records = list(map(self._decode, fetch.values))
            times = [record.ts for record in records]
            subscribers = _texts([record.subscriber for record in records])
            cells = _texts([record.cell for record in records])
            lat = _degrees([record.lat for record in records], 90.0)
            lon = _degrees([record.lon for record in records], 180.0)
            if set(map(type, times)) - {int} or subscribers is None or (cells is None and lat is None):
                return None
            column = np.fromiter(times, np.int64, len(times))
        except (msgspec.MsgspecError, RecursionError, UnicodeError, TypeError, OverflowError, _Unusual):
            return None
        return _Columns(np.arange(len(times)), column, subscribers, cells or [None] * len(times), lat, lon)

    def _one_by_one(self, fetch: Fetch) -> tuple[_Columns, list[Rejected]]:
        rejected: list[Rejected] = []
        rows: list[int] = []
        times: list[int] = []
        subscribers: list[str] = []
        cells: list[str | None] = []
        lat: list[float] = []
        lon: list[float] = []
        for row, value in enumerate(fetch.values):
            record = self._read(value)
            reason = self._fault(record)
            if reason is not None:
                rejected.append(Rejected(row, reason))
                continue
            cell = None if record.cell in (None, "") else str(record.cell)
            rows.append(row)
            times.append(record.ts)
            subscribers.append(str(record.subscriber))
            cells.append(cell)
            lat.append(0.0 if cell is not None else record.lat)
            lon.append(0.0 if cell is not None else record.lon)
        return (
            _Columns(
                np.array(rows, np.int64),
                np.array(times, np.int64),
                subscribers,
                cells,
                np.array(lat, np.float64),
                np.array(lon, np.float64),
            ),
            rejected,
        )

    def _read(self, value: bytes | None) -> Any:
        """The record, or None if it is malformed."""
        if not value:
            return None
        try:
            value.decode()
            record = self._decode(value)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return None
        for degrees, most in ((record.lat, 90.0), (record.lon, 180.0)):
            if degrees is not None and not -most <= degrees <= most:
                return None
        return record

    def _fault(self, record: Any) -> str | None:
        """Why a record (None: malformed) cannot be used, as far as can be told from it alone."""
        if record is None:
            return MALFORMED
        if record.ts is None or record.subscriber in (None, ""):
            return MISSING_FIELD
        if record.cell in (None, "") and (record.lat is None or record.lon is None):
            return MISSING_FIELD
        if isinstance(record.ts, str) or not 0 <= record.ts < END_OF_TIME:
            return BAD_TIME
        return None

    def _screen(self, fetch: Fetch, columns: _Columns, rejected: list[Rejected]) -> tuple[Events, list[Rejected]]:
        """Reject by time and place what is left, in the order of DESIGN 3."""
        rows, times = columns.rows, columns.times
        stamps = fetch.timestamps[rows]
        bad = (times < self._not_before) | (times >= self._not_after)
        future = (stamps != NO_TIMESTAMP) & (times > stamps + self._max_skew)
        places = self._locate(columns)
        unknown = places < 0
        wrong = bad | future | unknown
        if wrong.any():
            reasons = np.select([bad, future], [BAD_TIME, FUTURE], UNKNOWN_CELL)
            for at in np.flatnonzero(wrong).tolist():
                rejected.append(Rejected(int(rows[at]), str(reasons[at])))
            rejected.sort()
        events = Events(rows, times, columns.subscribers, places)
        return (events.only(~wrong) if wrong.any() else events), rejected

    def _locate(self, columns: _Columns) -> NDArray[np.int32]:
        if columns.lat is None or columns.lon is None or None not in columns.cells:
            return self._places.of_cells(cast("list[str]", columns.cells))
        places = np.full(len(columns.cells), -1, np.int32)
        by_cell = np.array([cell is not None for cell in columns.cells], bool)
        places[by_cell] = self._places.of_cells([cell for cell in columns.cells if cell is not None])
        by_point = np.flatnonzero(~by_cell)
        if len(by_point):
            places[by_point] = self._places.of_points(columns.lat[by_point], columns.lon[by_point])
        return places
