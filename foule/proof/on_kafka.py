"""Released windows from the output topics, or from the same values in a file (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from config.errors import ContractError
from config.settings import Settings
from foule.oracle.result import WindowKey
from foule.proof.released import Released
from foule.proof.topics import LogRecord, read_topic
from indicators.calendar import Calendar
from indicators.counts import FLOWS
from indicators.plan import Plan
from sinks.contract import Interval, SegmentsValue
from sinks.kafka import HEADERS


class _Window(msgspec.Struct, frozen=True):
    """The fields that every value has."""

    layer: str
    start: int
    end: int
    coverage: float
    version: int


class _Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str = msgspec.field(name="from")
    to: str
    people: int
    estimate: dict[str, Interval] | None = None


class _Indicator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    indicator: str
    people: int | dict[str, int]
    zone: str | None = None
    origin: str | None = None
    came_from: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    km: float | None = None
    quartiles: list[int | None] | None = None
    estimate: dict[str, Interval] | None = None

    @property
    def cell(self) -> tuple[str, ...]:
        """The names of the cell."""
        return tuple(name for name in (self.zone, self.origin, self.came_from, self.to) if name is not None)


def of_topics(settings: Settings) -> Released:
    """All that the output topics hold. Raises ServiceError, ContractError."""
    reading = _Reading(settings)
    for topic in (settings.topics.presence, settings.topics.flows, settings.topics.indicators):
        for record in read_topic(settings, topic):
            reading.take_record(record, f"offset {record.offset} of {topic}, partition {record.partition}")
    return reading.released


def of_values(settings: Settings, values: Iterable[Mapping[str, Any]]) -> Released:
    """What values of these topics say, such as ``foule batch`` writes. Raises ContractError."""
    reading = _Reading(settings)
    for number, value in enumerate(values, 1):
        reading.take(value, f"value {number}")
    return reading.released


class _Reading:
    def __init__(self, settings: Settings) -> None:
        self.released = Released()
        self._plan = Plan.of(settings.indicators, settings.time)
        self._widths_of = cache(Calendar.of(settings.time).widths_of)

    def take_record(self, record: LogRecord, where: str) -> None:
        try:
            value = msgspec.json.decode(record.value or b"", type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise _foreign(where, error) from error
        self.take(value, where)
        key = f"{value['layer']}|{value.get('zone', value.get('from'))}"
        self.released.require(record.headers == HEADERS, f"{where}: its headers are not those of the schema")
        self.released.require(record.key == key.encode(), f"{where}: its key is not {key}")

    def take(self, value: Mapping[str, Any], where: str) -> None:
        """Put the numbers of a value into its window. A value names no width: where windows of several widths have the
        same start and end, and so the same numbers, it counts for each of them."""
        released = self.released
        rest = {name: field for name, field in value.items() if name not in _Window.__struct_fields__}
        try:
            window = msgspec.convert(value, _Window)
            other = msgspec.convert(rest, _Indicator) if "indicator" in rest else None
            flow = msgspec.convert(rest, _Flow) if "from" in rest and not other else None
            zone = "" if flow or other else msgspec.convert(rest.pop("zone", None), str)
            estimate = {} if flow or other else msgspec.convert(rest.pop("estimate", {}), dict[str, Interval])
            numbers = {} if flow or other else msgspec.convert(rest, dict[str, int])
        except msgspec.ValidationError as error:
            raise _foreign(where, error) from error
        released.require(window.coverage == 1, f"{where}: the coverage is {window.coverage}")
        released.require(window.version >= 0, f"{where}: the version is {window.version}")
        widths = self._widths_of(window.start, window.end)
        if other:
            widths = [width for width in widths if other.indicator in self._plan.counted(width)]
        released.require(bool(widths), f"{where}: {window.start} to {window.end} is no window of the settings")
        for width in widths:
            key = WindowKey(window.layer, width, window.start, window.end)
            released.add_window(key)
            if other:
                self._add(key, other, where)
            elif flow:
                released.add_pair(key, FLOWS, (flow.origin, flow.to), flow.people, _people(flow.estimate), where)
            else:
                released.add_zone(key, zone, numbers, estimate, where)

    def _add(self, key: WindowKey, found: _Indicator, where: str) -> None:
        released, cell = self.released, found.cell
        if isinstance(found.people, int):
            pair, estimate = (cell[0], cell[-1]), _people(found.estimate)
            released.add_pair(key, found.indicator, pair, found.people, estimate, where)
        else:
            value = SegmentsValue(people=found.people, quartiles=found.quartiles, estimate=found.estimate)
            released.add_segments(key, found.indicator, cell, value, where)


def _people(estimate: Mapping[str, Interval] | None) -> Interval | None:
    """The estimate of the only number of a pair."""
    return None if estimate is None else estimate.get("people")


def _foreign(where: str, error: Exception) -> ContractError:
    return ContractError(f"{where} is not what foule writes: {error}")
