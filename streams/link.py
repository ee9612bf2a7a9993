"""What the agents need of Faust's consumer and producer beyond its public interface, in one place.

Leans on ``Consumer._read_offset`` (after a seek Faust drops messages below it; a folded message is known by its last
offset), ``Consumer._committed_offset``, and ``Consumer._thread`` with its ``thread_loop`` and its aiokafka consumer (a
seek must run in the thread that fetches; a commit and a question to the broker, too, but not in Faust's queue for it,
where two that wait for a broker hold up all fetching, nor by ``Consumer._commit``, which ends the application when the
broker does not answer). Of the producer, aiokafka's ``_message_accumulator`` (how long it tries) and ``_sender``.

While the broker is away everything here waits and goes on when it is back. A record that has been taken is sent again
and again, in its order, for :data:`PATIENCE`; only then its acknowledgement is an error, which ends the worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, ProducerClosed
from aiokafka.structs import OffsetAndMetadata
from faust.exceptions import ConsumerNotStarted, ProducerSendError
from faust.types import TP

from config.errors import ServiceError
from config.settings import KafkaSettings
from streams.checkpoint import Record
from streams.fetch import Fetch, Headers
from streams.log_ends import log_ends
from streams.patience import RETRY_AFTER, passes, until_answered

log = logging.getLogger(__name__)

#: An acknowledgement to wait for.
Ack = asyncio.Future[Any]

#: Seconds for which a record is sent again before it counts as lost.
PATIENCE = 900.0

_COMMIT_SECONDS = 5.0
_ANSWER_SECONDS = 5.0

_T = TypeVar("_T")


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
        """Send a record; the returned future is done when every in-sync replica has it, or raises.

        Waits while the producer is full. What it refuses it has not taken, so that it can be offered again.
        """
        producer: Any = self._app.producer

        async def offer() -> Ack:
            if producer._producer is not None:
                producer._producer._message_accumulator._batch_ttl = PATIENCE
            ack: Ack = await producer.send(topic, key, value, partition, None, list(headers))
            return ack

        return await until_answered(offer, PATIENCE)

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

    async def send_all(self, topic: str, partition: int | None, records: Iterable[Record]) -> list[int]:
        """Send records and wait until all are acknowledged; returns their offsets, raises if one is not."""
        acks = [await self.send(topic, partition, record.key, record.value) for record in records]
        acknowledged = await asyncio.gather(*acks)
        return [metadata.offset for metadata in acknowledged]

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
        """Commit the next offset to read; False if the partition is no longer ours, or the broker did not take it now:
        the next commit makes up for it."""
        if partition not in self.assigned(topic):
            return False
        offsets = {TopicPartition(topic, partition): OffsetAndMetadata(offset, "")}
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self._in_thread(lambda consumer: consumer.commit(offsets))
        except (KafkaError, TimeoutError) as error:
            log.info("offset %d of %s, partition %d, is not committed: %r", offset, topic, partition, error)
            return False
        return True

    def end(self, topic: str, partition: int) -> int | None:
        """The log's end as of the last fetch; None before it, and where the partition is not ours at the moment."""
        try:
            end: int | None = self._app.consumer.highwater(TP(topic, partition))
        except (AssertionError, ConsumerNotStarted):  # so it says that the partition is not assigned
            return None
        return end

    async def ends_now(self, topic: str) -> dict[int, int]:
        """The end of each partition of a topic, asked of the broker now; waits while it is away, or does not know the
        topic yet."""
        said = False
        while True:
            try:
                return await asyncio.to_thread(log_ends, self._kafka, topic)
            except ServiceError as error:
                if not said:
                    log.info("it is not known yet where %s ends: %s", topic, error)
                said = True
            await asyncio.sleep(RETRY_AFTER)

    async def begin_now(self, topic: str, partition: int) -> int:
        """The first offset that the log still has, asked of the broker now."""
        tp = TopicPartition(topic, partition)
        begin = await until_answered(lambda: self._in_thread(lambda consumer: consumer.beginning_offsets([tp])))
        return int(begin[tp])

    async def _in_thread(self, ask: Callable[[Any], Coroutine[Any, Any, _T]]) -> _T:
        """Ask aiokafka's consumer in the thread in which it runs."""
        thread: Any = self._app.consumer._thread  # type: ignore[attr-defined]
        if thread.thread_loop.is_closed():
            raise ProducerClosed
        asked = asyncio.run_coroutine_threadsafe(ask(thread._ensure_consumer()), thread.thread_loop)
        return await asyncio.wrap_future(asked)

    async def answers(self) -> bool | None:
        """Whether a broker answers now, in a few seconds; None before the producer has reached one."""
        producer: Any = self._app._producer
        if producer is None or producer._producer is None:
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return bool(await producer._producer.client.force_metadata_update())
        except TimeoutError:
            return False

    async def group_error(self) -> KafkaError | None:
        """Why the group does not let this worker in, if it does not. Having been told, aiokafka tries again.

        Raises ``ServiceError`` if it has given up, and the worker would never be in the group again.
        """

        async def check(consumer: Any) -> None:
            coordinator = consumer._coordinator
            if coordinator is None or consumer._closed:
                return
            if coordinator._coordination_task.done():
                raise ServiceError("the worker's membership in its group has ended: see the error above")
            coordinator.check_errors()

        try:
            await self._in_thread(check)
        except ConsumerNotStarted:
            return None  # the broker went away while the worker started: nobody has refused it yet
        except KafkaError as error:
            return error
        return None

    async def stop_sending(self, within: float) -> None:
        """Wait ``within`` seconds for what is under way; what is not acknowledged then fails, and nothing else is sent.

        Otherwise the application would not stop while the broker is away.
        """
        faust_producer: Any = self._app._producer
        producer = None if faust_producer is None else faust_producer._producer
        if producer is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await producer.flush()
                return
        log.warning("Kafka has not acknowledged all within %g s; the last checkpoints hold", within)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await producer._sender.close()
        producer._message_accumulator.fail_all(ProducerClosed())

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        """The records of a partition from ``start`` up to ``end``, read beside what Faust reads.

        Waits while the broker is away. Raises ``ServiceError`` if it refuses to give them.
        """
        while start < end:
            try:
                async for record in self._read(topic, partition, start, end):
                    start = record.offset + 1
                    yield record
                return
            except (KafkaError, OSError) as error:
                if not passes(error):
                    raise ServiceError(f"{topic} cannot be read: {error}") from error
            await asyncio.sleep(RETRY_AFTER)

    async def _read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
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
        finally:
            await consumer.stop()
