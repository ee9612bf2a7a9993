"""The records for Kafka: what is in them, and that every one is acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from sinks.kafka import KafkaSink, Record, Topics, records
from tests.sinks.released import NOON, crowd, empty, publication

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


def test_a_window_with_nothing_published_has_no_record() -> None:
    assert list(records(empty())) == []


def test_a_sink_uses_the_names_of_its_topics() -> None:
    async def send(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None: ...

    sink = KafkaSink(send, Topics("p", "f", "i"))
    window = publication(crowd(40, "beach"), {("beach", "station"): 25})
    assert [record.topic for record in sink.records(window)] == ["p", "f"]


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
