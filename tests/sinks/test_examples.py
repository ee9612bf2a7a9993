"""The examples of indicators are what the sinks write: in Redis, and as records for Kafka."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
import pytest

from anonymizer.gate import Publication, reopen
from config.sections import RedisSettings, TimeSettings
from config.times import DAY, MINUTE, Duration
from indicators.calendar import Calendar, label_of_start, label_of_width
from indicators.cells import OF_PAIRS, PARTED
from indicators.definitions import DEFINITIONS, Definition, Of, Windows
from sinks.extrapolation import MarketShares, quantile
from sinks.kafka import records
from sinks.redis import RedisSink
from sinks.values import Extrapolation, Values
from zones import Layer
from zones.centres import EARTH_KM

LAYER, ZONE, FROM, ORIGIN = "communes", "17094", "17300", "local"
VERSION = 88123
TIME = TimeSettings(windows=(Duration(5 * MINUTE), Duration(60 * MINUTE), Duration(DAY)))
DAY_OF = partial(Calendar.of(TIME).window_of, DAY)
# 12.4 km north of the other
CENTRES = ((46.0, -1.0), (46.0 + math.degrees(12.4 / EARTH_KM), -1.0))
COMMUNES = Layer(LAYER, (ZONE, FROM), ("", ""), (None, None), centres=CENTRES)


class Example(NamedTuple):
    """A released window, and what readers get of it."""

    publication: Publication
    values: Values


def released(start: int, end: int, width: int, zones: Any = None, pairs: Any = None, parts: Any = None) -> Publication:
    """A publication of these numbers, as the gate's bytes hold them."""
    head = (LAYER, label_of_width(width), start, end, 1.0, 20, 5)
    wire = msgspec.msgpack.encode((*head, zones or {}, pairs or {}, parts or {}))
    return Publication(reopen(wire), VERSION, width == 5 * MINUTE)


def example_of(definition: Definition) -> Example:
    """The window of which the definition's example is."""
    assert definition.record is not None
    value, record = json.loads(definition.value_text), json.loads(definition.record_text or "")
    start, end = record["start"], record["end"]
    width = DAY if definition.windows is Windows.DAY else end - start
    put = partial(released, start, end, width)
    estimating = isinstance(value, Mapping) and "estimate" in value
    extrapolation = Extrapolation(MarketShares({("*", "*"): 0.4}), quantile(0.95)) if estimating else None
    values = Values([COMMUNES], extrapolation)
    if definition.name in PARTED:
        cell = {Of.ZONE: (ZONE,), Of.PAIR: (FROM, ZONE), Of.ZONE_AND_ORIGIN: (ZONE, ORIGIN)}[definition.of]
        return Example(put(parts={definition.name: [(cell, value["people"])]}), values)
    if definition.field == "FROM>TO":
        name = definition.name if definition.name in OF_PAIRS else "flows"
        return Example(put(pairs={name: [(FROM, ZONE, value)]}), values)
    return Example(put(zones={ZONE: {name: number for name, number in value.items() if name != "estimate"}}), values)


@pytest.mark.parametrize("definition", [each for each in DEFINITIONS if each.record], ids=lambda each: each.name)
def test_the_example_of_a_record_is_what_the_kafka_sink_sends(definition: Definition) -> None:
    publication, values = example_of(definition)
    [record] = records(publication, values=values)
    assert record.value.decode() == definition.record_text
    assert record.topic == str(definition.topic).replace("topics.", "foule.")


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: each.name)
async def test_the_example_of_a_value_is_what_the_redis_sink_writes(
    definition: Definition, redis_settings: RedisSettings, redis: Any
) -> None:
    windows, values = list(a_day()), Values()
    if definition.record is not None:
        example = example_of(definition)
        windows, values = [example.publication], example.values
    async with RedisSink(redis_settings, values=values, day_of=DAY_OF) as sink:
        await sink.publish_all(windows)
    window = windows[-1].window
    key = definition.key.replace("LAYER", LAYER).replace("WIDTH", window.width)
    field = definition.field.replace("ZONE", ZONE).replace("ORIGIN", ORIGIN).replace("FROM", FROM).replace("TO", ZONE)
    written = redis.hget(key.replace("START", label_of_start(window.start)), field)
    if definition.name == "occupancy":  # in any order of its fields
        assert json.loads(written) == definition.value
    else:
        assert written == definition.value_text


def a_day() -> Iterator[Publication]:
    """The shortest windows of the day of the example of occupancy, and that day."""
    [of_day] = [definition.value for definition in DEFINITIONS if definition.name == "occupancy"]
    assert isinstance(of_day, dict)
    peak, peak_start, total, count = (int(str(of_day[name])) for name in ("peak", "peak_start", "sum", "windows"))
    day = DAY_OF(peak_start)
    starts = range(day.start, day.end, 5 * MINUTE)
    assert len(starts) == count and peak_start in starts
    low, more = divmod(total - peak, count - 1)
    others = [low + (at < more) for at in range(count - 1)]
    for start in starts:
        people = peak if start == peak_start else others.pop()
        yield released(start, start + 5 * MINUTE, 5 * MINUTE, zones={ZONE: {"people": people}})
    yield released(day.start, day.end, DAY, zones={ZONE: {"people": 5210}})
