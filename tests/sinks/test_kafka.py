"""The records for Kafka: what is in them, and that every one is acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from sinks.extrapolation import MarketShares
from sinks.kafka import KafkaSink, Record, Topics, records
from sinks.values import Extrapolation, Values
from tests.sinks.released import NOON, Parts, crowd, empty, publication
from zones import Layer

HEADERS = [("schema", b"1")]


def test_records_are_as_the_contract_says() -> None:
    zones = {"17094": {"people": 1240, "arrivals": 310}, "17300": {"vanished": 11}}
    window = publication(zones, {("17094", "outside"): 25}, layer="communes", version=88123)
    assert [tuple(record) for record in records(window)] == [
        (
            "foule.presence",
            b"communes|17094",
            b'{"layer":"communes","zone":"17094","start":1403949600000,"end":1403949900000,'
            b'"people":1240,"arrivals":310,"coverage":1.0,"version":88123}',
            HEADERS,
        ),
        (
            "foule.presence",
            b"communes|17300",
            b'{"layer":"communes","zone":"17300","start":1403949600000,"end":1403949900000,'
            b'"vanished":11,"coverage":1.0,"version":88123}',
            HEADERS,
        ),
        (
            "foule.flows",
            b"communes|17094",
            b'{"layer":"communes","from":"17094","to":"outside","start":1403949600000,"end":1403949900000,'
            b'"people":25,"coverage":1.0,"version":88123}',
            HEADERS,
        ),
    ]


PARTS: Parts = {
    "dwell": {("17094",): {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h-2h": 31}},
    "dwell_origins": {("17094", "local"): {"0-15m": 30, "15m-30m": 30}},
    "origins": {("17094",): {"local": 30, "foreign:DE": 20}},
    "flow_origins": {("17300", "17094"): {"local": 16, "unknown": 11}},
    "categories": {("17300",): {"resident": 40, "transit": 12}},
    "recurrence": {("17300",): {"1": 40, "2": 12}},
}
TRIPS = {("17300", "17094"): 27, ("17300", "outside"): 14}
COMMUNES = Layer("communes", ("17094", "17300"), ("", ""), ("17", "17"), centres=((46.0, -1.0), (46.1, -1.0)))


def indicator_records(values: Values) -> list[tuple[str, bytes, str]]:
    """Topic, key and value of the records besides presence and flows."""
    window = publication({}, trips=TRIPS, parts=PARTS, areas={"17094": "17"}, layer="communes", width="1h", version=7)
    found = list(records(window, values=values))
    assert all(record.headers == HEADERS for record in found)
    return [(record.topic, record.key, record.value.decode()) for record in found]


def test_each_form_of_an_indicator_is_a_record_of_its_own_topic() -> None:
    of, about = '"start":1403949600000,"end":1403953200000', '"coverage":1.0,"version":7'
    at, beside = '"layer":"communes","zone":"17094"', '"layer":"communes","zone":"17300"'
    pair = '"layer":"communes","from":"17300","to":"17094"'
    stays = '{"0-15m":120,"15m-30m":80,"30m-1h":60,"1h+":31}'
    assert indicator_records(Values([COMMUNES])) == [
        ("foule.indicators", key, f'{{"indicator":{value},{about}}}')
        for key, value in (
            (b"communes|17300", f'"trips",{pair},{of},"people":27,"km":11.12'),
            (b"communes|17300", f'"trips","layer":"communes","from":"17300","to":"outside",{of},"people":14'),
            (b"communes|17094", f'"dwell",{at},{of},"people":{stays},"quartiles":[546,1187,2348]'),
            (b"communes|17300", f'"recurrence",{beside},{of},"people":{{"1":40,"2+":12}}'),
            (b"communes|17094", f'"origins",{at},{of},"people":{{"local":30,"other":20}}'),
            (b"communes|17300", f'"flow_origins",{pair},{of},"people":{{"local":16,"other":11}}'),
            (b"communes|17300", f'"categories",{beside},{of},"people":{{"resident":40,"other":12}}'),
            (
                b"communes|17094",
                f'"dwell_origins",{at},"origin":"other",{of},"people":{{"0-15m":30,"15m+":30}},'
                '"quartiles":[450,900,null]',
            ),
        )
    ]


def test_records_hold_the_people_that_are_estimated() -> None:
    values = Values([COMMUNES], Extrapolation(MarketShares({("*", "*"): 0.5}), 1.96))
    estimates = [
        value.partition('"estimate":')[2].partition(',"coverage"')[0] for *_, value in indicator_records(values)
    ]
    assert estimates[:2] == ['{"people":[54,39,69]}', '{"people":[28,17,39]}']
    assert '{"1":[80,62,98],"2+":[24,14,34]}' in estimates
    assert len(estimates) == 8 and all(estimates)
    presence, flow = records(publication(crowd(40, "17094"), {("17300", "17094"): 40}, layer="communes"), values=values)
    assert b'"people":40,"estimate":{"people":[80,62,98]},"coverage"' in presence.value
    assert b'"people":40,"estimate":{"people":[80,62,98]},"coverage"' in flow.value


def test_nights_and_usual_are_fields_of_the_record_of_presence() -> None:
    [record] = records(publication({"17094": {"people": 1240, "nights": 62, "usual": 41}}, width="1d"))
    assert record.topic == "foule.presence"
    assert b'"people":1240,"nights":62,"usual":41,"coverage"' in record.value


def test_a_window_with_nothing_published_has_no_record() -> None:
    assert list(records(empty())) == []


def test_a_sink_uses_the_names_of_its_topics() -> None:
    async def send(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None: ...

    sink = KafkaSink(send, Topics("p", "f", "i"))
    pairs = {("beach", "station"): 25}
    window = publication(crowd(40, "beach"), pairs, trips=pairs, parts={"dwell": {("beach",): {"0-15m": 40}}})
    assert [record.topic for record in sink.records(window)] == ["p", "f", "i", "i"]


async def test_publishing_ends_when_every_send_is_acknowledged() -> None:
    waiting: list[tuple[Record, asyncio.Future[None]]] = []
    all_sent = asyncio.Event()

    async def send(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append((Record(topic, key, value, headers), acknowledged))
        if len(waiting) == 4:
            all_sent.set()
        await acknowledged

    window = publication(crowd(40, "a", "b", "c"), {("a", "b"): 12})
    publishing = asyncio.create_task(KafkaSink(send).publish(window))
    await all_sent.wait()
    assert [record for record, _ in waiting] == list(records(window))
    for _, acknowledged in waiting[:3]:
        acknowledged.set_result(None)
    done, _ = await asyncio.wait([publishing], timeout=0.05)
    assert not done, "the last send is not acknowledged"
    waiting[3][1].set_result(None)
    assert await publishing == 4


async def test_a_failed_send_is_raised_after_the_others_have_ended() -> None:
    ended: Counter[str] = Counter()

    async def send(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        if key.endswith(b"|b"):
            raise OSError("the broker is away")
        await asyncio.sleep(0.01)
        ended["sent"] += 1

    with pytest.raises(OSError, match="the broker is away"):
        await KafkaSink(send).publish(publication(crowd(40, "a", "b", "c"), start=NOON))
    assert ended["sent"] == 2


async def test_a_large_window_is_sent_whole_and_not_all_at_once() -> None:
    in_flight, most, keys = 0, 0, set()

    async def send(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0)
        in_flight -= 1
        keys.add(key)

    window = publication(crowd(40, *(f"z{n}" for n in range(5000))))
    assert await KafkaSink(send).publish(window) == 5000 == len(keys)
    assert most <= 1000
