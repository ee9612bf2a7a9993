"""The Redis sink on a real Redis: what consumers find there, in every order of versions, windows and writers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis.crc import key_slot

from config.errors import ServiceError, SettingsError, ZonesError
from config.secret import Secret
from config.sections import RedisSettings
from config.times import DAY, MINUTE, Duration
from foule.embedded import EmbeddedRedis
from foule.server_process import free_port
from indicators.calendar import Window, label_of_start
from sinks.redis import Outcome, RedisSink
from tests.services.real_redis import RealRedis
from tests.sinks.clients import consumer
from tests.sinks.released import FIVE_MINUTES, NOON, Parts, crowd, empty, publication

LIVE = "foule:{places}:live"
WINDOW = "foule:{places}:5m:20140628T1000Z"
FLOWS = "foule:{places}:flows:5m:20140628T1000Z"
BEACH = "foule:{places}:series:5m:beach"
STATION = "foule:{places}:series:5m:station"
CHANGES = "foule:changes"


def contents(redis: Any) -> dict[str, Any]:
    """Every key with its value, times to live apart; announcements without their ids, which are wall clock."""
    found: dict[str, Any] = {}
    for key in sorted(redis.keys("*")):
        if redis.type(key) == "hash":
            found[key] = redis.hgetall(key)
        elif key == CHANGES:
            found[key] = [fields for _, fields in redis.xrange(key)]
        else:
            found[key] = redis.xrange(key)
    return found


def header(redis: Any, key: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(redis.hget(key, "_") or "null")
    return value


async def test_a_window_is_written_as_the_contract_says(sink: RedisSink, redis: Any) -> None:
    zones = {"beach": {"people": 1240, "arrivals": 310, "departures": 275, "appeared": 40}, "station": {"vanished": 11}}
    flows = {("beach", "station"): 25, ("outside", "beach"): 12}
    outcome = await sink.publish(publication(zones, flows, version=88123, coverage=0.75))
    assert outcome is Outcome.PLACED
    head = '{"start":1403949600000,"end":1403949900000,"width":"5m","version":88123,"coverage":0.75,"k":10,"noise":0}'
    window = {
        "_": head,
        "beach": '{"people":1240,"arrivals":310,"departures":275,"appeared":40}',
        "station": '{"vanished":11}',
    }
    assert contents(redis) == {
        LIVE: window,
        WINDOW: window,
        FLOWS: {"beach>station": "25", "outside>beach": "12"},
        BEACH: [("1403949600000-0", {"people": "1240", "arrivals": "310", "departures": "275", "appeared": "40"})],
        STATION: [("1403949600000-0", {"vanished": "11"})],
        CHANGES: [{"layer": "places", "width": "5m", "start": "1403949600000", "version": "88123"}],
    }


PARTS: Parts = {
    "dwell": {("beach",): {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h-2h": 31}},
    "dwell_origins": {("beach", "local"): {"0-15m": 30, "15m-30m": 30}, ("beach", "unknown"): {"0-15m": 12}},
    "origins": {("beach",): {"local": 30, "foreign:DE": 20}, ("station",): {"national:75": 14, "unknown": 12}},
    "flow_origins": {("beach", "station"): {"national:75": 16, "unknown": 11}},
    "catchment": {("station",): {"beach": 22, "outside": 40, "station": 12}},
}


def parted(**changes: Any) -> Any:
    """An hour with segments, trips, and flows."""
    pairs = {("beach", "station"): 27}
    return publication(
        crowd(300, "beach", "station"), pairs, trips=pairs, parts=PARTS, areas={"beach": "17"}, width="1h", **changes
    )


async def test_each_indicator_besides_has_a_hash_of_its_own(sink: RedisSink, redis: Any) -> None:
    await sink.publish(parted(shortest=False))
    hashes = {
        key.removeprefix("foule:{places}:").removesuffix(":1h:20140628T1000Z"): redis.hgetall(key)
        for key in redis.keys("foule:{places}:*:1h:20140628T1000Z")
    }
    assert hashes == {
        "flows": {"beach>station": "27"},
        "trips": {"beach>station": "27"},
        "dwell": {
            "beach": '{"people":{"0-15m":120,"15m-30m":80,"30m-1h":60,"1h+":31},"quartiles":[546,1187,2348]}',
        },
        "dwell_origins": {
            "beach>local": '{"people":{"0-15m":30,"15m+":30},"quartiles":[450,900,null]}',
            "beach>other": '{"people":{"0+":12},"quartiles":[null,null,null]}',
        },
        "origins": {
            "beach": '{"people":{"local":30,"other":20}}',
            "station": '{"people":{"national:75":14,"other":12}}',
        },
        "flow_origins": {"beach>station": '{"people":{"national:75":16,"other":11}}'},
        "catchment": {"station": '{"people":{"beach":22,"outside":40,"other":12}}'},
    }


async def test_a_window_with_segments_alone_is_a_window(sink: RedisSink, redis: Any) -> None:
    window = publication({}, parts={"catchment": PARTS["catchment"]}, width="1d", shortest=False)
    assert await sink.publish(window) is Outcome.PLACED
    assert set(redis.hgetall("foule:{places}:1d:20140628T1000Z")) == {"_"}
    assert redis.hlen("foule:{places}:catchment:1d:20140628T1000Z") == 1
    assert [fields["width"] for _, fields in redis.xrange(CHANGES)] == ["1d"]


async def test_hashes_of_indicators_live_as_long_as_their_window(redis_url: str, redis: Any) -> None:
    async with RedisSink(RedisSettings(url=Secret(redis_url), window_ttl=Duration(2 * DAY))) as sink:
        await sink.publish(parted(shortest=False))
    keys = redis.keys("foule:{places}:*:1h:20140628T1000Z")
    assert len(keys) == 7
    assert all(2 * DAY - MINUTE < redis.pttl(key) <= 2 * DAY for key in keys)


async def test_a_newer_version_takes_the_place_of_all_indicators(sink: RedisSink, redis: Any) -> None:
    await sink.publish(parted(version=2, shortest=False))
    newer = publication(
        crowd(40, "beach"), parts={"origins": {("station",): {"unknown": 33}}}, width="1h", version=3, shortest=False
    )
    assert await sink.publish(newer) is Outcome.PLACED
    assert sorted(redis.keys("foule:{places}:*1h:20140628T1000Z")) == [
        "foule:{places}:1h:20140628T1000Z",
        "foule:{places}:origins:1h:20140628T1000Z",
    ]
    assert redis.hgetall("foule:{places}:origins:1h:20140628T1000Z") == {"station": '{"people":{"other":33}}'}


async def test_an_older_version_and_the_same_leave_all_indicators_as_they_are(sink: RedisSink, redis: Any) -> None:
    await sink.publish(parted(version=2, shortest=False))
    before = contents(redis)
    assert await sink.publish(parted(version=2, shortest=False)) is Outcome.REPEATED
    older = publication({}, parts={"origins": {("beach",): {"unknown": 33}}}, width="1h", version=1, shortest=False)
    assert await sink.publish(older) is Outcome.REFUSED
    assert contents(redis) == before


async def test_a_newer_version_with_nothing_published_leaves_no_hash_of_an_indicator(
    sink: RedisSink, redis: Any
) -> None:
    await sink.publish(parted(version=2, shortest=False))
    assert await sink.publish(empty(version=3, width="1h", shortest=False)) is Outcome.EMPTY
    assert set(redis.keys("*")) == {CHANGES}


async def test_thousands_of_cells_with_segments_are_one_window(sink: RedisSink, redis: Any) -> None:
    zones = [f"{n:04}" for n in range(2_500)]
    parts: Parts = {
        "dwell": {(zone,): {"0-15m": 20 + n, "15m-30m": 15} for n, zone in enumerate(zones)},
        "flow_origins": {(one, "0000"): {"unknown": 10 + n} for n, one in enumerate(zones)},
    }
    assert await sink.publish(publication({}, parts=parts, version=2)) is Outcome.PLACED
    for name, field, people in (("dwell", "1234", {"0-15m": 1254, "15m+": 15}), ("flow_origins", "1234>0000", None)):
        key = f"foule:{{places}}:{name}:5m:20140628T1000Z"
        assert redis.hlen(key) == 2_500
        assert json.loads(redis.hget(key, field))["people"] == (people or {"other": 1244})


async def test_a_window_that_is_not_of_the_shortest_width_leaves_live_alone(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach")))
    live = redis.hgetall(LIVE)
    await sink.publish(publication(crowd(90, "beach"), width="1h", version=2, shortest=False))
    assert redis.hgetall(LIVE) == live
    assert redis.hget("foule:{places}:1h:20140628T1000Z", "beach") == '{"people":90}'


async def test_windows_and_live_numbers_have_their_times_to_live(redis_url: str, redis: Any) -> None:
    settings = RedisSettings(url=Secret(redis_url), window_ttl=Duration(2 * DAY))
    async with RedisSink(settings) as sink:
        await sink.publish(publication(crowd(40, "beach"), {("beach", "station"): 15}))
    minute = MINUTE
    assert 2 * DAY - minute < redis.pttl(WINDOW) <= 2 * DAY
    assert 2 * DAY - minute < redis.pttl(FLOWS) <= 2 * DAY
    assert 14 * minute < redis.pttl(LIVE) <= 15 * minute
    assert redis.pttl(BEACH) == -1


async def test_the_next_window_takes_the_place_of_the_live_one(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach", "station")))
    await sink.publish(publication(crowd(41, "beach"), start=NOON + FIVE_MINUTES, version=2))
    assert set(redis.hgetall(LIVE)) == {"_", "beach"}, "a zone that is not published any more must not stay"
    assert set(redis.hgetall(WINDOW)) == {"_", "beach", "station"}


async def test_a_window_with_nothing_published_leaves_no_key_and_no_message(sink: RedisSink, redis: Any) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as messages:
        messages.subscribe(CHANGES)
        messages.get_message(timeout=1.0)
        assert await sink.publish(empty()) is Outcome.EMPTY
        await sink.publish(publication(crowd(40, "beach"), width="1h", shortest=False, version=2))
        message = messages.get_message(timeout=5.0)
        assert message is not None
        assert json.loads(message["data"])["version"] == 2, "the first message is of the window that has numbers"
    assert not [key for key in redis.keys("*") if "5m" in key or "live" in key]


async def test_a_newer_window_with_nothing_published_takes_the_live_numbers_away(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach")))
    before = contents(redis)
    await sink.publish(empty(NOON + FIVE_MINUTES, version=2))
    assert contents(redis) == {key: value for key, value in before.items() if key != LIVE}


async def test_flows_alone_are_a_window_without_live_numbers(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach")))
    later = publication({}, {("beach", "station"): 15}, start=NOON + FIVE_MINUTES, version=2)
    assert await sink.publish(later) is Outcome.PLACED
    assert not redis.exists(LIVE)
    assert set(redis.hgetall("foule:{places}:5m:20140628T1005Z")) == {"_"}


@pytest.mark.parametrize("late", [empty(version=9), publication(crowd(99, "beach"), version=9)])
async def test_live_numbers_never_go_back_to_an_older_window(sink: RedisSink, redis: Any, late: Any) -> None:
    await sink.publish(publication(crowd(40, "beach"), start=NOON + FIVE_MINUTES, version=2))
    live = redis.hgetall(LIVE)
    await sink.publish(late)
    assert redis.hgetall(LIVE) == live


async def test_an_older_version_is_refused(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach"), {("beach", "station"): 15}, version=7))
    before = contents(redis)
    for older in (publication(crowd(50, "beach", "station"), version=6), empty(version=6)):
        assert await sink.publish(older) is Outcome.REFUSED
    assert contents(redis) == before


async def test_the_same_version_again_changes_nothing(sink: RedisSink, redis: Any) -> None:
    placed = publication(crowd(40, "beach"), {("beach", "station"): 15}, version=7)
    await sink.publish(placed)
    redis.pexpire(WINDOW, 50_000)
    before = contents(redis)
    assert await sink.publish(placed) is Outcome.REPEATED
    assert await sink.publish_all([placed, placed]) == [Outcome.REPEATED, Outcome.REPEATED]
    assert contents(redis) == before
    assert redis.pttl(WINDOW) <= 50_000, "a repeated window does not live longer"


async def test_a_window_that_was_placed_but_not_announced_is_announced_when_repeated(
    sink: RedisSink, redis: Any
) -> None:
    placed = publication(crowd(40, "beach"), version=7)
    await sink.publish(placed)
    redis.delete(CHANGES)  # as if the writer had ended between the two
    await sink.publish(placed)
    assert [fields["version"] for _, fields in redis.xrange(CHANGES)] == ["7"]


async def test_repeating_a_window_does_not_bring_vanished_live_numbers_back(sink: RedisSink, redis: Any) -> None:
    first = publication(crowd(40, "beach"))
    await sink.publish_all([first, empty(NOON + FIVE_MINUTES, version=2)])
    await sink.publish(first)
    assert not redis.exists(LIVE)


async def test_a_newer_version_replaces_every_number_of_the_older(sink: RedisSink, redis: Any) -> None:
    earlier = publication(crowd(30, "beach", "station"), start=NOON - FIVE_MINUTES, version=1)
    older = publication(crowd(40, "beach", "station"), {("beach", "station"): 15}, version=2)
    later = publication(crowd(60, "beach", "station"), start=NOON + FIVE_MINUTES, version=3)
    await sink.publish_all([earlier, older, later])
    assert await sink.publish(publication(crowd(50, "beach", "port"), version=4)) is Outcome.PLACED
    assert set(redis.hgetall(WINDOW)) == {"_", "beach", "port"}
    assert not redis.exists(FLOWS)
    people = {zone: redis.xrange(f"foule:{{places}}:series:5m:{zone}") for zone in ("beach", "station", "port")}
    ids = [f"{NOON - FIVE_MINUTES}-0", f"{NOON}-0", f"{NOON + FIVE_MINUTES}-0"]
    assert people == {
        "beach": [(ids[0], {"people": "30"}), (ids[1], {"people": "50"}), (ids[2], {"people": "60"})],
        "station": [(ids[0], {"people": "30"}), (ids[2], {"people": "60"})],
        "port": [(ids[1], {"people": "50"})],
    }
    assert header(redis, LIVE)["version"] == 3


async def test_a_newer_version_of_the_live_window_takes_its_place(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach", "station"), version=2))
    await sink.publish(publication(crowd(50, "beach"), version=3))
    assert redis.hgetall(LIVE) == redis.hgetall(WINDOW)
    assert redis.hgetall(LIVE).keys() == {"_", "beach"}


async def test_a_newer_version_with_nothing_published_leaves_no_key_of_the_older(sink: RedisSink, redis: Any) -> None:
    await sink.publish(publication(crowd(40, "beach", "station"), {("beach", "station"): 15}, version=2))
    assert await sink.publish(empty(version=3)) is Outcome.EMPTY
    assert set(redis.keys("*")) == {CHANGES}


async def test_a_series_is_in_order_of_windows_and_no_longer_than_set(redis_url: str, redis: Any) -> None:
    starts = [NOON + FIVE_MINUTES * n for n in (0, 1, 2, 5, 3, 4, -1, 6)]
    async with RedisSink(RedisSettings(url=Secret(redis_url), series_length=5)) as sink:
        windows = [publication(crowd(40, "beach"), start=start, version=n) for n, start in enumerate(starts)]
        await sink.publish_all(windows)
    assert [name for name, _ in redis.xrange(BEACH)] == [f"{NOON + FIVE_MINUTES * n}-0" for n in (2, 3, 4, 5, 6)]
    assert header(redis, LIVE)["start"] == NOON + FIVE_MINUTES * 6


async def test_a_window_whose_hash_has_expired_is_not_twice_in_a_series(sink: RedisSink, redis: Any) -> None:
    windows = [publication(crowd(40, "beach"), start=NOON + FIVE_MINUTES * n, version=n) for n in range(3)]
    await sink.publish_all(windows)
    series = redis.xrange(BEACH)
    redis.delete(WINDOW)
    assert await sink.publish(windows[0]) is Outcome.PLACED
    assert redis.xrange(BEACH) == series


async def test_two_writers_at_once_end_with_the_newest_versions(redis_settings: RedisSettings, redis: Any) -> None:
    """Forty windows by two writers, one of which has newer decisions of half of them, in shuffled steps."""

    def windows(own: int, people: int) -> list[Any]:
        return [
            publication(
                crowd(people + n, "beach", "station" if own else "port"),
                start=NOON + FIVE_MINUTES * n,
                version=1000 + n + 100 * own * (n % 2),
            )
            for n in range(40)
        ]

    async with RedisSink(redis_settings) as first, RedisSink(redis_settings) as second:
        await asyncio.gather(
            *(
                sink.publish_all(part[at : at + 5])
                for sink, part in ((first, windows(0, 100)), (second, windows(1, 200)))
                for at in range(0, 40, 5)
            )
        )
    for n in range(1, 40, 2):
        key = f"foule:{{places}}:5m:{label_of_start(NOON + FIVE_MINUTES * n)}"
        assert redis.hgetall(key).keys() == {"_", "beach", "station"}
        assert json.loads(redis.hget(key, "beach") or "") == {"people": 200 + n}
    series = redis.xrange(BEACH)
    assert [name for name, _ in series] == [f"{NOON + FIVE_MINUTES * n}-0" for n in range(40)]
    assert [int(fields["people"]) for _, fields in series][1::2] == [200 + n for n in range(1, 40, 2)]
    assert header(redis, LIVE)["start"] == NOON + FIVE_MINUTES * 39
    assert header(redis, LIVE)["version"] == 1139


async def test_what_is_announced_is_in_place(redis_settings: RedisSettings, redis: Any) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as messages:
        messages.subscribe(CHANGES)
        messages.get_message(timeout=1.0)
        async with RedisSink(redis_settings) as sink:
            publishing = asyncio.create_task(
                sink.publish_all(
                    [
                        publication(crowd(40, "beach"), start=NOON + FIVE_MINUTES * n, version=n, layer=f"layer{n % 3}")
                        for n in range(30)
                    ]
                )
            )
            for _ in range(30):
                message = await asyncio.to_thread(messages.get_message, timeout=5.0)
                assert message is not None
                change = json.loads(message["data"])
                key = f"foule:{{{change['layer']}}}:5m:{label_of_start(change['start'])}"
                assert header(redis, key)["version"] == change["version"]
            await publishing


async def test_thirty_five_thousand_zones_are_one_window(sink: RedisSink, redis: Any) -> None:
    zones = {f"{n:05}": {"people": 20 + n, "arrivals": 10, "departures": 10} for n in range(35_000)}
    flows = {(f"{n:05}", f"{n + 1:05}"): 10 + n for n in range(34_000)}
    window = publication(zones, flows)
    assert await sink.publish(window) is Outcome.PLACED
    assert redis.hlen(LIVE) == redis.hlen(WINDOW) == 35_001
    assert redis.hlen(FLOWS) == 34_000
    assert redis.hget(FLOWS, "33999>34000") == "34009"
    assert redis.xlen("foule:{places}:series:5m:34999") == 1
    assert await sink.publish(window) is Outcome.REPEATED
    assert await sink.publish(empty(version=2)) is Outcome.EMPTY
    assert set(redis.keys("*")) == {CHANGES}


async def test_a_zone_id_that_would_hide_the_header_is_an_error(sink: RedisSink, redis: Any) -> None:
    with pytest.raises(ZonesError, match=r"layer places: a zone has the id '_'"):
        await sink.publish(publication(crowd(40, "_")))
    assert redis.keys("*") == []


async def test_any_other_zone_id_is_kept_as_it_is(sink: RedisSink, redis: Any) -> None:
    ids = ("Châtelaillon-Plage", "a b", "{x}", "17:094", "\u6d77", "-", "0", 'with "quotes"', "\x00")
    await sink.publish(publication(crowd(40, *ids)))
    assert set(redis.hgetall(LIVE)) == {"_", *ids}
    assert all(redis.xlen(f"foule:{{places}}:series:5m:{zone}") == 1 for zone in ids)


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """A Redis that the test may stop; it keeps its data."""
    make = EmbeddedRedis if RealRedis.absent() else RealRedis
    with make(persistent=True) as server:
        yield server


async def test_a_restart_of_redis_is_bridged(own_redis: EmbeddedRedis) -> None:
    async with RedisSink(RedisSettings(url=Secret(own_redis.url))) as sink:
        await sink.publish(publication(crowd(40, "beach")))
        own_redis.kill()
        later = asyncio.create_task(sink.publish(publication(crowd(41, "beach"), start=NOON + FIVE_MINUTES, version=2)))
        await asyncio.to_thread(own_redis.start)
        assert await later is Outcome.PLACED
    with consumer(own_redis.url) as redis:
        assert redis.hget(LIVE, "beach") == '{"people":41}'


async def test_a_window_can_be_published_again_after_redis_was_away_too_long(own_redis: EmbeddedRedis) -> None:
    windows = [publication(crowd(40 + n, "beach"), start=NOON + FIVE_MINUTES * n, version=n) for n in range(3)]
    async with RedisSink(RedisSettings(url=Secret(own_redis.url)), retry_after=(0.01, 0.01)) as sink:
        await sink.publish(windows[0])
        own_redis.kill()
        with pytest.raises(ServiceError, match=r"redis\.url.*cannot put a window in place.*tried 3 times"):
            await sink.publish_all(windows)
        own_redis.start()
        await sink.publish_all(windows)
    with consumer(own_redis.url) as redis:
        assert [fields["people"] for _, fields in redis.xrange(BEACH)] == ["40", "41", "42"]
        assert [fields["version"] for _, fields in redis.xrange(CHANGES)] == ["0", "1", "2"]


async def test_every_key_of_a_layer_is_on_one_cluster_slot(sink: RedisSink, redis: Any) -> None:
    await sink.publish(
        publication(crowd(40, "beach", "{x}", "}{"), {("beach", "station"): 15}, parts=PARTS, areas={"beach": "17"})
    )
    keys = [key for key in redis.keys("*") if key != CHANGES]
    assert len(keys) == 11
    assert len({key_slot(key.encode()) for key in keys}) == 1


async def test_it_works_on_a_cluster_that_checks_the_slots() -> None:
    class OneNodeCluster(EmbeddedRedis):
        def command(self) -> list[str]:
            return [*super().command(), "--cluster-enabled", "yes"]

    program = None if RealRedis.absent() else RealRedis()._program
    with OneNodeCluster(program=program) as server, consumer(server.url) as redis:
        redis.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        async with RedisSink(
            RedisSettings(url=Secret(server.url)), day_of=lambda start: Window(DAY, NOON, NOON + DAY)
        ) as sink:
            window = publication(
                crowd(40, "beach", "station"), {("beach", "station"): 15}, parts=PARTS, areas={"beach": "17"}
            )
            assert await sink.publish(window) is Outcome.PLACED
            assert await sink.publish(publication(crowd(50, "beach"), version=2)) is Outcome.PLACED
        assert redis.hget(LIVE, "beach") == '{"people":50}'


async def test_an_error_names_the_place_and_not_the_password() -> None:
    settings = RedisSettings(url=Secret(f"redis://:hunter2@127.0.0.1:{free_port()}/0"))
    async with RedisSink(settings, retry_after=()) as sink:
        with pytest.raises(ServiceError) as caught:
            await sink.publish(publication(crowd(40, "beach")))
    assert "redis://***@127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_an_error_at_once(redis_url: str, redis: Any) -> None:
    redis.execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all")
    try:
        async with RedisSink(RedisSettings(url=Secret(redis_url.replace("//", "//someone:wrong@")))) as sink:
            with pytest.raises(ServiceError, match="check the user and password"):
                await sink.publish(publication(crowd(40, "beach")))
    finally:
        redis.execute_command("ACL", "DELUSER", "someone")


async def test_a_key_of_somebody_else_is_an_error_that_says_so(sink: RedisSink, redis: Any) -> None:
    redis.set(LIVE, "mine")
    with pytest.raises(ServiceError, match="WRONGTYPE"):
        await sink.publish(publication(crowd(40, "beach")))


def test_an_address_that_is_none_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"redis\.url"):
        RedisSink(RedisSettings(url=Secret("http://:hunter2@host")))
