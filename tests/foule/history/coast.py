"""A coast with three zones, and records of its windows as the output topics hold them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from config.sections import LayerSettings, TimeSettings, ZonesSettings
from config.settings import Settings
from config.times import HOUR, MINUTE, Duration
from foule.history.atlas import Atlas
from foule.history.history import History
from foule.history.span import Span
from foule.proof.topics import LogRecord
from indicators.calendar import DAY_MS, Calendar
from sinks.kafka import HEADERS
from zones.layers import Layer

DAY = date(2014, 6, 28)
TIME = TimeSettings(windows=(Duration(5 * MINUTE), Duration(HOUR), Duration(DAY_MS)))
START = Calendar.of(TIME).day_start(DAY.toordinal())  # 04:00 in Paris, 02:00 UTC
LAYER = "coast"
SETTINGS = msgspec.structs.replace(
    Settings(), time=TIME, zones=ZonesSettings(layers=(LayerSettings(name=LAYER, file=Path("coast.geojson")),))
)
# 1 degree of latitude is 111.195 km; two zones have the same title
ATLAS = Atlas(
    [
        Layer(
            LAYER,
            ("beach", "port", "old-port", "hills"),
            ("La plage", "Le port", "Le port", "hills"),
            ("17", "17", None, None),
            centres=((46.0, -1.0), (46.1, -1.0), (46.003, -1.0), None),
        )
    ]
)


def quiet(done: float, note: str) -> None:
    """A progress that nobody sees."""


class Topics:
    """Makes records of one partition a topic, in order; each of a window of ``width`` that starts ``after`` the day."""

    def __init__(self) -> None:
        self.records: list[tuple[str, LogRecord]] = []

    def zone(self, zone: str, width: int = DAY_MS, after: int = 0, *, version: int = 1, **numbers: object) -> Topics:
        """A record of ``foule.presence``."""
        return self.add("presence", {"layer": LAYER, "zone": zone} | _window(width, after) | numbers, version)

    def flow(
        self,
        one: str,
        other: str,
        people: int,
        width: int = DAY_MS,
        after: int = 0,
        *,
        version: int = 1,
        **more: object,
    ) -> Topics:
        """A record of ``foule.flows``."""
        value = {"layer": LAYER, "from": one, "to": other, **_window(width, after), "people": people, **more}
        return self.add("flows", value, version)

    def indicator(
        self,
        name: str,
        cell: dict[str, str],
        people: object,
        width: int = DAY_MS,
        after: int = 0,
        *,
        version: int = 1,
        **more: object,
    ) -> Topics:
        """A record of ``foule.indicators``."""
        value = {"indicator": name, "layer": LAYER, **cell, **_window(width, after), "people": people, **more}
        return self.add("indicators", value, version)

    def add(self, topic: str, value: dict[str, Any], version: int = 1) -> Topics:
        """A record with this value, its coverage and ``version``."""
        content = json.dumps({"coverage": 1.0, **value, "version": version}).encode()
        key = f"{value['layer']}|{value.get('zone', value.get('from'))}"
        offset = sum(name == topic for name, _ in self.records)
        self.records.append((topic, LogRecord(0, offset, START + offset, key.encode(), content, HEADERS)))
        return self

    def history(self, span: Span | None = None, layers: Iterable[str] = ()) -> History:
        """All of it, taken."""
        found = History(SETTINGS, span, tuple(layers))
        for topic, record in self.records:
            found.take(topic, record)
        found.settle()
        return found


def _window(width: int, after: int) -> dict[str, int]:
    return {"start": START + after, "end": START + after + width}
