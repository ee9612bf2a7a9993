"""The link to Kafka, on a running Faust application: what it leans on inside Faust does what it is leaned on for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from aiokafka.errors import KafkaError
from kafka import KafkaAdminClient, TopicPartition

from config.errors import ServiceError
from streams.checkpoint import Record
from streams.fetch import contiguous
from streams.link import Link
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import FreshNames
from tests.streams.feeding import feeding, make_topic, send


@pytest.fixture
def topic(kafka_bootstrap: str, fresh_names: FreshNames) -> str:
    """The topic that the feed reads, of two partitions."""
    return make_topic(kafka_bootstrap, fresh_names.topics["events"])


def committed(bootstrap: str, group: str, topic: str) -> int | None:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        offsets = admin.list_group_offsets({group: None})[group]
    found = offsets.get(TopicPartition(topic, 1))
    return None if found is None else int(found.offset)


async def test_a_seek_brings_every_record_from_its_offset_on_again(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    await send(kafka_bootstrap, topic, 12)
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        await feed.until(lambda: len(feed.offsets) == 12)
        for offset in (11, 5, 0):
            feed.fetches.clear()
            await feed.link.seek(topic, 1, offset)
            await feed.until(lambda: 11 in feed.offsets)
            assert feed.offsets == list(range(offset, 12))
        feed.fetches.clear()
        await send(kafka_bootstrap, topic, 1)
        await feed.until(lambda: bool(feed.fetches))
        assert feed.offsets == [12]


async def test_what_was_committed_is_where_a_successor_goes_on_and_nothing_else_is_ever_committed(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    await send(kafka_bootstrap, topic, 12)
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        await feed.until(lambda: len(feed.offsets) == 12)
        assert feed.link.committed(topic, 1) == 0
    assert await asyncio.to_thread(committed, kafka_bootstrap, fresh_names.group, topic) is None
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        await feed.until(lambda: len(feed.offsets) == 12)
        assert await feed.link.commit(topic, 1, 7)
        assert not await feed.link.commit(topic, 9, 7)  # not ours: nothing happens
    assert await asyncio.to_thread(committed, kafka_bootstrap, fresh_names.group, topic) == 7
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        assert (feed.link.committed(topic, 1), feed.link.committed(topic, 0)) == (7, 0)
        await feed.until(lambda: 11 in feed.offsets)
        assert feed.offsets == list(range(7, 12))


async def test_the_ends_of_the_log_are_told_as_of_the_last_fetch_and_as_of_now(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    await send(kafka_bootstrap, topic, 3)
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        await feed.until(lambda: len(feed.offsets) == 3)
        assert feed.link.end(topic, 1) == 3
        assert await feed.link.ends_now(topic) == {0: 0, 1: 3}
        assert await feed.link.begin_now(topic, 1) == 0


@pytest.mark.real_kafka
async def test_the_beginning_of_the_log_moves_when_records_are_deleted(
    real_kafka: RealKafka, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    bootstrap = real_kafka.bootstrap
    await send(bootstrap, topic, 12)
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.delete_records({TopicPartition(topic, 1): 5})
    async with feeding(bootstrap, fresh_names, tmp_path) as feed:
        assert await feed.link.begin_now(topic, 1) == 5
        await feed.until(lambda: 11 in feed.offsets)
        admitted, first = await feed.link.admit(topic, feed.fetches[0], 2)
        assert (first, feed.offsets[0]) == (5, 5)
        assert admitted is feed.fetches[0]


async def test_a_send_is_done_when_it_is_in_the_log_and_says_where(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        acks = [await feed.link.send(topic, 1, b"k", b"%d" % at, (("h", b"v"),)) for at in range(5)]
        sent = await asyncio.gather(*acks)
        assert [(one.topic, one.partition, one.offset) for one in sent] == [(topic, 1, at) for at in range(5)]
        first, last = await feed.link.send_all(topic, 1, [Record(b"k", None), Record(b"k", b"last")])
        assert last == first + 1
        assert (await feed.link.ends_now(topic))[1] == 7
        await feed.until(lambda: len(feed.offsets) == 7)
        values = [value for fetch in feed.fetches for value in fetch.values]
        assert values == [b"0", b"1", b"2", b"3", b"4", None, b"last"]
        assert feed.fetches[0].headers[0] == (("h", b"v"),)


@pytest.mark.real_kafka
async def test_a_send_that_the_broker_refuses_is_an_error(
    real_kafka: RealKafka, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    async with feeding(real_kafka.bootstrap, fresh_names, tmp_path) as feed:
        too_large = b"x" * 5_000_000
        with pytest.raises(KafkaError):
            await (await feed.link.send(topic, 1, None, too_large))
        with pytest.raises(KafkaError):
            await feed.link.send_all(topic, 1, [Record(b"k", b"small"), Record(b"k", too_large)])
        with pytest.raises(ServiceError, match=f"Kafka did not take a record of {topic}"):
            await feed.link.deliver(topic, b"k", too_large, [])
        await feed.link.deliver(topic, b"k", b"small", [("schema", b"1")])


# --- what is admitted


class Remembering(Link):
    """A link to a log that begins at ``begin``; it remembers where it was told to seek."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.sought: list[int] = []

    async def begin_now(self, topic: str, partition: int) -> int:
        return self.begin

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        self.sought.append(offset)


@pytest.mark.parametrize(
    ("next_offset", "begin", "offsets", "first", "sought"),
    [
        (10, 0, [10, 11, 12], 10, []),  # what comes next
        (11, 0, [11, 12], 11, []),  # partly read before
        (12, 0, [12], 12, []),
        (13, 0, None, 13, []),  # read before
        (50, 0, None, 50, []),
        (9, 0, None, 9, [9]),  # one got lost between poll and delivery
        (3, 3, None, 3, [3]),
        (3, 7, None, 7, [7]),  # so did one, and some before it are deleted
        (3, 10, [10, 11, 12], 10, []),  # what lies between is deleted
        (3, 12, [12], 12, []),  # a part of the fetch itself is deleted by now
    ],
)
async def test_what_is_new_is_admitted_and_a_hole_is_believed_only_if_the_broker_has_nothing_in_it(
    next_offset: int, begin: int, offsets: list[int] | None, first: int, sought: list[int]
) -> None:
    link = Remembering(begin)
    admitted = await link.admit("events", contiguous(1, 10, [b"a", b"b", b"c"], np.zeros(3, np.int64)), next_offset)
    assert (None if admitted.fetch is None else admitted.fetch.offsets.tolist()) == offsets
    assert (admitted.first, link.sought) == (first, sought)
