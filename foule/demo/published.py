"""Published numbers in one form, wherever they are read: in Redis, on the Kafka topics, or from the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from redis import Redis, RedisError

from anonymizer.gate import PUBLISHED_NAMES
from config.errors import ContractError, ServiceError
from config.settings import Settings
from foule.demo.logs import LogRecord, read_topic
from foule.oracle.result import Tallies
from indicators.calendar import label_of_width
from indicators.counts import FLOWS
from sinks.contract import HEADER, flows_key, read_header, read_zone_value

FLOW = "flow"
_PUBLISHED = {name: published for published, name in PUBLISHED_NAMES.items()}
_AT_ONCE = 500


class Number(NamedTuple):
    """What a published number is about. ``start`` and ``end``: UTC ms; ``indicator``: ``people``, ``arrivals``, ...
    with ``to`` empty, or ``flow`` from ``zone`` to ``to``. No width: windows of the same interval are the same."""

    layer: str
    start: int
    end: int
    indicator: str
    zone: str
    to: str = ""


Numbers = dict[Number, int]


class Published(NamedTuple):
    """Numbers, the windows they are of as (layer, width, start, end), and how many came twice with other values."""

    numbers: Numbers
    windows: set[tuple[str, str, int, int]]
    contradictions: int


def of_oracle(released: Tallies) -> Published:
    """What the oracle says must be published."""
    numbers: Numbers = {}
    for window, indicators in released.items():
        place = (window.layer, window.start, window.end)
        for indicator, cells in indicators.items():
            for cell, people in cells.items():
                if indicator == FLOWS:
                    numbers[Number(*place, FLOW, *cell)] = people
                else:
                    numbers[Number(*place, _PUBLISHED[indicator], str(cell))] = people
    windows = {(key.layer, label_of_width(key.width), key.start, key.end) for key in released}
    return Published(numbers, windows, 0)


def of_redis(settings: Settings) -> Published:
    """Every window that Redis holds. Raises ServiceError, ContractError."""
    numbers: Numbers = {}
    windows: set[tuple[str, str, int, int]] = set()
    try:
        with Redis.from_url(settings.redis.url.reveal(), decode_responses=True) as client:
            for layer, width, key in _window_keys(client, settings):
                fields: dict[str, str] = client.hgetall(key)
                header = read_header(fields.pop(HEADER, "").encode(), key)
                place = (layer, header.start, header.end)
                windows.add((layer, width, header.start, header.end))
                for zone, text in fields.items():
                    for name, people in read_zone_value(text.encode(), key, zone).items():
                        numbers[Number(*place, name, zone)] = people
                flows: dict[str, str] = client.hgetall(flows_key(layer, width, header.start))
                for pair, count in flows.items():
                    origin, _, to = pair.partition(">")
                    numbers[Number(*place, FLOW, origin, to)] = int(count)
    except RedisError as error:
        raise ServiceError(f"Redis at {settings.redis.url}: the windows cannot be read: {error}") from error
    return Published(numbers, windows, 0)


def of_topics(settings: Settings) -> Published:
    """Every number on the topics of presence and of flows; ``windows`` is empty, since a record names no width."""
    numbers: Numbers = {}
    contradictions = 0
    for topic in (settings.topics.presence, settings.topics.flows):
        for record in read_topic(settings.kafka, topic):
            for number, people in _numbers_of(record, topic):
                contradictions += numbers.setdefault(number, people) != people
    return Published(numbers, set(), contradictions)


def _window_keys(client: Any, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(layer, width, key) of the hash of each window."""
    for layer in (layer.name for layer in settings.zones.layers):
        for width in map(label_of_width, settings.time.windows):
            for key in client.scan_iter(match=f"foule:{{{layer}}}:{width}:*", count=_AT_ONCE):
                yield layer, width, key


def _numbers_of(record: LogRecord, topic: str) -> Iterator[tuple[Number, int]]:
    try:
        value: Mapping[str, Any] = msgspec.json.decode(record.value or b"", type=dict[str, Any])
        place = (value["layer"], value["start"], value["end"])
        if "from" in value:
            yield Number(*place, FLOW, value["from"], value["to"]), value["people"]
            return
        for name in PUBLISHED_NAMES:
            if name in value:
                yield Number(*place, name, value["zone"]), value[name]
    except (msgspec.DecodeError, KeyError) as error:
        raise ContractError(
            f"offset {record.offset} of {topic}, partition {record.partition}, is not what foule writes: {error!r}"
        ) from error
