"""What follows from released numbers is what the sinks write beside them, and what does not follow is found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anonymizer.gate import Publication
from config.sections import IndicatorsSettings, PeopleSettings, PrivacySettings, RedisSettings
from config.settings import Settings
from config.times import DAY, HOUR, Duration
from foule.oracle.parameters import Parameters
from foule.oracle.result import Result
from foule.proof.checks import check_occupancy, check_people, check_quartiles
from foule.proof.derived import occupancy_of, people_of, quartiles_of
from foule.proof.in_redis import of_redis
from foule.proof.logs import due_letters
from foule.proof.on_kafka import of_values
from foule.proof.released import Released
from indicators.calendar import Calendar, label_of_start
from sinks.kafka import records
from sinks.redis import RedisSink
from sinks.values import Values
from tests.sinks.conftest import redis, redis_settings
from tests.sinks.released import FIVE_MINUTES, NOON, K, Parts, crowd, publication
from zones import Layer

__all__ = ["redis", "redis_settings"]

WIDTHS = (Duration(HOUR), Duration(DAY))
ON = IndicatorsSettings(dwell=WIDTHS, origins=WIDTHS, nights=True, categories=True, trips=True, occupancy=True)
LAYER = Layer("places", ("beach", "port"), ("", ""), ("17", "75"))
PARTS: Parts = {
    "dwell": {("beach",): {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h-2h": 31}},
    "dwell_origins": {("beach", "local"): {"0-15m": 30, "15m-30m": 30}, ("beach", "unknown"): {"0-15m": 12}},
    "origins": {("beach",): {"local": 33, "national:75": 27, "foreign:DE": 23, "foreign:IT": 17, "unknown": 12}},
    "night_origins": {("beach",): {"foreign:DE": 23, "unknown": 17}},
    "flow_origins": {("port", "beach"): {"local": 16, "unknown": 11}},
    "categories": {("port",): {"resident": 40, "transit": 13}},
}
SHARES = "area,origin,share\n*,*,0.37\n17,*,0.31\n17,national,0.29\n*,foreign,0.11\n75,foreign:DE,0.13\n*,local,0.41\n"
DAY_START = NOON - 8 * HOUR


@pytest.fixture
def settings(redis_settings: RedisSettings, tmp_path: Path) -> Settings:
    """Settings with market shares."""
    shares = tmp_path / "shares.csv"
    shares.write_text(SHARES)
    return msgspec.structs.replace(
        Settings(),
        redis=redis_settings,
        indicators=ON,
        privacy=PrivacySettings(k=K, noise=0),
        people=PeopleSettings(shares=shares, confidence=0.9),
    )


def a_day() -> Publication:
    """A window of a day with a number of each form."""
    zones = {"beach": {"people": 112, "arrivals": 43, "nights": 40}, "port": {"people": 53, "vanished": 13}}
    pairs = {("port", "beach"): 27, ("beach", "outside"): 19}
    return publication(
        zones,
        pairs,
        trips=pairs,
        parts=PARTS,
        areas={"beach": "17", "port": "75"},
        width="1d",
        start=DAY_START,
        version=900,
        shortest=False,
    )


def curve() -> Iterator[Publication]:
    """Shortest windows of the same day, and one of the next."""
    for number, people in enumerate((41, 77, 77, 30)):
        yield publication(crowd(people, "beach"), start=NOON + number * FIVE_MINUTES, version=number)
    yield publication(crowd(50, "beach", "port"), start=NOON + 4 * FIVE_MINUTES, version=4)
    yield publication(crowd(66, "port"), start=DAY_START + DAY, version=901)


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Settings]:
    """The settings, once all of it is in Redis."""
    day_of = partial(Calendar.of(settings.time).window_of, DAY)
    async with RedisSink(settings.redis, values=Values.of(settings, [LAYER]), day_of=day_of) as sink:
        for window in (*curve(), a_day()):
            await sink.publish(window)
    yield settings


def on_kafka(settings: Settings) -> list[dict[str, Any]]:
    """The values of the records of the day."""
    return [json.loads(record.value) for record in records(a_day(), values=Values.of(settings, [LAYER]))]


def test_what_the_kafka_sink_writes_beside_numbers_follows_from_them(settings: Settings) -> None:
    released = of_values(settings, on_kafka(settings))
    assert released.problems == []
    quartiles = check_quartiles("quartiles", released)
    people = check_people("people", released, people_of(settings, [LAYER], released.tallies))
    assert (quartiles.holds, quartiles.detail) == (True, "of 3 histograms, all follow from them")
    assert (people.holds, people.detail) == (True, f"of {released.numbers} numbers, all follow from them")


async def test_what_the_redis_sink_writes_beside_numbers_follows_from_them(written: Settings) -> None:
    released = of_redis(written)
    assert released.problems == []
    assert quartiles_of(released.tallies) == released.quartiles != {}
    people = people_of(written, [LAYER], released.tallies)
    without_pairs = {
        window: {name: cells for name, cells in indicators.items() if name not in ("flows", "trips")}
        for window, indicators in people.items()
    }
    assert check_people("people", released, without_pairs).holds
    occupancy = check_occupancy(released, occupancy_of(written, released.tallies))
    assert (occupancy.holds, occupancy.detail) == (True, "of 3 zones and days, all as by the oracle")


def test_without_market_shares_no_people_may_be_estimated(settings: Settings) -> None:
    released = of_values(settings, on_kafka(settings))
    plain = msgspec.structs.replace(settings, people=PeopleSettings())
    assert not check_people("people", released, people_of(plain, [LAYER], released.tallies)).holds
    nothing = of_values(plain, on_kafka(plain))
    assert check_people("people", nothing, people_of(plain, [LAYER], nothing.tallies)).holds


@pytest.mark.parametrize("indicator", ["presence", "flows", "trips", "dwell", "dwell_origins", "origins", "categories"])
def test_a_wrong_estimate_and_a_missing_one_are_found(settings: Settings, indicator: str) -> None:
    for tamper in (lambda interval: [interval[0] + 1, *interval[1:]], None):
        values = on_kafka(settings)
        [value, *_] = [value for value in values if value.get("indicator", _topic(value)) == indicator]
        name = next(iter(value["estimate"]))
        if tamper is None:
            del value["estimate"][name]
        else:
            value["estimate"][name] = tamper(value["estimate"][name])
        released = of_values(settings, values)
        assert not check_people("people", released, people_of(settings, [LAYER], released.tallies)).holds


def _topic(value: dict[str, Any]) -> str:
    return "flows" if "from" in value else "presence"


@pytest.mark.parametrize("quartiles", [[546, 1187, 2349], [546, 1187, None], None])
def test_wrong_quartiles_and_missing_ones_are_found(settings: Settings, quartiles: object) -> None:
    values = on_kafka(settings)
    [dwell] = [value for value in values if value.get("indicator") == "dwell"]
    released = of_values(
        settings, [*(value for value in values if value is not dwell), dwell | {"quartiles": quartiles}]
    )
    assert not check_quartiles("quartiles", released).holds


def test_an_estimate_that_comes_again_with_another_value_is_a_problem(settings: Settings) -> None:
    [value, *_] = on_kafka(settings)
    again = value | {"estimate": {name: [1, 1, 1] for name in value["estimate"]}}
    [problem, *_] = of_values(settings, [value, again]).problems
    assert problem == "value 2: an estimate came again with another value"


OCCUPANCY = f"foule:{{places}}:occupancy:1d:{label_of_start(DAY_START)}"


@pytest.mark.parametrize(
    ("field", "value"),
    [("peak", 78), ("peak_start", NOON), ("mean", 55.1), ("windows", 4), ("sum", 274), ("turnover", 2.05)],
)
async def test_a_wrong_field_of_occupancy_is_found(written: Settings, redis: Any, field: str, value: float) -> None:
    found = json.loads(redis.hget(OCCUPANCY, "beach"))
    assert found[field] != value
    redis.hset(OCCUPANCY, "beach", json.dumps(found | {field: value}))
    assert not _occupancy_holds(written)


async def test_a_missing_occupancy_and_one_too_many_are_found(written: Settings, redis: Any) -> None:
    before = redis.hget(OCCUPANCY, "beach")
    redis.hdel(OCCUPANCY, "beach")
    assert not _occupancy_holds(written)
    redis.hset(OCCUPANCY, mapping={"beach": before, "station": before})
    assert not _occupancy_holds(written)
    redis.hdel(OCCUPANCY, "station")
    assert _occupancy_holds(written)
    off = msgspec.structs.replace(written, indicators=msgspec.structs.replace(ON, occupancy=False))
    assert not _occupancy_holds(off)


async def test_an_occupancy_of_a_day_without_a_window_is_a_problem(written: Settings, redis: Any) -> None:
    other = f"foule:{{places}}:occupancy:1d:{label_of_start(DAY_START - DAY)}"
    redis.copy(OCCUPANCY, other)
    assert of_redis(written).problems == [f"{other}: belongs to no window"]


def _occupancy_holds(settings: Settings) -> bool:
    released: Released = of_redis(settings)
    return check_occupancy(released, occupancy_of(settings, released.tallies)).holds


def test_of_a_machine_no_dead_letter_is_due() -> None:
    result = Result(Parameters())
    result.rejected.update({"machine": 3, "malformed": 2})
    assert due_letters(result) == {"malformed": 2}
