"""What the output topics hold is read as windows, and what the contract does not allow is found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from config.errors import ContractError
from config.sections import TimeSettings
from config.settings import Settings, load
from config.times import MINUTE, Duration
from foule.oracle.oracle import WindowKey
from foule.proof.on_kafka import of_topics, of_values
from sinks.kafka import Topics, records
from streams import topics
from tests.conftest import SettingsMaker
from tests.sinks.released import FIVE_MINUTES, NOON, publication

WINDOW = WindowKey("places", FIVE_MINUTES, NOON, NOON + FIVE_MINUTES)
PUBLISHED = publication({"beach": {"people": 30, "arrivals": 12}}, {("outside", "beach"): 11}, version=7)
ZONE, FLOW = (json.loads(record.value) for record in records(PUBLISHED))
TALLIES = {WINDOW: {"presence": {"beach": 30}, "arrivals": {"beach": 12}, "flows": {("outside", "beach"): 11}}}


def test_values_are_read_as_the_oracle_counts() -> None:
    released = of_values(Settings(), [ZONE, FLOW])
    assert (released.tallies, released.problems, released.numbers) == (TALLIES, [], 3)


def test_the_same_again_changes_nothing_and_another_number_is_found() -> None:
    assert of_values(Settings(), [ZONE, FLOW, ZONE, FLOW]) == of_values(Settings(), [ZONE, FLOW])
    released = of_values(Settings(), [ZONE, {**ZONE, "people": 31}, FLOW, {**FLOW, "people": 10}])
    assert released.tallies == TALLIES
    assert released.problems == [
        "value 2: 31 came again with another value, 30 at first",
        "value 4: 10 came again with another value, 11 at first",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coverage": 0.75}, "coverage"),
        ({"version": -1}, "version"),
        ({"start": NOON + 1}, "is no window of the settings"),
        ({"presence": 12}, "'presence' is no name of an indicator"),
    ],
)
def test_what_a_whole_window_must_not_have_is_found(change: Mapping[str, Any], said: str) -> None:
    [problem] = of_values(Settings(), [ZONE | change]).problems
    assert said in problem


@pytest.mark.parametrize(
    "value",
    [
        {**ZONE, "people": "30"},
        {**ZONE, "people": 30.5},
        {**FLOW, "people": None},
        {**FLOW, "zone": "beach"},
        {name: field for name, field in ZONE.items() if name != "zone"},
        {name: field for name, field in ZONE.items() if name != "coverage"},
    ],
)
def test_a_value_that_is_none_of_foule_is_an_error(value: Mapping[str, Any]) -> None:
    with pytest.raises(ContractError, match="value 1 is not what foule writes"):
        of_values(Settings(), [value])


def test_a_value_counts_for_every_width_whose_window_it_may_be_of() -> None:
    # both end with the day, 10 minutes after their start
    time = TimeSettings(windows=(Duration(11 * MINUTE), Duration(13 * MINUTE)), zone="UTC", day_start="00:00")
    end = NOON + 14 * 60 * MINUTE
    value = {**ZONE, "start": end - 10 * MINUTE, "end": end}
    released = of_values(msgspec.structs.replace(Settings(), time=time), [value])
    assert [window.width for window in released.tallies] == [11 * MINUTE, 13 * MINUTE]
    assert released.problems == []


@pytest.fixture
def settings(settings_for: SettingsMaker, tmp_path: Any) -> Settings:
    found = load(settings_for(tmp_path))
    topics.create(found)
    return found


@pytest.fixture
def producer(settings: Settings) -> Iterator[Any]:
    found = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    yield found
    found.close()


def test_topics_are_read_with_keys_and_headers(settings: Settings, producer: Any) -> None:
    for record in records(PUBLISHED, Topics(settings.topics.presence, settings.topics.flows)):
        producer.send(record.topic, record.value, record.key, record.headers)
    producer.flush()
    released = of_topics(settings)
    assert (released.tallies, released.problems) == (TALLIES, [])
    zone, _ = records(PUBLISHED, Topics(settings.topics.presence))
    producer.send(zone.topic, zone.value, b"places|station", zone.headers)
    producer.send(zone.topic, zone.value, zone.key, [("schema", b"2")])
    producer.flush()
    released = of_topics(settings)
    assert released.tallies == TALLIES
    said = sorted(problem.partition(": ")[2] for problem in released.problems)
    assert said == ["its headers are not those of the schema", "its key is not places|beach"]


def test_a_record_that_is_no_json_is_named_by_its_offset(settings: Settings, producer: Any) -> None:
    producer.send(settings.topics.flows, b"{", partition=0).get(30)
    with pytest.raises(ContractError, match=f"offset 0 of {settings.topics.flows}, partition 0 is not what foule"):
        of_topics(settings)
