"""Turns rows of a recorded file into what a probe would have sent: JSON records, keys and times."""

from math import isfinite
from typing import Any, NamedTuple

import msgspec
import numpy as np

from config.sections import EventsSettings, ReplaySettings
from foule.eventfiles.container import LONGEST
from foule.eventfiles.rows import Rows, Wanted
from foule.eventfiles.templates import Template
from foule.eventfiles.times import UNREADABLE, TimeReader, Times

_FIELDS = ("ts", "subscriber", "cell", "lat", "lon", "mcc", "home", "rat", "tac")
_END_OF_CALENDAR = 253_402_300_800_000  # the year 10000


class Batch(NamedTuple):
    """Some events in the order of the file.

    ``keys``: the subscriber as bytes, None where there is none. ``values``: the records. ``ts``: event times,
    (n,) int64 in UTC ms, -1 where they cannot be read. ``damaged``: how many rows could not be taken apart, or
    are too long for a record; their original bytes, cut to LONGEST, are the value. ``undated``: how many rows
    have a time that cannot be read.
    """

    keys: list[bytes | None]
    values: list[bytes]
    ts: Times
    damaged: int = 0
    undated: int = 0


class RecordWriter:
    """Writes rows as events with the field names of the settings."""

    def __init__(self, replay: ReplaySettings, events: EventsSettings) -> None:
        self._reader = TimeReader(replay.time_format, replay.time_zone)
        mapped = {name: text for name in _FIELDS if (text := getattr(replay, name))}
        self._templates = {name: Template(text) for name, text in mapped.items()}
        settings = {
            column: f"replay.{name}" for name, template in self._templates.items() for column in template.columns
        }
        time = self._templates["ts"]
        self.wanted = Wanted(settings, time.text if time.plain else None, self._reader, replay.delimiter)
        self._record = msgspec.defstruct(
            "Record",
            [(name, Any, None) for name in mapped],
            rename={name: getattr(events, name) for name in mapped},
            omit_defaults=True,
            gc=False,
        )
        self._encoder = msgspec.json.Encoder()

    def batch(self, rows: Rows) -> Batch:
        """The records of some rows: empty fields are left out, a time that cannot be read stays as it is."""
        fields = {name: template.of(rows.columns) for name, template in self._templates.items()}
        given = [repr(time) if isinstance(time, float) else time for time in fields["ts"]]
        times = rows.times
        if times is None:
            times = self._reader.read([time if isinstance(time, str) else None for time in given])
        dated = times != UNREADABLE
        numbers: list[object] = times.tolist()
        for row in np.flatnonzero(~dated).tolist():
            numbers[row] = given[row]
        undated = sum(1 for row in np.flatnonzero(~dated).tolist() if given[row] is not None)
        fields["ts"] = numbers
        for name in ("lat", "lon"):
            if name in fields:
                fields[name] = [_number(value) for value in fields[name]]
        keys = [value.encode() if isinstance(value, str) else None for value in fields["subscriber"]]
        values = self._encode(fields, rows.length)
        ts = np.where((times >= 0) & (times < _END_OF_CALENDAR), times, -1)
        damaged = dict(rows.damaged)
        damaged.update((row, value) for row, value in enumerate(values) if len(value) > LONGEST)
        for row, original in damaged.items():
            keys[row], values[row], ts[row] = None, original[:LONGEST], -1
        return Batch(keys, values, ts, len(damaged), undated)

    def _encode(self, fields: dict[str, list[object]], count: int) -> list[bytes]:
        records = list(map(self._record, *fields.values()))
        return self._encoder.encode_lines(records).split(b"\n")[:count]


def _number(value: object) -> object:
    """A coordinate as a number; what is none stays as it is and is rejected later."""
    if not isinstance(value, str) or "_" in value:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if isfinite(number) else value
