"""The crowd agent: feeds each assigned partition's shard, and carries away its tallies, seals, dead letters and
checkpoints. All that is counted happens in the shard; here is only the traffic."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from config.errors import ContractError, KeyStoreError
from config.settings import Settings
from sinks.prometheus import Metrics
from streams import checkpoint, wire
from streams.checkpoint import AdvanceNote
from streams.consumer import Ack, Follower, Link
from streams.deadletters import dead_letters
from streams.fetch import Fetch
from streams.shard import Shard, ShardParts, Taken
from streams.watermark import BEGINNING
from streams.wire import Advance, Seal

log = logging.getLogger(__name__)

_KEY_STORE_PAUSE = 1.0
_MOST_UNACKNOWLEDGED = 5_000


@dataclass(slots=True)
class _Running:
    """A shard at work, and what is under way for it. ``lock`` is held while the shard changes."""

    shard: Shard
    checkpoint_number: int
    checkpoint_parts: int = 0
    frontier_seen: int = -1
    checkpointed: int = BEGINNING
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    checkpointing: asyncio.Lock = field(default_factory=asyncio.Lock)
    acks: set[Ack] = field(default_factory=set)
    newest_stamp: int | None = None
    follows_events: Follower = field(default_factory=Follower)
    follows_frontier: Follower = field(default_factory=Follower)
    checkpointed_at: float = field(default_factory=time.monotonic)


class CrowdAgent:
    """One worker's shards."""

    def __init__(self, settings: Settings, parts: ShardParts, link: Link, metrics: Metrics) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._parts = parts
        self._fingerprint = parts.fingerprint
        self._link = link
        self._metrics = metrics
        self._running: dict[int, _Running] = {}

    async def assign(self) -> None:
        """Take over the partitions that are assigned now: restore each from its changelog. Let go of all others."""
        begun = time.monotonic()
        assigned = self._link.assigned(self._topics.events)
        for partition in set(self._running) - assigned:
            self._forget(partition)
        ends = await self._link.ends_now(self._topics.checkpoints)
        for partition in sorted(assigned - set(self._running)):
            self._running[partition] = await self._restore(partition, ends[partition])
        self._metrics.recovery_seconds.set(time.monotonic() - begun)

    async def _restore(self, partition: int, end: int) -> _Running:
        changelog = await self._link.read_changelog(self._topics.checkpoints, partition, end)
        if changelog.manifest is None or changelog.snapshot is None:
            shard = Shard(partition, self._parts)
            parts = 0
        else:
            shard = await self._restored(partition, changelog.snapshot)
            parts = changelog.manifest.parts
        for advance in changelog.advances:
            if advance.applied and advance.next >= shard.counted:
                shard.advance(advance.next, advance.watermark)
        seen = max((advance.offset for advance in changelog.advances), default=-1)
        log.info("shard %d goes on at offset %d with %d devices", partition, shard.next_offset, shard.devices)
        checkpointed = BEGINNING if changelog.manifest is None else changelog.manifest.watermark
        return _Running(shard, changelog.newest_number, parts, seen, checkpointed)

    async def _restored(self, partition: int, snapshot: bytes) -> Shard:
        """The shard of a snapshot, as soon as the key store gives the keys of its epochs."""
        while True:
            try:
                return Shard.restored(partition, self._parts, snapshot)
            except KeyStoreError as error:
                log.warning("partition %d waits to be restored: %s", partition, error)
                await asyncio.sleep(_KEY_STORE_PAUSE)

    async def release(self) -> None:
        """Let go of all partitions, each after a checkpoint, if it can be written."""
        for partition, running in list(self._running.items()):
            try:
                await self._checkpoint(running)
            except Exception:
                log.exception("shard %d was let go of without a checkpoint; its last one holds", partition)
            self._forget(partition)

    def _forget(self, partition: int) -> None:
        self._running.pop(partition, None)
        self._metrics.forget_partition(partition)

    @asynccontextmanager
    async def _held(self, running: _Running) -> AsyncIterator[None]:
        """Hold a shard while it changes. If that fails it is let go of without a checkpoint: what it has handed over
        may be lost, and nothing may vouch for it."""
        async with running.lock:
            try:
                yield
            except BaseException:
                self._forget(running.shard.partition)
                raise

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the events topic."""
        running = self._running.get(fetch.partition)
        if running is None:
            return
        async with self._held(running):
            admitted = await self._admit(running, fetch)
            while admitted is not None:
                admitted = await self._feed(running, admitted)
            if len(fetch):
                running.newest_stamp = int(fetch.timestamps[-1])

    async def _admit(self, running: _Running, fetch: Fetch) -> Fetch | None:
        """What of the fetch is new to the shard; offsets that the broker has deleted are passed over and reported."""
        shard = running.shard
        admitted, first = await self._link.admit(self._topics.events, fetch, shard.next_offset)
        if first > shard.next_offset:
            self._metrics.offset_gaps.inc()
            log.error(
                "partition %d no longer has the offsets %d to %d: they were deleted before they were read; "
                "is its retention longer than the worker can be away?",
                shard.partition,
                shard.next_offset,
                first - 1,
            )
            shard.skip_to(first)
        if admitted is None and fetch.start > shard.next_offset:
            self._metrics.seeks.inc()
        return admitted

    async def _feed(self, running: _Running, fetch: Fetch) -> Fetch | None:
        """Let the shard take a fetch; returns what it could not take yet for want of a key."""
        shard = running.shard
        try:
            parts = shard.take(fetch)
        except KeyStoreError as error:
            log.warning("partition %d stands still: %s", shard.partition, error)
            await asyncio.sleep(_KEY_STORE_PAUSE)
            return fetch
        for part, taken in parts:
            self._count(taken)
            await self._bury(running, part, taken)
        await self._carry_away(running)
        return fetch.since(shard.next_offset) if shard.next_offset < fetch.end else None

    def _count(self, taken: Taken) -> None:
        verdicts = taken.verdicts
        self._metrics.read.inc(verdicts.read)
        self._metrics.accepted.inc(verdicts.accepted)
        self._metrics.late.inc(verdicts.late)
        for reason, count in verdicts.rejected.items():
            self._metrics.rejected.labels(reason).inc(count)

    async def _bury(self, running: _Running, fetch: Fetch, taken: Taken) -> None:
        payload = self._settings.events.rejected_payload
        for letter in dead_letters(self._topics.events, fetch, taken.rejected, payload):
            if len(running.acks) >= _MOST_UNACKNOWLEDGED:
                await self._acknowledged(running)
            # Kafka's clients refuse a record with neither key nor value
            key = b"" if letter.value is None else None
            ack = await self._link.send(self._topics.rejected, fetch.partition, key, letter.value, letter.headers)
            running.acks.add(ack)

    async def _acknowledged(self, running: _Running) -> None:
        """Wait until all that was sent so far is in the log; raises if something is not."""
        acks, running.acks = running.acks, set()
        await asyncio.gather(*acks)

    async def _carry_away(self, running: _Running, *, seal: bool = False) -> None:
        """Put the tallies of closed windows into the log, then the seal that vouches for them."""
        shard = running.shard
        tallies = shard.closed()
        if not tallies and not seal:
            return
        acks = [
            await self._link.send(self._topics.tallies, 0, None, wire.encode(part))
            for tally in tallies
            for part in wire.parts_of(tally, shard.partition, self._fingerprint)
        ]
        await asyncio.gather(*acks)
        end = self._link.end(self._topics.events, shard.partition)
        at_end = end is not None and shard.next_offset >= end
        message = Seal(
            self._fingerprint, shard.partition, shard.watermark, shard.next_offset, at_end, running.checkpointed
        )
        await (await self._link.send(self._topics.tallies, 0, None, wire.encode(message)))

    def _measure(self, running: _Running) -> None:
        shard, now, metrics = running.shard, time.time(), self._metrics
        partition = str(shard.partition)
        end = self._link.end(self._topics.events, shard.partition)
        if end is not None:
            metrics.lag_records.labels(partition).set(max(0, end - shard.next_offset))
        if running.newest_stamp is not None:
            behind = end is None or shard.next_offset < end
            lag = now - running.newest_stamp / 1000 if behind else 0.0
            metrics.lag_seconds.labels(partition).set(max(0.0, lag))
        if shard.watermark != BEGINNING:
            metrics.watermark_delay_seconds.labels(partition).set(now - shard.watermark / 1000)
        metrics.checkpoint_age_seconds.labels(partition).set(time.monotonic() - running.checkpointed_at)

    async def advance(self, fetch: Fetch) -> None:
        """Take a folded message of the frontier topic: what idle shards are told."""
        running = self._running.get(fetch.partition)
        if running is None:
            return
        async with self._held(running):
            admitted, _ = await self._link.admit(self._topics.frontier, fetch, running.frontier_seen + 1)
            if admitted is None:
                return
            for offset, value in zip(admitted.offsets.tolist(), admitted.values, strict=True):
                try:
                    await self._advance(running, offset, wire.decode_advance(value or b""))
                except ContractError as error:
                    log.error("offset %d of %s is passed over: %s", offset, self._topics.frontier, error)

    async def _advance(self, running: _Running, offset: int, advance: Advance) -> None:
        """Note an advance in the changelog, then act on it.

        It is noted also when it comes too late, so that a replay of the records does the same with it.
        """
        shard = running.shard
        applied = advance.next >= max(shard.next_offset, shard.counted)
        noted = checkpoint.note(AdvanceNote(offset, advance.next, advance.watermark, applied))
        await self._link.send_all(self._topics.checkpoints, shard.partition, [noted])
        running.frontier_seen = offset
        if applied:
            shard.advance(advance.next, advance.watermark)
            await self._carry_away(running, seal=True)

    async def seal(self) -> None:
        """Seal every shard, also where nothing closed, so that the release agent hears from it."""
        for running in list(self._running.values()):
            async with self._held(running):
                running.shard.settle()
                await self._carry_away(running, seal=True)
                await self._prod(running)
            self._measure(running)

    async def _prod(self, running: _Running) -> None:
        """Read again what a shard stands still before."""
        shard, topics = running.shard, self._topics
        if await self._link.prod(topics.events, shard.partition, shard.next_offset, running.follows_events):
            self._metrics.seeks.inc()
        await self._link.prod(topics.frontier, shard.partition, running.frontier_seen + 1, running.follows_frontier)

    async def checkpoint(self) -> None:
        """Write a checkpoint of every shard, and give the key store back what it may have lost."""
        try:
            await asyncio.to_thread(self._parts.keys.keep)
        except KeyStoreError as error:
            log.warning("the keys cannot be looked after: %s", error)
        for running in list(self._running.values()):
            await self._checkpoint(running)

    async def _checkpoint(self, running: _Running) -> None:
        """Copy the shard; write the copy, while the flow goes on, once all it vouches for is in the log."""
        async with running.checkpointing:
            begun = time.monotonic()
            async with self._held(running):
                shard = running.shard
                shard.settle()
                await self._carry_away(running)
                snapshot = shard.snapshot()
                cut = (shard.position, shard.counted, shard.watermark)
                acks = list(running.acks)
            number = running.checkpoint_number + 1
            await asyncio.gather(*acks)
            running.acks.difference_update(acks)
            parts, manifest = await asyncio.to_thread(checkpoint.encode, snapshot, number, *cut)
            topic, partition = self._topics.checkpoints, shard.partition
            await self._link.send_all(topic, partition, parts)
            await self._link.send_all(topic, partition, [manifest])
            old = checkpoint.garbage(running.checkpoint_number, running.checkpoint_parts)
            if running.checkpoint_number:
                await self._link.send_all(topic, partition, old)
            running.checkpoint_number, running.checkpoint_parts = number, len(parts)
            await self._link.commit(self._topics.events, partition, cut[0])
            running.checkpointed = cut[2]
            running.checkpointed_at = time.monotonic()
            self._metrics.checkpoint_seconds.observe(running.checkpointed_at - begun)
