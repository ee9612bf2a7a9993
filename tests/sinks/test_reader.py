"""Reading back what the sink wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from config.errors import ContractError, ServiceError, SettingsError
from config.secret import Secret
from config.sections import RedisSettings
from foule.server_process import free_port
from sinks.extrapolation import MarketShares
from sinks.reader import LiveReader
from sinks.redis import RedisSink
from sinks.values import Extrapolation, Values
from tests.sinks.released import FIVE_MINUTES, NOON, crowd, empty, publication

HOUR = 3_600_000


@pytest.fixture
def reader(redis_settings: RedisSettings) -> Iterator[LiveReader]:
    with LiveReader(redis_settings) as reader:
        yield reader


async def test_a_layer_is_read_as_it_was_published(sink: RedisSink, reader: LiveReader) -> None:
    zones = {"beach": {"people": 40, "arrivals": 12}, "port": {"people": 90}, "station": {"departures": 33}}
    flows = {("beach", "port"): 11, ("port", "outside"): 25, ("outside", "beach"): 11}
    await sink.publish(publication(zones, flows, version=7, coverage=0.5))
    view = reader.live("places")
    assert view is not None
    assert (view.layer, view.zone_count) == ("places", 3)
    head = view.header
    assert (head.start, head.end, head.width) == (NOON, NOON + FIVE_MINUTES, "5m")
    assert (head.version, head.coverage, head.k) == (7, 0.5, 10)
    assert {zone.zone: dict(zone.numbers) for zone in view.zones} == zones
    assert [zone.zone for zone in view.zones] == ["port", "beach", "station"], "most people first"
    assert view.flows == (("port", "outside", 25), ("beach", "port", 11), ("outside", "beach", 11))
    assert view.placed == pytest.approx(time.time(), abs=30)


async def test_people_who_are_estimated_are_read_beside_the_numbers(
    redis_settings: RedisSettings, reader: LiveReader
) -> None:
    values = Values((), Extrapolation(MarketShares({("*", "*"): 0.5}), 1.96))
    async with RedisSink(redis_settings, values=values) as sink:
        await sink.publish(publication(crowd(70, "beach"), start=NOON - FIVE_MINUTES))
        await sink.publish(publication({"beach": {"people": 40, "arrivals": 12}}, {("beach", "port"): 11}, version=2))
    view = reader.live("places")
    assert view is not None
    [beach] = view.zones
    assert (beach.numbers, beach.change) == ({"people": 40, "arrivals": 12}, -30)
    assert beach.estimate == {"people": (80, 62, 98), "arrivals": (24, 14, 34)}
    assert view.flows == (("beach", "port", 11),)


async def test_the_change_is_against_the_window_before(sink: RedisSink, reader: LiveReader) -> None:
    await sink.publish_all(
        [
            publication(crowd(70, "gone", "back"), start=NOON - FIVE_MINUTES, version=1),
            publication({**crowd(40, "beach"), "quiet": {"arrivals": 10}}, version=2),
            publication(crowd(33, "beach", "back", "quiet", "first"), start=NOON + FIVE_MINUTES, version=3),
        ]
    )
    view = reader.live("places", windows=3)
    assert view is not None
    found = {zone.zone: (zone.change, zone.history) for zone in view.zones}
    assert found == {
        "back": (None, (70, None, 33)),
        "beach": (-7, (None, 40, 33)),
        "first": (None, (None, None, 33)),
        "quiet": (None, (None, None, 33)),
    }


async def test_the_day_before_a_day_of_25_hours_is_the_window_before(sink: RedisSink, reader: LiveReader) -> None:
    sunday = 1_414_292_400_000  # 2014-10-26T03:00:00Z, 04:00 in Paris; Saturday began at 04:00 summer time
    days = [
        publication(crowd(50, "beach"), width="1d", start=sunday - 25 * HOUR, version=1),
        publication(crowd(80, "beach"), width="1d", start=sunday, version=2),
    ]
    await sink.publish_all(days)
    view = reader.live("places", windows=2)
    assert view is not None
    assert (view.zones[0].change, view.zones[0].history) == (30, (50, 80))


async def test_a_limit_reads_the_zones_with_most_people(sink: RedisSink, reader: LiveReader) -> None:
    await sink.publish(publication({f"z{n:04}": {"people": 10 + n} for n in range(2500)}))
    view, whole = reader.live("places", limit=3), reader.live("places")
    assert view is not None
    assert whole is not None
    assert [zone.zone for zone in view.zones] == ["z2499", "z2498", "z2497"]
    assert view.zone_count == len(whole.zones) == 2500


async def test_a_layer_without_live_numbers_is_none(sink: RedisSink, reader: LiveReader) -> None:
    assert reader.live("places") is None
    assert reader.version("places") is None
    await sink.publish(publication(crowd(40, "beach")))
    assert reader.version("places") == 1
    await sink.publish(empty(NOON + FIVE_MINUTES, version=2))
    assert reader.live("places") is None
    assert reader.version("places") is None


async def test_announced_layers_are_found(sink: RedisSink, reader: LiveReader) -> None:
    assert reader.announced_layers() == ()
    await sink.publish_all([publication(crowd(40, "a"), layer=name) for name in ("towns", "places", "towns.2")])
    assert reader.announced_layers() == ("places", "towns", "towns.2")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("_", "5"),
        ("_", '{"start":1}'),
        ("beach", "many"),
        ("beach", '{"people":"x"}'),
        ("beach", '{"people":40,"estimate":80}'),
        ("beach", '{"people":{"local":[1,2,3]}}'),
    ],
)
async def test_what_foule_did_not_write_is_an_error_with_key_and_field(
    sink: RedisSink, reader: LiveReader, redis: Any, field: str, value: str
) -> None:
    await sink.publish(publication(crowd(40, "beach")))
    redis.hset("foule:{places}:live", field, value)
    with pytest.raises(ContractError, match=rf"foule:\{{places\}}:live, field '{field}'"):
        reader.live("places")


def test_a_redis_that_does_not_answer_is_an_error_without_its_password() -> None:
    reader = LiveReader(RedisSettings(url=Secret(f"redis://:hunter2@127.0.0.1:{free_port()}/0")))
    with pytest.raises(ServiceError, match=r"redis\.url.*is Redis running there\?") as caught:
        reader.announced_layers()
    assert "hunter2" not in str(caught.value)


def test_an_address_that_is_none_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"redis\.url"):
        LiveReader(RedisSettings(url=Secret("http://:hunter2@host")))
