"""A partition is read beside what Faust reads, and a shard's changelog goes from owner to owner on Kafka."""

from __future__ import annotations

import asyncio
from pathlib import Path

import faust
import numpy as np
import pytest
from kafka import KafkaAdminClient, TopicPartition

from config.errors import ServiceError
from config.settings import KafkaSettings
from foule.server_process import free_port
from indicators.columns import Reader, Writer
from streams.changelog import Changelog
from streams.checkpoint import AdvanceNote, Cut, Record
from streams.link import Link
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import FreshNames
from tests.streams.feeding import feeding, make_topic, send


@pytest.fixture
def topic(kafka_bootstrap: str, fresh_names: FreshNames) -> str:
    """The topic that the feed reads, of two partitions."""
    return make_topic(kafka_bootstrap, fresh_names.topics["events"])


async def records_of(link: Link, topic: str, start: int, end: int) -> list[Record]:
    return [record async for record in link.read(topic, 1, start, end)]


async def test_a_partition_is_read_between_two_offsets(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    changelog = make_topic(kafka_bootstrap, fresh_names.topics["checkpoints"])
    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        assert await records_of(feed.link, changelog, 0, 0) == []
        assert [await feed.link.append(changelog, 1, b"k%d" % at, b"v") for at in range(5)] == [0, 1, 2, 3, 4]
        assert await feed.link.append(changelog, 1, b"k2", None) == 5
        assert await feed.link.append(changelog, 0, b"elsewhere", b"") == 0
        everything = [*(Record(b"k%d" % at, b"v", at) for at in range(5)), Record(b"k2", None, 5)]
        assert await records_of(feed.link, changelog, 0, 6) == everything
        assert await records_of(feed.link, changelog, 2, 5) == everything[2:5]


async def test_a_shards_changelog_goes_from_owner_to_owner(
    kafka_bootstrap: str, topic: str, fresh_names: FreshNames, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = make_topic(kafka_bootstrap, fresh_names.topics["checkpoints"])
    snapshot = Writer()
    snapshot.column("numbers", np.random.default_rng(1).integers(0, 1 << 62, 400_000))
    claimed: list[int] = []

    async def claim(token: int) -> None:
        claimed.append(token)

    async with feeding(kafka_bootstrap, fresh_names, tmp_path) as feed:
        former, owner = Changelog(feed.link, name, 1), Changelog(feed.link, name, 1)
        assert await former.take_over(claim) == (None, None, [], [], [])
        assert await former.write(snapshot, Cut(10, 15, 1_000, 4))
        await former.note(5, 70, 5_000, applied=True)
        found = await owner.take_over(claim)
        assert (claimed, former.token, owner.token) == ([0, owner.token], 0, 8)
        assert found.manifest is not None and found.snapshot is not None
        assert (found.manifest.parts, found.advances) == (4, [AdvanceNote(0, 5, 70, 5_000, True)])
        assert np.array_equal(Reader(found.snapshot).column("numbers"), Reader(snapshot.encode()).column("numbers"))
        assert not await former.write(snapshot, Cut(20, 25, 2_000, 4))
        assert await owner.write(snapshot, Cut(30, 35, 3_000, 5))
        await owner.collect_garbage()
        await feed.link.append(name, 1, b"from elsewhere", b"x")
        again = await Changelog(feed.link, name, 1).take_over(claim)
        assert again.manifest is not None
        assert again.manifest.position == 30
        assert "1 records of " in caplog.text
        assert "are passed over: who else writes there?" in caplog.text


async def test_a_partition_that_nobody_gives_is_waited_for_and_not_an_empty_one() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    link = Link(faust.App("nobody"), KafkaSettings(bootstrap=nowhere), {"bootstrap_servers": nowhere})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await records_of(link, "foule.checkpoints", 0, 10)


@pytest.mark.real_kafka
async def test_what_is_deleted_is_no_error_but_a_start_below_it_is(
    real_kafka: RealKafka, topic: str, fresh_names: FreshNames, tmp_path: Path
) -> None:
    bootstrap = real_kafka.bootstrap
    changelog = make_topic(bootstrap, fresh_names.topics["checkpoints"])
    await send(bootstrap, changelog, 12)
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.delete_records({TopicPartition(changelog, 1): 5})
    async with feeding(bootstrap, fresh_names, tmp_path) as feed:
        found = await records_of(feed.link, changelog, 0, 9)
        assert [record.offset for record in found] == [5, 6, 7, 8]
        with pytest.raises(ServiceError, match=f"{changelog} cannot be read"):
            await records_of(feed.link, changelog, 2, 9)
