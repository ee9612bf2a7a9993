"""Released windows from Redis: the hash of each window, with which its other hashes, live hash and series agree."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
from redis import Redis, RedisError

from config.errors import ContractError, ServiceError
from config.settings import Settings
from foule.oracle.result import WindowKey
from foule.proof.released import Released
from indicators.calendar import DAY_MS, Calendar, label_of_width
from indicators.cells import OF_PAIRS, PARTED
from sinks.contract import (
    HEADER,
    Header,
    ZoneValue,
    indicator_key,
    live_key,
    occupancy_key,
    read_header,
    read_occupancy,
    read_segments,
    read_zone_value,
    series_key,
    window_key,
)

_AT_ONCE = 500

_Numbers = dict[str, int]


class _Stored(NamedTuple):
    """What Redis holds, by key: hashes, and the entries of streams."""

    hashes: dict[str, dict[str, str]]
    series: dict[str, list[tuple[str, dict[str, str]]]]


def of_redis(settings: Settings) -> Released:
    """Every window that Redis holds. Raises ServiceError, ContractError."""
    reading = _Reading(settings, _stored(settings))
    reading.take_windows()
    reading.take_indicators()
    reading.take_live()
    reading.take_series()
    return reading.released


def _stored(settings: Settings) -> _Stored:
    try:
        with Redis.from_url(settings.redis.url.reveal(), decode_responses=True) as client:
            keys = list(client.scan_iter("foule:{*}:*", count=_AT_ONCE, _type="hash"))
            streams = list(client.scan_iter("foule:{*}:series:*", count=_AT_ONCE, _type="stream"))
            hashes = {key: client.hgetall(key) for key in keys}
            series = {key: client.xrange(key) for key in streams}
    except RedisError as error:
        raise ServiceError(f"Redis at {settings.redis.url}: the windows cannot be read: {error}") from error
    return _Stored({key: fields for key, fields in hashes.items() if fields}, series)  # some may have expired


class _Reading:
    def __init__(self, settings: Settings, stored: _Stored) -> None:
        self.released = Released()
        self._k = settings.privacy.k
        self._start_of_day = cache(lambda ts: Calendar.of(settings.time).window_of(DAY_MS, ts).start)
        self._widths = {label_of_width(width): int(width) for width in settings.time.windows}
        self._heads = {
            key: (_layer_of(key), read_header(fields[HEADER].encode(), key))
            for key, fields in stored.hashes.items()
            if HEADER in fields
        }
        self._hashes, self._series = stored
        self._zones: dict[str, dict[str, ZoneValue]] = {}

    def take_windows(self) -> None:
        """The hashes of windows, and what the headers of all hashes say."""
        for key, (layer, head) in self._heads.items():
            self.released.require(head.coverage == 1, f"{key}: the coverage is {head.coverage}")
            self.released.require(head.k == self._k, f"{key}: k is {head.k}")
            if key == window_key(layer, head.width, head.start) and head.width in self._widths:
                window = self._window(layer, head)
                self.released.add_window(window)
                self._zones[key] = self._zones_of(key)
                for zone, value in self._zones[key].items():
                    self.released.add_zone(window, zone, value.numbers, value.estimate, f"{key}, {zone}")
            elif key != live_key(layer):
                self.released.problems.append(f"{key}: its header is that of another window")

    def take_indicators(self) -> None:
        """The hashes of the other indicators of these windows; any other hash without a header is a problem."""
        others = {key: fields for key, fields in self._hashes.items() if key not in self._heads}
        for layer, head in self._heads.values():
            if window_key(layer, head.width, head.start) in self._zones:
                window = self._window(layer, head)
                for name in (*OF_PAIRS, *PARTED):
                    key = indicator_key(layer, name, head.width, head.start)
                    self._take_hash(window, name, key, others.pop(key, {}))
        for key, fields in others.items():
            if not self._take_occupancy(key, fields):
                self.released.problems.append(f"{key}: belongs to no window")

    def _take_hash(self, window: WindowKey, indicator: str, key: str, fields: Mapping[str, str]) -> None:
        for field, text in fields.items():
            cell, where = tuple(field.split(">")), f"{key}, {field}"
            if indicator in OF_PAIRS:
                people = _integers({field: text}, key)[field]
                self.released.add_pair(window, indicator, (cell[0], cell[-1]), people, None, where)
            else:
                value = read_segments(text.encode(), key, field)
                self.released.add_segments(window, indicator, cell, value, where)

    def _take_occupancy(self, key: str, fields: Mapping[str, str]) -> bool:
        """Take the hash if it is that of the occupancy of a day on which one of the windows is."""
        layer = _layer_of(key)
        for start in {self._start_of_day(head.start) for of, head in self._heads.values() if of == layer}:
            if key == occupancy_key(layer, start):
                self.released.occupancy.setdefault(layer, {})[start] = {
                    zone: read_occupancy(text.encode(), key, zone) for zone, text in fields.items()
                }
                return True
        return False

    def take_live(self) -> None:
        """A live hash must be the same as the hash of its window."""
        for key, (layer, head) in self._heads.items():
            if key == live_key(layer):
                window = window_key(layer, head.width, head.start)
                same = self._hashes[key] == self._hashes.get(window)
                self.released.require(same, f"{key}: is not the same as {window}")

    def take_series(self) -> None:
        """Every entry of a series must be in the hash of its window."""
        for key, entries in self._series.items():
            layer, (width, zone) = _layer_of(key), key.partition("}:series:")[2].split(":", 1)
            self.released.require(key == series_key(layer, width, zone), f"{key}: is no key of foule")
            for name, fields in entries:
                window = window_key(layer, width, int(name.partition("-")[0]))
                known = self._zones.get(window, {}).get(zone)
                same = known is not None and known.numbers == _integers(fields, key)
                self.released.require(same, f"{key}, entry {name}: is not the same as in {window}")

    def _window(self, layer: str, head: Header) -> WindowKey:
        return WindowKey(layer, self._widths[head.width], head.start, head.end)

    def _zones_of(self, key: str) -> dict[str, ZoneValue]:
        fields = self._hashes[key].items()
        return {zone: read_zone_value(text.encode(), key, zone) for zone, text in fields if zone != HEADER}


def _layer_of(key: str) -> str:
    return key.removeprefix("foule:{").partition("}")[0]


def _integers(fields: Mapping[str, Any], key: str) -> _Numbers:
    try:
        return msgspec.convert(fields, _Numbers, strict=False)
    except msgspec.ValidationError as error:
        raise ContractError(f"the Redis key {key} does not hold what foule writes: {error}") from error
