"""Decoding: from the raw values of a fetch to columns of events, and a reason for each record that is none.

Each record is decoded by itself, so no record can change how another is read: msgspec decodes a typed struct in
0.2 us, and joining a fetch into one list first was slower and had to be guarded against records crafted to fit
together. What follows is decided on columns; a record is looked at by itself only where a column has a value there
that may be wrong, so a damaged record costs its neighbours nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.sections import EventsSettings
from indicators.origins import Origins
from streams.fetch import NO_TIMESTAMP, Fetch
from streams.machines import Machines

MALFORMED = "malformed"
MISSING_FIELD = "missing_field"
BAD_TIME = "bad_time"
FUTURE = "future"
UNKNOWN_CELL = "unknown_cell"
MACHINE = "machine"
REASONS = (MALFORMED, MISSING_FIELD, BAD_TIME, FUTURE, UNKNOWN_CELL, MACHINE)

#: Event times are below this: the first ms of the year 10000.
END_OF_TIME = 253_402_300_800_000
_MOST_LAT, _MOST_LON = 90.0, 180.0
_FIELDS = ("ts", "subscriber", "cell", "lat", "lon", "mcc", "home", "rat", "tac")


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
    ``subscribers`` n ids, ``places`` int32 (n,), ``origins`` int16 (n,): codes of
    :class:`indicators.origins.Origins`, 0 where nothing needs them."""

    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    subscribers: list[str]
    places: NDArray[np.int32]
    origins: NDArray[np.int16]

    def only(self, which: NDArray[np.bool_]) -> Events:
        """The events where ``which``, bool (n,), holds."""
        subscribers = list(compress(self.subscribers, which.tolist()))
        return Events(self.rows[which], self.times[which], subscribers, self.places[which], self.origins[which])


class _Point(NamedTuple):
    """A column of points: float64 (n,) degrees each, NaN where there is none."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]


def _texts(column: list[Any]) -> tuple[list[Any], list[int]]:
    """A column with its integers as texts, and the rows that have no text: None or empty."""
    types = set(map(type, column))
    if int in types:
        column = [str(value) if type(value) is int else value for value in column]
    gaps = [row for row, value in enumerate(column) if not value] if type(None) in types or "" in column else []
    return column, gaps


def _points(lat: list[float | None], lon: list[float | None]) -> _Point | None:
    """Two columns of degrees; None if both have no entry at all."""
    if lat.count(None) == len(lat) and lon.count(None) == len(lon):
        return None
    return _Point(np.array(lat, np.float64), np.array(lon, np.float64))


def _undated(times: list[Any]) -> list[int]:
    """The rows whose time is no integer."""
    return [] if set(map(type, times)) == {int} else [row for row, ts in enumerate(times) if type(ts) is not int]


def _milliseconds(times: list[int]) -> NDArray[np.int64]:
    """Event times as a column; -1 for those that no clock could show, of which some do not fit into 64 bits."""
    try:
        return np.fromiter(times, np.int64, len(times))
    except OverflowError:
        return np.array([ts if 0 <= ts < END_OF_TIME else -1 for ts in times], np.int64)


def _unplaced(nowhere: list[int], point: _Point | None) -> list[int]:
    """Of the rows without a cell, those without a point; and all rows whose point is off the globe."""
    if point is None:
        return nowhere
    off = (np.abs(point.lat) > _MOST_LAT) | (np.abs(point.lon) > _MOST_LON)
    no_point = np.isnan(point.lat) | np.isnan(point.lon)
    return [*np.flatnonzero(off).tolist(), *(row for row in nowhere if no_point[row])]


def _not_utf8(values: list[bytes | None]) -> list[int]:
    """The rows that are not UTF-8, which msgspec does not look at where it needs no text."""
    try:
        joined = b"\n".join(values)  # type: ignore[arg-type]
    except TypeError:  # a tombstone
        joined = b"\n".join(filter(None, values))
    if joined.isascii():
        return []
    try:
        joined.decode()
    except UnicodeDecodeError:
        return [row for row, value in enumerate(values) if value is not None and not _is_utf8(value)]
    return []


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fault(record: Any) -> str | None:
    """Why a record cannot be used, as far as can be told from it alone."""
    for degrees, most in ((record.lat, _MOST_LAT), (record.lon, _MOST_LON)):
        if degrees is not None and not -most <= degrees <= most:
            return MALFORMED
    if record.ts is None or record.subscriber in (None, ""):
        return MISSING_FIELD
    if record.cell in (None, "") and (record.lat is None or record.lon is None):
        return MISSING_FIELD
    if isinstance(record.ts, str) or not 0 <= record.ts < END_OF_TIME:
        return BAD_TIME
    return None


class Decoder:
    """Decodes fetches by the field names and time bounds of the settings."""

    def __init__(
        self,
        settings: EventsSettings,
        places: Locate,
        origins: Origins | None = None,
        machines: Machines | None = None,
    ) -> None:
        """``origins``: from where devices can be, None if nobody needs it; ``machines``: SIMs that count nobody."""
        text = str | int | None
        types: dict[str, Any] = {"ts": text, "subscriber": text, "cell": text, "lat": float | None, "lon": float | None}
        types |= {"mcc": text, "home": text, "rat": str | None, "tac": text}
        record = msgspec.defstruct(
            "Event",
            [(name, types[name], None) for name in _FIELDS],
            rename={name: getattr(settings, name) for name in _FIELDS},
            gc=False,
        )
        self._decode: Callable[[Any], Any] = msgspec.json.Decoder(record).decode
        self._blank = record(ts=0, subscriber="?", cell="?")
        self._places = places
        self._origins = origins
        self._machines = machines
        self._max_skew = int(settings.max_skew)
        self._not_before = max(0, settings.not_before or 0)
        self._not_after = min(END_OF_TIME, END_OF_TIME if settings.not_after is None else settings.not_after)

    def decode(self, fetch: Fetch) -> tuple[Events, list[Rejected]]:
        """The good events of a fetch and the rejected records, each in order; late ones are among the good."""
        records, faults = self._read(fetch.values)
        times = [record.ts for record in records]
        subscribers, nobody = _texts([record.subscriber for record in records])
        cells, nowhere = _texts([record.cell for record in records])
        point = _points([record.lat for record in records], [record.lon for record in records])

        for row in {*_undated(times), *nobody, *_unplaced(nowhere, point)}:
            reason = _fault(records[row])
            if reason is not None and row not in faults:
                faults[row] = reason
                times[row] = 0
        places = self._places.of_cells(cells)
        by_point = np.array([row for row in nowhere if row not in faults], np.int64)
        if point is not None and len(by_point):
            places[by_point] = self._places.of_points(point.lat[by_point], point.lon[by_point])
        for row in nobody:
            subscribers[row] = ""
        events = Events(
            np.arange(len(times)), _milliseconds(times), subscribers, places, self._from(records, subscribers)
        )
        return self._screen(fetch, events, self._of_machines(records, subscribers), faults)

    def _from(self, records: list[Any], subscribers: list[str]) -> NDArray[np.int16]:
        if self._origins is None:
            return np.zeros(len(records), np.int16)
        mccs, homes = [record.mcc for record in records], [record.home for record in records]
        return self._origins.codes(mccs, homes, subscribers)

    def _of_machines(self, records: list[Any], subscribers: list[str]) -> NDArray[np.bool_] | None:
        if self._machines is None:
            return None
        return self._machines.among([record.tac for record in records], subscribers)

    def _read(self, values: list[bytes | None]) -> tuple[list[Any], dict[int, str]]:
        """The records, with a blank one in the place of each that is no JSON object of the right types, and the rows
        of those as malformed."""
        records: list[Any] = []
        faults: dict[int, str] = {}
        rest = iter(values)
        while len(records) < len(values):
            try:
                # what map gave before it raised stays in the list, and it goes on behind the record that raised
                records.extend(map(self._decode, rest))
            except (msgspec.MsgspecError, RecursionError, UnicodeError, TypeError):
                faults[len(records)] = MALFORMED
                records.append(self._blank)
        for row in _not_utf8(values):
            faults[row] = MALFORMED
            records[row] = self._blank
        return records, faults

    def _screen(
        self,
        fetch: Fetch,
        events: Events,
        machines: NDArray[np.bool_] | None,
        faults: dict[int, str],
    ) -> tuple[Events, list[Rejected]]:
        """Reject by time, place and kind of SIM what has no other fault, in the order of docs/contracts.md."""
        times, stamps, nowhere = events.times, fetch.timestamps, events.places < 0
        bad = (times < self._not_before) | (times >= self._not_after)
        future = (stamps != NO_TIMESTAMP) & (times > stamps + self._max_skew)
        wrong = bad | future | nowhere
        if machines is not None:
            wrong |= machines
        wrong[list(faults)] = True
        if not wrong.any():
            return events, []
        rejected = []
        for row in np.flatnonzero(wrong).tolist():
            reason = BAD_TIME if bad[row] else FUTURE if future[row] else UNKNOWN_CELL if nowhere[row] else MACHINE
            rejected.append(Rejected(row, faults.get(row, reason)))
        return events.only(~wrong), rejected
