"""The occupancy of days in Redis: of what is published, each window once, in every order of versions and writers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import time
from functools import partial
from typing import Any

import pytest

from config.secret import Secret
from config.sections import RedisSettings
from config.times import DAY, HOUR, MINUTE, Duration
from indicators.calendar import Calendar, label_of_start
from sinks.redis import Outcome, RedisSink
from tests.sinks.released import FIVE_MINUTES, NOON, crowd, empty, publication

CALENDAR = Calendar("Europe/Paris", time(4), (FIVE_MINUTES, DAY))
DAY_OF = partial(CALENDAR.window_of, DAY)
START, END = DAY_OF(NOON)[1:]
KEY = f"foule:{{places}}:occupancy:1d:{label_of_start(START)}"
SERIES = "foule:{places}:series:5m:beach"


@pytest.fixture
async def sink(redis_settings: RedisSettings) -> AsyncIterator[RedisSink]:
    """A sink that keeps the occupancy of days."""
    async with RedisSink(redis_settings, day_of=DAY_OF) as sink:
        yield sink


def part(number: int, people: int, *zones: str, version: int = 0) -> Any:
    """The shortest window with this number from noon on."""
    named = zones or ("beach",)
    return publication(crowd(people, *named), start=NOON + number * FIVE_MINUTES, version=version or 100 + number)


def whole(people: int, version: int = 900, start: int = START) -> Any:
    """The window of the day."""
    return publication(crowd(people, "beach"), width="1d", start=start, version=version, shortest=False)


def occupancy(redis: Any, zone: str = "beach", key: str = KEY) -> Any:
    """What Redis says of a zone's day."""
    return json.loads(redis.hget(key, zone) or "null")


async def test_peak_mean_and_windows_are_of_the_shortest_windows_and_turnover_comes_with_the_day(
    sink: RedisSink, redis: Any
) -> None:
    for number, people in enumerate((40, 70, 70, 31)):
        await sink.publish(part(number, people))
    so_far = {"peak": 70, "peak_start": NOON + FIVE_MINUTES, "sum": 211, "windows": 4, "mean": 52.8}
    assert occupancy(redis) == so_far
    await sink.publish(whole(500))
    assert occupancy(redis) == so_far | {"turnover": 9.48}


async def test_only_the_shortest_windows_and_the_day_count(sink: RedisSink, redis: Any) -> None:
    await sink.publish(part(0, 40))
    await sink.publish(publication(crowd(90, "beach"), width="1h", version=200, shortest=False))
    assert (occupancy(redis)["peak"], occupancy(redis)["windows"]) == (40, 1)


async def test_a_zone_is_in_it_once_one_of_its_windows_is_published(sink: RedisSink, redis: Any) -> None:
    await sink.publish(part(0, 40, "beach", "station"))
    await sink.publish(part(1, 50))
    await sink.publish(empty(NOON + 2 * FIVE_MINUTES, version=102))
    await sink.publish(publication({"beach": {"arrivals": 30}}, start=NOON + 3 * FIVE_MINUTES, version=103))
    await sink.publish(whole(500))
    assert (occupancy(redis)["windows"], occupancy(redis)["sum"]) == (2, 90)
    assert (occupancy(redis, "station")["windows"], occupancy(redis, "station")["sum"]) == (1, 40)
    assert "turnover" not in occupancy(redis, "station"), "its day is not published"


async def test_a_day_of_which_no_shortest_window_is_published_has_none(sink: RedisSink, redis: Any) -> None:
    await sink.publish(whole(500))
    assert not redis.exists(KEY)


async def test_each_local_day_has_its_own(sink: RedisSink, redis: Any) -> None:
    last, first = END - FIVE_MINUTES, END
    for version, start, people in ((1, last, 40), (2, first, 60)):
        await sink.publish(publication(crowd(people, "beach"), start=start, version=version))
    await sink.publish(whole(80, start=END))
    tomorrow = occupancy(redis, key=f"foule:{{places}}:occupancy:1d:{label_of_start(END)}")
    assert (occupancy(redis)["peak"], occupancy(redis)["windows"]) == (40, 1)
    assert (tomorrow["peak"], tomorrow["windows"], tomorrow["turnover"]) == (60, 1, 1.33)
    assert "turnover" not in occupancy(redis)


async def test_it_lives_as_long_as_a_window(redis_url: str, redis: Any) -> None:
    settings = RedisSettings(url=Secret(redis_url), window_ttl=Duration(2 * DAY))
    async with RedisSink(settings, day_of=DAY_OF) as sink:
        await sink.publish(part(0, 40))
        redis.pexpire(KEY, HOUR)
        await sink.publish(part(1, 40))
    assert 2 * DAY - MINUTE < redis.pttl(KEY) <= 2 * DAY


async def test_without_it_there_is_none(redis_settings: RedisSettings, redis: Any) -> None:
    async with RedisSink(redis_settings) as sink:
        await sink.publish_all([part(0, 40), whole(500)])
    assert not redis.keys("*occupancy*")


# --- what is published again


async def test_the_same_version_again_counts_once(sink: RedisSink, redis: Any) -> None:
    windows = [part(0, 40), part(1, 60), whole(500)]
    await sink.publish_all(windows)
    before = occupancy(redis)
    assert await sink.publish_all(windows) == [Outcome.REPEATED] * 3
    assert occupancy(redis) == before


async def test_a_successor_that_publishes_the_last_windows_again_adds_nothing(
    redis_settings: RedisSettings, redis: Any
) -> None:
    windows = [part(number, 40 + number) for number in range(6)]
    async with RedisSink(redis_settings, day_of=DAY_OF) as first:
        await first.publish_all(windows[:4])
    async with RedisSink(redis_settings, day_of=DAY_OF) as second:
        await second.publish_all(windows[2:])
    assert (occupancy(redis)["windows"], occupancy(redis)["sum"]) == (6, sum(range(40, 46)))


async def test_a_window_whose_hash_has_expired_counts_once(sink: RedisSink, redis: Any) -> None:
    windows = [part(0, 40), part(1, 60)]
    await sink.publish_all(windows)
    before = occupancy(redis)
    redis.delete(*redis.keys("foule:{places}:5m:*"))
    assert await sink.publish_all(windows) == [Outcome.PLACED] * 2
    assert occupancy(redis) == before


async def test_a_newer_version_with_the_same_numbers_counts_once(sink: RedisSink, redis: Any) -> None:
    await sink.publish_all([part(0, 40), part(1, 60)])
    before = occupancy(redis)
    await sink.publish_all([part(0, 40, version=300), part(1, 60, version=301)])
    assert occupancy(redis) == before


async def test_a_newer_version_counts_in_place_of_the_older(sink: RedisSink, redis: Any) -> None:
    await sink.publish_all([part(0, 80), part(1, 60), whole(500)])
    await sink.publish(part(0, 50, version=950))
    assert occupancy(redis) == {
        "peak": 60,
        "peak_start": NOON + FIVE_MINUTES,
        "sum": 110,
        "windows": 2,
        "mean": 55,
    }, "the turnover is that of the mean before"
    await sink.publish(whole(500, version=951))
    assert occupancy(redis)["turnover"] == 9.09


async def test_what_a_newer_version_withdraws_does_not_count(sink: RedisSink, redis: Any) -> None:
    await sink.publish_all([part(0, 80, "beach", "station"), part(1, 60), whole(500)])
    await sink.publish(empty(NOON, version=950))
    assert (occupancy(redis)["peak"], occupancy(redis)["windows"]) == (60, 1)
    assert occupancy(redis, "station") is None
    await sink.publish(whole(500, version=951))
    assert occupancy(redis)["turnover"] == 8.33
    await sink.publish(empty(START, version=952, width="1d", shortest=False))
    assert "turnover" not in occupancy(redis)


async def test_a_window_that_comes_late_is_counted(sink: RedisSink, redis: Any) -> None:
    await sink.publish_all([part(0, 40), part(2, 70), part(1, 70)])
    assert occupancy(redis) == {
        "peak": 70,
        "peak_start": NOON + FIVE_MINUTES,
        "sum": 180,
        "windows": 3,
        "mean": 60,
    }


async def test_a_series_that_is_shorter_than_the_day_takes_nothing_away(redis_url: str, redis: Any) -> None:
    async with RedisSink(RedisSettings(url=Secret(redis_url), series_length=2), day_of=DAY_OF) as sink:
        await sink.publish_all([part(number, 90 - number) for number in range(5)])
        await sink.publish(part(4, 20, version=950))
    assert redis.xlen(SERIES) == 2
    assert (occupancy(redis)["peak"], occupancy(redis)["windows"]) == (90, 5)


# --- what Redis has lost


async def test_after_redis_was_emptied_windows_tells_of_how_many_it_is(sink: RedisSink, redis: Any) -> None:
    await sink.publish_all([part(0, 90), part(1, 80)])
    redis.flushall()
    await sink.publish_all([part(1, 80), part(2, 40), whole(500)])
    assert occupancy(redis) == {
        "peak": 80,
        "peak_start": NOON + FIVE_MINUTES,
        "sum": 120,
        "windows": 2,
        "mean": 60,
        "turnover": 8.33,
    }


async def test_where_it_is_missing_the_series_of_the_day_make_it(redis_settings: RedisSettings, redis: Any) -> None:
    before = publication(crowd(99, "beach"), start=START - FIVE_MINUTES, version=1)
    async with RedisSink(redis_settings) as without:
        await without.publish_all([before, part(0, 40), part(1, 60)])
    async with RedisSink(redis_settings, day_of=DAY_OF) as sink:
        await sink.publish(part(2, 50))
    assert (occupancy(redis)["peak"], occupancy(redis)["windows"], occupancy(redis)["mean"]) == (60, 3, 50)
