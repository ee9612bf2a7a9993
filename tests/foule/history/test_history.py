"""Records are taken once, in any order, and what is not of foule is counted and left out."""

from __future__ import annotations

import random
from typing import Any

import pytest

from anonymizer.gate import PUBLISHED_NAMES, People, Publication, ReleasedWindow
from config.times import HOUR, MINUTE
from foule.history.history import Day, History, LeftOut
from foule.history.span import Span
from foule.history.values import Number
from foule.proof.topics import LogRecord
from indicators.calendar import DAY_MS
from indicators.cells import SHAPES
from sinks.extrapolation import MarketShares, estimate
from sinks.kafka import HEADERS, records
from sinks.values import Extrapolation, Values
from tests.foule.history.coast import DAY, LAYER, SETTINGS, START, Topics
from tests.sinks.released import publication

WHOLE = Day(LAYER, DAY, DAY_MS)


def test_what_the_sink_writes_is_read() -> None:
    history = History(SETTINGS)
    released = publication(
        {"beach": {"people": 40, "arrivals": 12}}, {("outside", "beach"): 11}, layer=LAYER, version=7, start=START
    )
    for offset, record in enumerate(records(released)):
        topic = record.topic.removeprefix("foule.")
        history.take(topic, LogRecord(0, offset, 0, record.key, record.value, HEADERS))
    end = START + 5 * MINUTE
    [day] = history.days
    assert day == Day(LAYER, DAY, 5 * MINUTE)
    assert history.numbers(day) == [
        Number("arrivals", ("beach",), None, START, end, 12, 1.0, 7),
        Number("flows", ("outside", "beach"), None, START, end, 11, 1.0, 7),
        Number("presence", ("beach",), None, START, end, 40, 1.0, 7),
    ]
    assert list(history.remarks()) == []


@pytest.mark.parametrize("extrapolation", [None, Extrapolation(MarketShares({("*", "*"): 0.5}), 1.96)])
def test_every_form_that_the_sink_writes_is_read_with_its_people(extrapolation: Extrapolation | None) -> None:
    window = of_every_form()
    history = History(SETTINGS)
    for offset, record in enumerate(records(window, values=Values((), extrapolation))):
        topic = record.topic.removeprefix("foule.")
        history.take(topic, LogRecord(0, offset, 0, record.key, record.value, HEADERS))
    assert list(history.remarks()) == []
    numbers = history.numbers(WHOLE)
    assert {one.indicator for one in numbers} == set(SHAPES)
    assert {(one.indicator, one.cell, one.segment): one.people for one in numbers} == by_name(window.window)
    for one in numbers:
        assert one.estimate == (extrapolation and tuple(estimate(People(one.people), 0.5, 0, 1.96)))
        assert one.volume == (one.estimate[0] if one.estimate else one.people)


def of_every_form() -> Publication:
    """A day with a number of every indicator; all of the devices of a number are of one origin."""
    zones = {"beach": dict(zip(PUBLISHED_NAMES, range(40, 47), strict=True)), "port": {"people": 33}}
    pairs = {("beach", "port"): 27, ("port", "outside"): 19}
    parts: dict[str, dict[tuple[str, ...], dict[str, int]]] = {
        "flow_origins": {("beach", "port"): {"unknown": 27}},
        "dwell_origins": {("beach", "unknown"): {"0-15m": 12}},
        "origins": {("beach",): {"unknown": 40}},
        "arrival_origins": {("beach",): {"unknown": 41}},
        "departure_origins": {("beach",): {"unknown": 42}},
        "night_origins": {("beach",): {"unknown": 45}},
    }
    others = {"dwell": "0-15m", "recurrence": "1", "sojourns": "2", "categories": "transit", "catchment": "outside"}
    parts |= {name: {("beach",): {segment: 30}} for name, segment in others.items()}
    return publication(zones, pairs, trips=pairs, parts=parts, layer=LAYER, width="1d", start=START, version=7)


def by_name(window: ReleasedWindow) -> dict[tuple[str, tuple[str, ...], str | None], int]:
    """The numbers of a window by indicator, cell and segment."""
    found: dict[tuple[str, tuple[str, ...], str | None], int] = {}
    for zone, numbers in window.zones.items():
        found |= {(PUBLISHED_NAMES[name], (zone,), None): people for name, people in numbers.items()}
    for name, pairs in window.pairs.items():
        found |= {(name, pair, None): people for pair, people in pairs.items()}
    for name, cells in window.parts.items():
        for cell, segments in cells.items():
            found |= {(name, cell, segment): people for segment, people in segments.items()}
    return found


def test_every_indicator_is_read_with_its_cell_and_segments() -> None:
    topics = Topics()
    topics.zone("beach", people=90, nights=40, usual=30)
    topics.indicator("trips", {"from": "beach", "to": "port"}, 25)
    topics.indicator("dwell", {"zone": "beach"}, {"0-15m": 30, "15m+": 60})
    topics.indicator("dwell_origins", {"zone": "beach", "origin": "local"}, {"0+": 45})
    topics.indicator("flow_origins", {"from": "beach", "to": "port"}, {"foreign:DE": 26})
    found = {
        (number.indicator, number.cell, number.segment): number.people for number in topics.history().numbers(WHOLE)
    }
    assert found == {
        ("presence", ("beach",), None): 90,
        ("nights", ("beach",), None): 40,
        ("usual", ("beach",), None): 30,
        ("trips", ("beach", "port"), None): 25,
        ("dwell", ("beach",), "0-15m"): 30,
        ("dwell", ("beach",), "15m+"): 60,
        ("dwell_origins", ("beach", "local"), "0+"): 45,
        ("flow_origins", ("beach", "port"), "foreign:DE"): 26,
    }


def test_numbers_do_not_depend_on_the_order_of_records_or_on_how_often_they_come() -> None:
    topics = Topics()
    for after in range(0, HOUR, 5 * MINUTE):
        topics.zone("beach", 5 * MINUTE, after, people=40 + after // MINUTE)
        topics.flow("beach", "port", 30, 5 * MINUTE, after)
    first = topics.history()
    topics.records += random.Random(5).sample(topics.records, 9)
    random.Random(6).shuffle(topics.records)
    again = History(SETTINGS)
    for topic, record in topics.records:
        again.take(topic, record)
    [day] = first.days
    assert again.numbers(day) == first.numbers(day)
    assert (first.again, again.again, again.read) == (0, 9, 33)


@pytest.mark.parametrize("versions", [(7, 8), (8, 7)])
def test_of_the_same_window_and_zone_the_higher_version_counts(versions: tuple[int, int]) -> None:
    topics = Topics()
    for version in versions:
        topics.zone("beach", version=version, people=40 + version)
    history = topics.history()
    assert [(number.people, number.version) for number in history.numbers(WHOLE)] == [(48, 8)]
    assert (history.again, history.left_out) == (1, {})


def test_the_same_version_with_another_number_is_a_contradiction() -> None:
    history = Topics().zone("beach", people=40).zone("beach", people=41).history()
    assert [number.people for number in history.numbers(WHOLE)] == [40]
    assert history.left_out == {"contradiction": LeftOut(1, "offset 1 of partition 0 of the topic of presence")}


GOOD: dict[str, Any] = {"layer": LAYER, "zone": "beach", "start": START, "end": START + DAY_MS, "people": 40}
PAIR: dict[str, Any] = {"layer": LAYER, "from": "beach", "to": "port", "start": START, "end": START + DAY_MS}


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        ("presence", {**GOOD, "people": "40"}, "damaged"),
        ("presence", {**GOOD, "people": -40}, "damaged"),
        ("presence", {**GOOD, "people": {"local": 40}}, "damaged"),
        ("presence", {**GOOD, "start": 10**18, "end": 10**18 + 1}, "damaged"),
        ("presence", {**GOOD, "end": START}, "damaged"),
        ("presence", {**GOOD, "coverage": 1.5}, "damaged"),
        ("presence", {**GOOD, "indicator": "dwell"}, "damaged"),
        ("presence", {name: field for name, field in GOOD.items() if name != "people"}, "damaged"),
        ("presence", {**GOOD, "zone": None, "from": "beach", "to": "port"}, "damaged"),
        ("flows", PAIR, "damaged"),
        ("flows", {**PAIR, "to": "", "people": 30}, "damaged"),
        ("indicators", {**PAIR, "people": 30}, "damaged"),
        ("indicators", {**PAIR, "indicator": "trips", "people": {"local": 30}}, "damaged"),
        ("indicators", {**GOOD, "indicator": "dwell", "people": 30}, "damaged"),
        ("indicators", {**GOOD, "indicator": "weather", "people": {"rain": 30}}, "indicator"),
        ("presence", {**GOOD, "layer": "quarters"}, "layer"),
        ("presence", {**GOOD, "start": START + 1}, "window"),
    ],
)
def test_what_is_not_of_foule_is_counted_and_left_out(topic: str, value: dict[str, Any], reason: str) -> None:
    history = Topics().zone("port", people=50).add(topic, value).history()
    assert {name: left.records for name, left in history.left_out.items()} == {reason: 1}
    [remark] = history.remarks()
    assert remark.startswith("1 records are ")
    assert [number.cell for day in history.days for number in history.numbers(day)] == [("port",)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"value": b"{"}, "damaged"),
        ({"value": b"\xff"}, "damaged"),
        ({"value": None}, "damaged"),
        ({"key": b"coast|port"}, "damaged"),
        ({"key": None}, "damaged"),
        ({"headers": (("schema", b"2"),)}, "schema"),
        ({"headers": ()}, "schema"),
    ],
)
def test_a_damaged_record_is_no_crash(changed: dict[str, Any], reason: str) -> None:
    history = History(SETTINGS)
    [(topic, record)] = Topics().zone("beach", people=40).records
    history.take(topic, record._replace(**changed))
    assert (history.read, list(history.left_out), history.days) == (1, [reason], [])


def test_only_what_was_asked_for_is_kept() -> None:
    topics = Topics().zone("beach", HOUR, 0, people=40).zone("beach", HOUR, HOUR, people=41)
    history = topics.history(Span(START + HOUR, START + 2 * HOUR))
    assert [number.people for number in history.numbers(Day(LAYER, DAY, HOUR))] == [41]
    assert (history.beyond, history.left_out) == (1, {})


def test_windows_with_missing_partitions_are_counted() -> None:
    topics = Topics().add("presence", {**GOOD, "coverage": 0.75}).add("flows", {**PAIR, "people": 30, "coverage": 0.75})
    assert topics.zone("beach", HOUR, people=40).history().partial == 1


def test_a_window_of_which_kafka_may_have_deleted_records_is_left_out() -> None:
    history = History(SETTINGS)
    topics = (
        Topics()
        .zone("beach", HOUR, 0, people=40)
        .zone("port", HOUR, HOUR, people=41)
        .zone("beach", HOUR, HOUR, people=42)
    )
    first, second, third = (record for _, record in topics.records)
    # of partition 1, the records before that of the port in the second hour are gone: those of the first hour may be
    history.take("presence", first._replace(timestamp=1000))
    history.take("presence", second._replace(partition=1, offset=7, timestamp=2000))
    history.take("presence", third._replace(timestamp=2001))
    after = Topics().zone("port", HOUR, 2 * HOUR, people=43).records[0][1]
    history.take("presence", after._replace(partition=1, offset=8, timestamp=3000))
    history.settle()
    [day] = history.days
    assert [(number.start, number.people) for number in history.numbers(day)] == [(START + 2 * HOUR, 43)]
    assert history.left_out["cut"].records == 3
    assert history.whole_from == START + 2 * HOUR
    assert [history.is_whole(START + hours * HOUR) for hours in (1, 2)] == [False, True]


def test_a_topic_that_begins_at_its_beginning_lacks_nothing() -> None:
    history = Topics().zone("beach", HOUR, 0, people=40).history()
    assert (history.whole_from, history.is_whole(0)) == (None, True)


def test_windows_are_listed_in_order() -> None:
    history = Topics().zone("beach", HOUR, HOUR, people=40).zone("port", HOUR, 0, people=41).history()
    assert history.windows(LAYER, HOUR) == [(START, START + HOUR), (START + HOUR, START + 2 * HOUR)]
    assert history.windows(LAYER, DAY_MS) == []
