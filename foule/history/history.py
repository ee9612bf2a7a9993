"""The released numbers of a range of time, each once, from records of the output topics; which were left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from sys import intern
from typing import Final, NamedTuple

import msgspec

from config.settings import Settings
from foule.history.span import Span
from foule.history.values import Identity, Number, UnknownIndicatorError, Value
from foule.proof.topics import LogRecord
from indicators.calendar import Calendar, label_of_width
from sinks.kafka import HEADERS

#: Why a record is left out, as a count of records is followed by it.
REASONS: Final = {
    "damaged": "not what foule writes",
    "schema": "of another schema than this version of foule reads",
    "indicator": "of an indicator that this version of foule does not know",
    "layer": "of a layer that the settings do not have",
    "window": "of no window of the settings (time.zone, time.day_start, time.windows)",
    "contradiction": "of the version of another record and say something else",
    "cut": "of windows some of whose records Kafka may have deleted already (topics.output_retention)",
}


class Day(NamedTuple):
    """The windows of a width, in ms, that lie in a local day."""

    layer: str
    date: date
    width: int

    @property
    def width_label(self) -> str:
        """Such as ``5m``."""
        return label_of_width(self.width)


class LeftOut(NamedTuple):
    """How many records were left out for a reason, and where the first one is."""

    records: int
    first: str


class _Kept(NamedTuple):
    """A record's value, of which topic it is, and its Kafka timestamp in ms."""

    topic: str
    value: bytes
    timestamp: int


class History:
    """Takes records in any order and as often as they come; then gives numbers by layer, day and width.

    A record names no width: where windows of several widths have its start and end, it counts for each of them. Of
    records about the same window, cell and indicator the one with the highest version counts.

    Kafka deletes old records partition by partition. A window of which some records may be gone is left out: one whose
    records are no younger than the first that is left of a partition that has lost some. ``whole_from`` is the end of
    the last of these windows (UTC ms), before which days may be incomplete, or None.
    """

    def __init__(self, settings: Settings, span: Span | None = None, layers: Sequence[str] = ()) -> None:
        known = tuple(layer.name for layer in settings.zones.layers)
        self.calendar = Calendar.of(settings.time)
        self.read = 0
        self.again = 0
        self.beyond = 0
        self.whole_from: int | None = None
        self.left_out: dict[str, LeftOut] = {}
        self._known = frozenset(known)
        self._wanted = frozenset(layers or known)
        self._span = span or Span()
        self._days_of = cache(self._find_days)
        self._kept: dict[Day, dict[Identity, _Kept]] = {}
        # of each topic and partition, the first offset that is left and its timestamp
        self._begun: dict[tuple[str, int], tuple[int, int]] = {}
        self._partial: set[tuple[str, int, int]] = set()

    def take(self, topic: str, record: LogRecord) -> None:
        """Take a record of the topic of ``presence``, of ``flows``, or of indicators (any other name)."""
        self.read += 1
        where = f"offset {record.offset} of partition {record.partition} of the topic of {topic}"
        first = (record.offset, record.timestamp)
        self._begun[topic, record.partition] = min(first, self._begun.get((topic, record.partition), first))
        if dict(record.headers) != dict(HEADERS):
            return self._leave("schema", where)
        try:
            value = Value(topic, record.value or b"")
        except UnknownIndicatorError:
            return self._leave("indicator", where)
        except (msgspec.DecodeError, ValueError):
            return self._leave("damaged", where)
        if record.key != f"{value.layer}|{value.identity.cell[0]}".encode():
            return self._leave("damaged", where)
        if value.layer not in self._known:
            return self._leave("layer", where)
        return self._place(topic, record, value, where)

    def settle(self) -> None:
        """Leave out the windows that Kafka may have deleted in part, once all records are taken."""
        # a partition that begins at 0 has lost nothing
        horizon = max((timestamp for offset, timestamp in self._begun.values() if offset), default=None)
        if horizon is None:
            return
        for day, records in list(self._kept.items()):
            oldest: dict[tuple[int, int], int] = {}
            for identity, kept in records.items():
                window = identity[:2]
                oldest[window] = min(kept.timestamp, oldest.get(window, kept.timestamp))
            cut = {window for window, timestamp in oldest.items() if timestamp <= horizon}
            for identity in [identity for identity in records if identity[:2] in cut]:
                del records[identity]
                self._leave("cut", f"start {identity.start} of layer {day.layer}")
            if cut:
                self.whole_from = max(self.whole_from or 0, *(end for _, end in cut))
            if not records:
                del self._kept[day]

    def is_whole(self, start: int) -> bool:
        """Whether Kafka has lost nothing of what was released of windows that start then (UTC ms), or later."""
        return self.whole_from is None or start >= self.whole_from

    @property
    def days(self) -> list[Day]:
        """What there are records of, sorted by layer, day and width."""
        return sorted(self._kept)

    def numbers(self, day: Day) -> list[Number]:
        """The numbers of a layer, local day and width, sorted by indicator, cell, start and segment."""
        found = [
            number for kept in self._kept.get(day, {}).values() for number in Value(kept.topic, kept.value).numbers()
        ]
        return sorted(found, key=lambda number: (*number[:2], number.start, number.segment or ""))

    def windows(self, layer: str, width: int) -> list[tuple[int, int]]:
        """Start and end of each window that there are records of, sorted."""
        days = [day for day in self._kept if (day.layer, day.width) == (layer, width)]
        return sorted({identity[:2] for day in days for identity in self._kept[day]})

    def remarks(self) -> Iterator[str]:
        """A line for each reason for which records were left out."""
        for reason, words in REASONS.items():
            if reason in self.left_out:
                records, first = self.left_out[reason]
                yield f"{records:,} records are {words}, and are left out; the first: {first}"

    @property
    def partial(self) -> int:
        """How many windows lack some partitions (coverage below 1), so that their numbers are too low."""
        return len(self._partial)

    def _place(self, topic: str, record: LogRecord, value: Value, where: str) -> None:
        start, end, indicator, cell = value.identity
        days = self._days_of(value.layer, start, end)
        if not days:
            return self._leave("window", where)
        if value.layer not in self._wanted or not self._span.holds(start):
            self.beyond += 1
            return None
        if value.coverage < 1:
            self._partial.add((value.layer, start, end))
        identity = Identity(start, end, intern(indicator), tuple(map(intern, cell)))
        kept = _Kept(topic, record.value or b"", record.timestamp)
        for day in days:
            records = self._kept.setdefault(day, {})
            before = records.setdefault(identity, kept)
            if before is kept:
                continue
            known = Value(topic, before.value)
            if value.version > known.version:
                records[identity] = kept
            elif value.version == known.version and kept.value != before.value:
                return self._leave("contradiction", where)
            self.again += day is days[0]
        return None

    def _find_days(self, layer: str, start: int, end: int) -> list[Day]:
        widths = self.calendar.widths_of(start, end)
        return [Day(layer, self.calendar.date_of(start), width) for width in widths]

    def _leave(self, reason: str, where: str) -> None:
        before = self.left_out.get(reason, LeftOut(0, where))
        self.left_out[reason] = before._replace(records=before.records + 1)
