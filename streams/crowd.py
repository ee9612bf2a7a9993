"""The crowd agent: feeds each assigned partition's shard, and carries away its tallies, seals, dead letters and
checkpoints. All that is counted happens in the shard; here is only the traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from config.errors import ContractError, KeyStoreError
from config.settings import Settings
from sinks.prometheus import Metrics
from streams import wire
from streams.changelog import Changelog
from streams.checkpoint import Cut
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
    """A shard at work, and what is under way for it.

    ``lock`` is held while the shard changes; ``frontier`` is the offset of the newest record of the frontier topic that
    was dealt with; ``checkpointed`` the watermark of the newest checkpoint.
    """

    shard: Shard
    changelog: Changelog
    frontier: int = -1
    checkpointed: int = BEGINNING
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    checkpointing: asyncio.Lock = field(default_factory=asyncio.Lock)
    acks: set[Ack] = field(default_factory=set)
    newest_stamp: int | None = None
    follows_events: Follower = field(default_factory=Follower)
    follows_frontier: Follower = field(default_factory=Follower)
    checkpointed_at: float = 0.0


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
        self._turn = 0

    async def assign(self) -> None:
        """Take over the partitions that are assigned now and not at work yet."""
        begun = self._link.elapsed()
        self._turn = turn = self._turn + 1
        assigned = self._link.assigned(self._topics.events)
        for partition in set(self._running) - assigned:
            self._forget(partition)
        for partition in sorted(assigned - set(self._running)):
            running = await self._take_over(partition)
            if turn != self._turn:
                return  # the group has rebalanced again meanwhile
            self._running[partition] = running
        self._metrics.recovery_seconds.set(self._link.elapsed() - begun)

    async def _take_over(self, partition: int) -> _Running:
        """Own the shard, and restore it from its changelog."""
        changelog = Changelog(self._link, self._topics.checkpoints, partition)

        async def claim(token: int) -> None:
            await self._append(wire.Claim(self._fingerprint, partition, token))

        restored = await changelog.take_over(claim)
        running = _Running(Shard(partition, self._parts), changelog)
        running.checkpointed_at = self._link.elapsed()
        if restored.manifest is not None and restored.snapshot is not None:
            running.shard = await self._restored(partition, restored.snapshot)
            running.frontier = restored.manifest.frontier
            running.checkpointed = restored.manifest.watermark
        shard = running.shard
        for noted in restored.advances:
            running.frontier = noted.offset
            if noted.applied:
                shard.advance(noted.next, noted.watermark)
        log.info("shard %d goes on at offset %d with %d devices", partition, shard.next_offset, shard.devices)
        return running

    async def _append(self, message: wire.Message) -> int:
        """Put a message into the tallies log and wait until it is there."""
        return await self._link.append(self._topics.tallies, 0, None, wire.encode(message))

    async def _restored(self, partition: int, snapshot: bytes) -> Shard:
        """The shard of a snapshot, as soon as the key store gives the keys of its epochs."""
        while True:
            try:
                return Shard.restored(partition, self._parts, snapshot)
            except KeyStoreError as error:
                log.warning("partition %d waits to be restored: %s", partition, error)
                await asyncio.sleep(_KEY_STORE_PAUSE)

    async def release(self, within: float = 60.0) -> None:
        """Let go of all partitions, each after a checkpoint, if it can be written ``within`` so many seconds."""
        self._turn += 1
        await asyncio.gather(*[self._let_go(running, within) for running in self._running.values()])

    async def _let_go(self, running: _Running, within: float) -> None:
        partition = running.shard.partition
        try:
            async with asyncio.timeout(within):
                await self._checkpoint(running)
        except TimeoutError:
            log.warning("shard %d had no time for a checkpoint (%g s); its last one holds", partition, within)
        except Exception:
            log.exception("shard %d was let go of without a checkpoint; its last one holds", partition)
        self._forget(partition)

    def _forget(self, partition: int) -> None:
        self._running.pop(partition, None)
        self._metrics.forget_partition(partition)

    @asynccontextmanager
    async def _held(self, running: _Running) -> AsyncIterator[bool]:
        """Hold a shard while it changes; False if it was let go of meanwhile. If that fails it is let go of without a
        checkpoint: what it has handed over may be lost, and nothing that waits to hold it may vouch for it."""
        async with running.lock:
            try:
                yield self._is_at_work(running)
            except BaseException:
                if self._is_at_work(running):
                    self._forget(running.shard.partition)
                raise

    def _is_at_work(self, running: _Running) -> bool:
        return self._running.get(running.shard.partition) is running

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the events topic."""
        running = self._running.get(fetch.partition)
        if running is None:
            return
        async with self._held(running) as ours:
            admitted = await self._admit(running, fetch) if ours else None
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
        token = running.changelog.token
        acks = [
            await self._link.send(self._topics.tallies, 0, None, wire.encode(part))
            for tally in tallies
            for part in wire.parts_of(tally, shard.partition, self._fingerprint, token)
        ]
        await asyncio.gather(*acks)
        end = self._link.end(self._topics.events, shard.partition)
        at_end = end is not None and shard.next_offset >= end
        where = (shard.partition, shard.watermark, shard.next_offset)
        await self._append(Seal(self._fingerprint, token, *where, at_end, running.checkpointed))

    def _measure(self, running: _Running) -> None:
        shard, now, metrics = running.shard, self._link.now() / 1000, self._metrics
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
        metrics.checkpoint_age_seconds.labels(partition).set(self._link.elapsed() - running.checkpointed_at)

    async def advance(self, fetch: Fetch) -> None:
        """Take a folded message of the frontier topic: what idle shards are told."""
        running = self._running.get(fetch.partition)
        if running is None:
            return
        async with self._held(running) as ours:
            if not ours:
                return
            admitted, _ = await self._link.admit(self._topics.frontier, fetch, running.frontier + 1)
            if admitted is None:
                return
            for offset, value in zip(admitted.offsets.tolist(), admitted.values, strict=True):
                try:
                    await self._advance(running, offset, wire.decode_advance(value or b""))
                except ContractError as error:
                    log.error("offset %d of %s is passed over: %s", offset, self._topics.frontier, error)

    async def _advance(self, running: _Running, offset: int, advance: Advance) -> None:
        """Note an advance in the changelog, then act on it.

        It is noted also when it comes too late, or was meant for another owner, so that a replay of the records does
        the same with it.
        """
        shard = running.shard
        ours = advance.token is None or advance.token == running.changelog.token
        applied = ours and advance.next >= max(shard.next_offset, shard.counted)
        await running.changelog.note(offset, advance.next, advance.watermark, applied=applied)
        running.frontier = offset
        if applied:
            shard.advance(advance.next, advance.watermark)
            await self._carry_away(running, seal=True)

    async def seal(self) -> None:
        """Seal every shard, also where nothing closed, so that the release agent hears from it."""
        for running in list(self._running.values()):
            async with self._held(running) as ours:
                if ours:
                    running.shard.settle()
                    await self._carry_away(running, seal=True)
                    await self._prod(running)
                    self._measure(running)

    async def _prod(self, running: _Running) -> None:
        """Read again what a shard stands still before."""
        shard, topics = running.shard, self._topics
        if await self._link.prod(topics.events, shard.partition, shard.next_offset, running.follows_events):
            self._metrics.seeks.inc()
        await self._link.prod(topics.frontier, shard.partition, running.frontier + 1, running.follows_frontier)

    async def checkpoint(self) -> None:
        """Write a checkpoint of every shard, and give the key store back what it may have lost."""
        try:
            await asyncio.to_thread(self._parts.keys.keep)
        except KeyStoreError as error:
            log.warning("the keys cannot be looked after: %s", error)
        for running in list(self._running.values()):
            if not await self._checkpoint(running):
                await self._give_up(running)

    async def _checkpoint(self, running: _Running) -> bool:
        """Copy the shard; write the copy, while the flow goes on, once all it vouches for is in the log.

        False if a newer owner has taken over.
        """
        async with running.checkpointing:
            begun = self._link.elapsed()
            async with self._held(running) as ours:
                if not ours:
                    return True
                shard = running.shard
                shard.settle()
                await self._carry_away(running)
                snapshot = shard.snapshot()
                cut = Cut(shard.position, shard.counted, shard.watermark, running.frontier)
                acks = list(running.acks)
            await asyncio.gather(*acks)
            running.acks.difference_update(acks)
            if not await running.changelog.write(snapshot, cut):
                log.warning("shard %d was taken over by another worker", shard.partition)
                return False
            running.checkpointed = cut.watermark
            running.checkpointed_at = self._link.elapsed()
            self._metrics.checkpoint_seconds.observe(running.checkpointed_at - begun)
            await self._link.commit(self._topics.events, shard.partition, cut.position)
            await running.changelog.collect_garbage()
            return True

    async def _give_up(self, running: _Running) -> None:
        """A newer owner has taken over: nothing that this one sends counts. If the shard is ours after all (the other
        was late to learn that it is not), take it over again."""
        if self._is_at_work(running):
            self._forget(running.shard.partition)
            await self.assign()
