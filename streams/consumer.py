"""What the agents need of Faust's consumer and producer beyond its public interface, in one place.

Leans on ``Consumer._read_offset`` (after a seek Faust drops messages below it; a folded message is known by its last
offset), ``Consumer._commit`` (an explicit commit; our topics have ``acks=False``), ``Consumer._committed_offset``, and
``Consumer._thread`` (a seek must run in the thread that fetches).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faust.exceptions import ConsumerNotStarted, ProducerSendError
from faust.types import TP

from config.errors import ServiceError
from config.settings import KafkaSettings
from streams.checkpoint import Record
from streams.fetch import Fetch, Headers
from streams.log_ends import log_ends

#: An acknowledgement to wait for.
Ack = asyncio.Future[Any]


class Admitted(NamedTuple):
    """What of a fetch a reader takes now (None: nothing), and the first offset that it can still get."""

    fetch: Fetch | None
    first: int


class Follower:
    """Notices that a reader stands still although the log goes on: then the last fetch got lost between poll and
    delivery, and no later one comes to show the hole."""

    def __init__(self) -> None:
        self._seen: int | None = None

    def stands_still(self, next_offset: int, end: int | None) -> bool:
        """Ask from time to time; True if ``next_offset`` is what it was the last time, and below the log's ``end``."""
        still = end is not None and next_offset < end and self._seen == next_offset
        self._seen = next_offset
        return still


class Link:
    """A worker's way to Kafka: sends that can be awaited, seeks, commits, ends of logs, and reading a changelog."""

    def __init__(self, app: faust.App, kafka: KafkaSettings, connection: dict[str, Any]) -> None:
        """``connection``: what an aiokafka consumer needs to reach the broker."""
        self._app = app
        self._kafka = kafka
        self._connection = connection

    async def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Ack:
        """Send a record; the returned future is done when every in-sync replica has it, or raises."""
        ack: Ack = await self._app.producer.send(topic, key, value, partition, None, list(headers))  # type: ignore[assignment]
        return ack

    async def deliver(self, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Send a record to the partition of its key and wait for the acknowledgement, or raise ``ServiceError``."""
        try:
            await (await self.send(topic, None, key, value, tuple(headers)))
        except (KafkaError, ProducerSendError) as error:
            raise ServiceError(f"Kafka did not take a record of {topic}: {error}; is the broker up?") from error

    async def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Send a record and wait until it is acknowledged; returns its offset."""
        acknowledged = await (await self.send(topic, partition, key, value))
        return int(acknowledged.offset)

    def now(self) -> int:
        """The wall clock, ms since the epoch."""
        return time.time_ns() // 1_000_000

    def elapsed(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    async def send_all(self, topic: str, partition: int | None, records: Iterable[Record]) -> int:
        """Send records and wait until all are acknowledged; returns how many, raises if one is not."""
        acks = [await self.send(topic, partition, record.key, record.value) for record in records]
        await asyncio.gather(*acks)
        return len(acks)

    def assigned(self, topic: str) -> set[int]:
        """The partitions of a topic that this worker has now."""
        return {tp.partition for tp in self._app.consumer.assignment() if tp.topic == topic}

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Read on from ``offset``, unless the partition is no longer ours.

        In the consumer's own thread: Faust's own ``seek`` runs in the caller's, where it can take away records that the
        fetcher is handing out.
        """
        tp = TP(topic, partition)
        consumer: Any = self._app.consumer
        thread = consumer._thread

        async def seek() -> None:
            thread._ensure_consumer().seek(TopicPartition(topic, partition), offset)

        try:
            await thread.call_thread(seek)
        except IllegalStateError:
            return
        consumer._read_offset[tp] = offset - 1 if offset else None

    async def admit(self, topic: str, fetch: Fetch, next_offset: int) -> Admitted:
        """What of a fetch is new to a reader that has read up to ``next_offset``.

        A fetch that begins beyond that was preceded by one that got lost between poll and delivery: seek back. The hole
        is real only if the broker no longer has what lies in it; that the same fetch comes again proves nothing, since
        it can get lost again in the same way.
        """
        if fetch.end <= next_offset:
            return Admitted(None, next_offset)
        if fetch.start > next_offset:
            next_offset = max(next_offset, await self.begin_now(topic, fetch.partition))
            if fetch.start > next_offset:
                await self.seek(topic, fetch.partition, next_offset)
                return Admitted(None, next_offset)
        return Admitted(fetch.since(next_offset) if fetch.start < next_offset else fetch, next_offset)

    def committed(self, topic: str, partition: int) -> int:
        """The offset that the group had committed when the partition was assigned; 0 if none."""
        consumer: Any = self._app.consumer
        return consumer._committed_offset[TP(topic, partition)] or 0

    async def prod(self, topic: str, partition: int, next_offset: int, follower: Follower) -> bool:
        """Seek back to ``next_offset`` if its reader stands still; tells whether it did."""
        if not follower.stands_still(next_offset, self.end(topic, partition)):
            return False
        await self.seek(topic, partition, next_offset)
        return True

    async def commit(self, topic: str, partition: int, offset: int) -> bool:
        """Commit the next offset to read; False if the partition is no longer ours."""
        if partition in self.assigned(topic):
            consumer: Any = self._app.consumer
            return bool(await consumer._commit({TP(topic, partition): offset}))
        return False

    def end(self, topic: str, partition: int) -> int | None:
        """The log's end as of the last fetch; None before it, and where the partition is not ours at the moment."""
        try:
            end: int | None = self._app.consumer.highwater(TP(topic, partition))
        except (AssertionError, ConsumerNotStarted):  # so it says that the partition is not assigned
            return None
        return end

    async def ends_now(self, topic: str) -> dict[int, int]:
        """The end of each partition of a topic, asked of the broker now."""
        return await asyncio.to_thread(log_ends, self._kafka, topic)

    async def begin_now(self, topic: str, partition: int) -> int:
        """The first offset that the log still has, asked of the broker now."""
        tp = TP(topic, partition)
        begin: int = (await self._app.consumer.earliest_offsets(tp))[tp]
        return begin

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        """The records of a partition from ``start`` up to ``end``, read beside what Faust reads.

        Raises ``ServiceError`` if the broker does not give them.
        """
        tp = TopicPartition(topic, partition)
        # a position that is not there is an error: to go on at the log's end would be to forget the shard
        consumer = AIOKafkaConsumer(
            **self._connection,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=8 << 20,
        )
        try:
            await consumer.start()
            consumer.assign([tp])
            if start:
                consumer.seek(tp, start)
            else:
                await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, []):
                    if record.offset < end:
                        yield Record(record.key, record.value, record.offset)
        except (KafkaError, OSError) as error:
            raise ServiceError(f"{topic} cannot be read: {error}; is the broker up?") from error
        finally:
            await consumer.stop()
