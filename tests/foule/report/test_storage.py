"""Every topic and every key of a Redis has its row, with the time that the broker or the Redis is told."""

import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import Duration, Settings, TopicsSettings
from foule.report import storage
from foule.report.document import Code, Text
from foule.report.elsewhere import elsewhere
from sinks import contract
from streams.keystore import PREFIX
from streams.topics import plan
from tests.foule.report.facts import facts_of, settings_with

TOPICS = [field.name for field in msgspec.structs.fields(TopicsSettings) if isinstance(field.default, str)]


def shown(text: Text) -> str:
    return "".join(piece.text if isinstance(piece, Code) else piece for piece in text)


def settings_named(tmp_path: Path) -> Settings:
    return settings_with(tmp_path, topics={key: f"own.{key}" for key in TOPICS}, events={"shuffle": True})


def test_every_topic_of_the_settings_has_one_row_with_its_name(tmp_path: Path) -> None:
    rows = [shown(place.where) for place in storage.topics(facts_of(settings_named(tmp_path)))]
    assert sorted(rows) == sorted(f"topic own.{key}" for key in TOPICS)


def test_every_topic_that_is_made_says_how_long_it_keeps_its_records(tmp_path: Path) -> None:
    settings = settings_named(tmp_path)
    kept = {shown(place.where): shown(place.kept) for place in storage.topics(facts_of(settings))}
    for topic in plan(settings):
        text = kept[f"topic {topic.name}"]
        if topic.config["cleanup.policy"] == "compact":
            assert "the newest of each name stays" in text
        else:
            assert Duration(int(topic.config["retention.ms"])).text in text


@pytest.mark.parametrize("key", [name for name in TopicsSettings.__struct_fields__ if name.endswith("_retention")])
def test_every_retention_is_shown_with_its_key_and_value(tmp_path: Path, key: str) -> None:
    settings = settings_with(tmp_path, topics={key: "77m"}, events={"shuffle": True})
    assert any(f'topics.{key} = "77m"' in shown(place.kept) for place in storage.topics(facts_of(settings)))


def test_topics_that_are_not_used_say_so(tmp_path: Path) -> None:
    unused = [
        shown(place.where)
        for place in storage.topics(facts_of(settings_with(tmp_path)))
        if shown(place.kept) == "not in use: events.shuffle = false"
    ]
    assert unused == ["topic foule.shuffled", "topic foule.sources"]


def test_every_key_of_the_contract_has_one_row(tmp_path: Path) -> None:
    words = {"layer": "LAYER", "width": "WIDTH", "start": 0, "zone": "ZONE", "indicator": "INDICATOR"}
    patterns = {contract.CHANGES}
    for name, function in inspect.getmembers(contract, inspect.isfunction):
        if name.endswith("_key") and function.__module__ == contract.__name__:
            key = function(*(words[parameter] for parameter in inspect.signature(function).parameters))
            patterns.add(key.replace("19700101T0000Z", "START"))
    assert len(patterns) >= 5
    rows = [shown(place.where) for place in storage.published(facts_of(settings_with(tmp_path)))]
    assert sorted(rows) == sorted(patterns)


def test_times_to_live_in_redis_are_those_of_the_settings(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, redis={"window_ttl": "3d", "series_length": 77}, time={"windows": ["10m", "1h"]})
    kept = {shown(place.where): shown(place.kept) for place in storage.published(facts_of(settings))}
    assert kept[contract.live_key("LAYER")] == "30m, unless renewed"
    assert 'redis.window_ttl = "3d"' in kept["foule:{LAYER}:WIDTH:START"]
    assert "redis.series_length = 77" in kept[contract.series_key("LAYER", "WIDTH", "ZONE")]


def test_the_hash_of_indicators_names_those_that_are_on(tmp_path: Path) -> None:
    on: dict[str, dict[str, Any]] = {
        "indicators": {"trips": True, "catchment": True, "occupancy": True},
        "people": {"shares": "shares.csv"},
    }
    named: dict[str, dict[str, dict[str, Any]]] = {"off": {}, "on": on}
    rows = {}
    for name, sections in named.items():
        places = storage.published(facts_of(settings_with(tmp_path, **sections)))
        rows[name] = {shown(place.where): shown(place.holds) for place in places}
    parted, occupancy = "foule:{LAYER}:INDICATOR:WIDTH:START", "foule:{LAYER}:occupancy:1d:START"
    assert rows["off"][parted].endswith("; none is on")
    assert rows["off"][occupancy].endswith("; not in use: indicators.occupancy is off")
    assert rows["on"][parted].endswith("; INDICATOR is one of trips, catchment")
    assert "estimates of people" in rows["on"][parted]
    assert "not in use" not in rows["on"][occupancy]


@pytest.mark.parametrize(
    ("sections", "known"),
    [
        ({}, ()),
        ({"indicators": {"origins": ["1h"]}}, ("origin",)),
        ({"indicators": {"trips": True}}, ("how long", "began", "last stop")),
        ({"indicators": {"categories": True}}, ("origin", "how long", "began", "last stop")),
        (
            {"indicators": {"sojourns": True}, "time": {"epoch_days": 2}},
            ("how long", "began", "last stop", "nights in a row"),
        ),
    ],
)
def test_what_is_known_of_devices_in_memory_and_checkpoints_follows_from_what_is_counted(
    tmp_path: Path, sections: dict[str, dict[str, Any]], known: tuple[str, ...]
) -> None:
    facts = facts_of(settings_with(tmp_path, **sections))
    places = [*storage.topics(facts), *elsewhere(facts)]
    said = {shown(place.where): shown(place.holds) for place in places}
    for where in ("topic foule.checkpoints", "memory of the workers"):
        words = ("origin", "how long", "began", "last stop", "nights in a row")
        assert tuple(word for word in words if word in said[where]) == known


def test_exported_files_and_tables_have_their_rows(tmp_path: Path) -> None:
    facts = facts_of(settings_with(tmp_path, people={"shares": "shares.csv"}))
    rows = {shown(place.where): place for place in elsewhere(facts)}
    assert shown(rows["files that foule export writes"].kept) == "as long as you keep them: no setting ends them"
    [tables] = [where for where in rows if "people.shares" in where]
    assert 'people.shares = "shares.csv"' in tables
    assert str(tmp_path) not in tables


def test_keys_live_as_long_as_their_epochs_and_the_setting_say(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, time={"epoch_days": 3}, keys={"max_age": "6h"})
    key, mark = storage.keys(facts_of(settings))
    assert shown(key.where).startswith(f"{PREFIX}LABEL at rediss://***@keys:6379/0")
    assert "so 79 hours or less" in shown(key.kept)
    assert shown(mark.kept) == 'keys.max_age = "6h"'


@pytest.mark.parametrize(("payload", "holds"), [(True, "PERSONAL DATA: records"), (False, "why a record")])
def test_dead_letters_are_personal_data_if_they_hold_records(tmp_path: Path, payload: bool, holds: str) -> None:
    facts = facts_of(settings_with(tmp_path, events={"rejected_payload": payload}))
    [row] = [place for place in storage.topics(facts) if shown(place.where) == "topic foule.rejected"]
    assert shown(row.holds).startswith(holds)
