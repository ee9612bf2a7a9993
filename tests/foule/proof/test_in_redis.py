"""What Redis holds is read as windows, and a key that says otherwise than its window is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from config.sections import PrivacySettings, RedisSettings
from config.settings import Settings
from foule.oracle.oracle import WindowKey
from foule.proof.in_redis import of_redis
from sinks.redis import RedisSink
from tests.sinks.conftest import redis, redis_settings, sink
from tests.sinks.released import FIVE_MINUTES, NOON, K, publication

__all__ = ["redis", "redis_settings", "sink"]

WINDOW = "foule:{places}:5m:20140628T1000Z"
FLOWS = "foule:{places}:flows:5m:20140628T1000Z"
LIVE = "foule:{places}:live"
SERIES = "foule:{places}:series:5m:beach"
KEY = WindowKey("places", FIVE_MINUTES, NOON, NOON + FIVE_MINUTES)
TALLIES = {KEY: {"presence": {"beach": 30}, "arrivals": {"beach": 12}, "flows": {("outside", "beach"): 11}}}


@pytest.fixture
async def settings(sink: RedisSink, redis_settings: RedisSettings) -> Settings:
    """Settings for a Redis that holds one window with all that belongs to it."""
    await sink.publish(publication({"beach": {"people": 30, "arrivals": 12}}, {("outside", "beach"): 11}))
    return msgspec.structs.replace(Settings(), redis=redis_settings, privacy=PrivacySettings(k=K))


async def test_a_window_is_read_as_the_oracle_counts(settings: Settings) -> None:
    released = of_redis(settings)
    assert (released.tallies, released.problems, released.numbers) == (TALLIES, [], 3)


async def test_an_older_window_is_read_beside_the_live_one(settings: Settings, sink: RedisSink) -> None:
    later = publication({"station": {"people": 20}}, start=NOON + FIVE_MINUTES, version=2)
    hour = publication({"beach": {"people": 40}}, width="1h", version=3, shortest=False)
    await sink.publish_all([later, hour])
    released = of_redis(settings)
    assert [len(released.tallies), released.numbers, released.problems] == [3, 5, []]


def header(redis: Any, **changes: object) -> str:
    return json.dumps(json.loads(redis.hget(WINDOW, "_")) | changes)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda redis: redis.hset(LIVE, "beach", '{"people":31,"arrivals":12}'), [LIVE]),
        (lambda redis: redis.hset(LIVE, "station", '{"people":31}'), [LIVE]),
        (lambda redis: redis.hset(WINDOW, "beach", '{"people":30}'), [LIVE, SERIES]),
        (lambda redis: redis.delete(WINDOW), [FLOWS, LIVE, SERIES]),
        (lambda redis: redis.xadd(SERIES, {"people": "30"}, f"{NOON + FIVE_MINUTES}-0"), [SERIES]),
        (lambda redis: redis.hset(WINDOW, "_", header(redis, k=20)), [WINDOW, LIVE]),
        (lambda redis: redis.hset(WINDOW, "_", header(redis, coverage=0.5)), [WINDOW, LIVE]),
        (lambda redis: redis.rename(WINDOW, WINDOW.replace("1000Z", "1005Z")), [FLOWS, LIVE, SERIES, "other"]),
        (lambda redis: redis.hset("foule:{places}:something", "beach", "30"), ["foule:{places}:something"]),
    ],
)
async def test_what_does_not_agree_with_its_window_is_found(
    settings: Settings, redis: Any, tamper: Callable[[Any], object], said: list[str]
) -> None:
    tamper(redis)
    names = [WINDOW.replace("1000Z", "1005Z") if name == "other" else name for name in said]
    found = of_redis(settings).problems
    assert sorted(problem.partition(": ")[0].partition(",")[0] for problem in found) == sorted(names)


async def test_a_window_without_any_number_is_there(settings: Settings, redis: Any) -> None:
    redis.hdel(WINDOW, "beach")
    redis.delete(FLOWS)
    assert of_redis(settings).tallies == {KEY: {}}
