"""A small Faust application with a link to Kafka, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient

from config.settings import KafkaSettings
from streams.fetch import Fetch
from streams.folding import fold
from streams.link import Link
from tests.services.settings_file import FreshNames

WITHIN = 40.0


class Feed:
    """An application with one agent that reads one folded topic, and all that it was given."""

    def __init__(self, app: faust.App, link: Link, topic: str) -> None:
        self.app, self.link, self.topic = app, link, topic
        self.fetches: list[Fetch] = []

    @property
    def offsets(self) -> list[int]:
        """Those of all records that came."""
        return [offset for fetch in self.fetches for offset in fetch.offsets.tolist()]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(WITHIN):
            while not holds():  # noqa: ASYNC110  (nobody tells when a fetch has come)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def feeding(bootstrap: str, names: FreshNames, folder: Path) -> AsyncIterator[Feed]:
    """A running application that reads the topic of events, which has two partitions."""
    topic = names.topics["events"]
    fold(topic)
    app = faust.App(
        names.group, broker=f"kafka://{bootstrap}", store="memory://", datadir=folder, topic_partitions=2,
        topic_disable_leader=True, topic_allow_declare=False, web_enabled=False, broker_session_timeout=10.0,
        broker_heartbeat_interval=1.0, broker_commit_interval=0.2, broker_rebalance_timeout=3.0,
        consumer_auto_offset_reset="earliest", producer_max_request_size=16 << 20,
    )  # fmt: skip
    feed = Feed(app, Link(app, KafkaSettings(bootstrap=bootstrap), {"bootstrap_servers": bootstrap}), topic)
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "acks": False}

    async def take(stream: Any) -> None:
        async for event in stream.events():
            feed.fetches.append(event.value)

    app.agent(app.topic(topic, partitions=2, **raw), name="take")(take)
    await app.start()
    try:
        await feed.until(lambda: feed.link.assigned(topic) == {0, 1})
        yield feed
    finally:
        await app.stop()


def make_topic(bootstrap: str, topic: str) -> str:
    """Make a topic of two partitions."""
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    return topic


async def send(bootstrap: str, topic: str, count: int, partition: int = 1) -> None:
    """Send records to a partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for _ in range(count):
            await producer.send_and_wait(topic, b"x", partition=partition)
    finally:
        await producer.stop()
