"""What the agents of a worker have in common: they take partitions over, read every record once, leave checkpoints, and
let go of what is no longer theirs."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from config.errors import KeyStoreError
from config.settings import Settings
from indicators.columns import Writer
from sinks.prometheus import Metrics
from streams import wire
from streams.changelog import Changelog
from streams.checkpoint import AdvanceNote, Cut
from streams.epoch_register import EpochRegister
from streams.fetch import Fetch
from streams.link import Ack, Follower, Link
from streams.parts import ShardParts
from streams.watermark import BEGINNING

log = logging.getLogger(__name__)

#: Each reads its changelog with a consumer of its own and has a whole snapshot in memory.
_TAKEN_OVER_AT_ONCE = 4


class Part(Protocol):
    """What an agent makes of one partition; its state is a function of what it takes."""

    partition: int

    @property
    def next_offset(self) -> int: ...
    @property
    def counted(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def watermark(self) -> int: ...
    @property
    def lost(self) -> bool: ...
    def skip_to(self, offset: int) -> None: ...
    def settle(self) -> None: ...
    def snapshot(self) -> Writer: ...


PartT = TypeVar("PartT", bound=Part)


@dataclass(slots=True)
class Running(Generic[PartT]):
    """A part at work, and what is under way for it.

    ``lock`` is held while the part changes; ``acks`` are those to wait for, in the order of sending (a set has another
    order each time, and a simulated schedule could not be replayed); ``frontier`` is the offset of the newest record of
    the frontier topic that was dealt with; ``checkpointed`` the watermark of the newest checkpoint; ``ended_to`` up to
    where (UTC ms) it was said that nothing is to be released of an epoch whose key is destroyed.
    """

    part: PartT
    changelog: Changelog
    frontier: int = -1
    checkpointed: int = BEGINNING
    ended_to: int = BEGINNING
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    checkpointing: asyncio.Lock = field(default_factory=asyncio.Lock)
    acks: dict[Ack, None] = field(default_factory=dict)
    newest_stamp: int | None = None
    follows: Follower = field(default_factory=Follower)
    follows_frontier: Follower = field(default_factory=Follower)
    checkpointed_at: float = 0.0


class PartitionAgent(ABC, Generic[PartT]):
    """One worker's parts of a topic, each kept in a changelog."""

    #: What a part is called in the log.
    kind: str

    def __init__(
        self,
        settings: Settings,
        parts: ShardParts,
        link: Link,
        metrics: Metrics,
        register: EpochRegister,
        reads: str,
        changelogs: str,
    ) -> None:
        """``reads``: the topic whose partitions the parts are made of; ``changelogs``: the topic that keeps them."""
        self._settings = settings
        self._topics = settings.topics
        self._parts = parts
        self._fingerprint = parts.fingerprint
        self._link = link
        self._metrics = metrics
        self._register = register
        self._reads = reads
        self._changelogs = changelogs
        self._running: dict[int, Running[PartT]] = {}
        self._turn = 0

    @abstractmethod
    async def _claim(self, partition: int, token: int) -> None:
        """Claim the part's output: what carries an older token behind this does not count."""

    @abstractmethod
    def _begun(self, partition: int) -> PartT:
        """A part that has taken nothing yet."""

    @abstractmethod
    def _restored(self, partition: int, snapshot: bytes) -> PartT:
        """The part of a snapshot; raises ``KeyStoreError`` if the key store does not answer."""

    @abstractmethod
    async def _feed(self, running: Running[PartT], fetch: Fetch) -> Fetch | None:
        """Let the part take a fetch and carry away what comes of it; returns what it could not take yet."""

    @abstractmethod
    async def _carry_away(self, running: Running[PartT], *, seal: bool = False) -> None:
        """Send what the part hands over; with ``seal`` say how far it is, also if that is nothing."""

    async def _begin_anew(self, running: Running[PartT]) -> None:
        """Say that what the part knew before its snapshot's watermark is lost with a key."""

    async def _say_what_is_gone(self, running: Running[PartT]) -> None:
        """Say what a part lacks that was under a key which nobody has."""

    def _measure(self, running: Running[PartT]) -> None:
        """Show how far the part is."""

    def _replay(self, running: Running[PartT], advances: Sequence[AdvanceNote]) -> None:
        """Do again what was noted in the changelog since the checkpoint."""

    async def assign(self) -> None:
        """Take over the partitions that are assigned now and not at work yet."""
        self._turn = turn = self._turn + 1
        assigned = self._link.assigned(self._reads)
        for partition in set(self._running) - assigned:
            self._forget(partition)
        new = sorted(assigned - set(self._running))
        limit = asyncio.Semaphore(_TAKEN_OVER_AT_ONCE)
        try:
            await asyncio.gather(*[self._add(partition, turn, limit) for partition in new])
        except BaseException:
            self._turn += 1
            raise

    async def _add(self, partition: int, turn: int, limit: asyncio.Semaphore) -> None:
        """Take a partition over, unless the group has rebalanced again meanwhile."""
        async with limit:
            if turn != self._turn:
                return
            running = await self._take_over(partition)
            if turn == self._turn:
                self._running[partition] = running

    async def _take_over(self, partition: int) -> Running[PartT]:
        """Own the part, and restore it from its changelog."""
        changelog = Changelog(self._link, self._changelogs, partition)

        async def claim(token: int) -> None:
            await self._claim(partition, token)

        restored = await changelog.take_over(claim)
        # behind the claim: under what a predecessor's output counts is known here
        await self._register.refresh()
        if restored.manifest is None or restored.snapshot is None:
            running = Running(self._begun(partition), changelog)
        else:
            running = Running(await self._insist(partition, restored.snapshot), changelog)
            running.frontier = restored.manifest.frontier
            running.checkpointed = restored.manifest.watermark
            if running.part.lost:
                await self._begin_anew(running)
            await self._say_what_is_gone(running)
        running.checkpointed_at = self._link.elapsed()
        self._replay(running, restored.advances)
        log.info("%s %d goes on at offset %d", self.kind, partition, running.part.next_offset)
        return running

    async def _insist(self, partition: int, snapshot: bytes) -> PartT:
        """The part of a snapshot, as soon as the key store gives the keys of its epochs."""
        while True:
            try:
                return self._restored(partition, snapshot)
            except KeyStoreError as error:
                await self._register.overcome(error, f"{self.kind} {partition} waits to be restored")

    async def release(self, within: float = 60.0) -> None:
        """Let go of all partitions, each after a checkpoint, if it can be written ``within`` so many seconds."""
        self._turn += 1
        await asyncio.gather(*[self._let_go(running, within) for running in self._running.values()])

    async def _let_go(self, running: Running[PartT], within: float) -> None:
        partition = running.part.partition
        try:
            async with asyncio.timeout(within):
                await self._checkpoint(running)
        except TimeoutError:
            log.warning("%s %d had no time for a checkpoint (%g s); its last one holds", self.kind, partition, within)
        except Exception:
            log.exception("%s %d was let go of without a checkpoint; its last one holds", self.kind, partition)
        self._forget(partition)

    def _forget(self, partition: int) -> None:
        self._running.pop(partition, None)
        self._metrics.forget_partition(partition)

    @asynccontextmanager
    async def _held(self, running: Running[PartT]) -> AsyncIterator[bool]:
        """Hold a part while it changes; False if it was let go of meanwhile. If that fails it is let go of without a
        checkpoint: what it has handed over may be lost, and nothing that waits to hold it may vouch for it."""
        async with running.lock:
            try:
                yield self._is_at_work(running)
            except BaseException:
                if self._is_at_work(running):
                    self._forget(running.part.partition)
                raise

    def _is_at_work(self, running: Running[PartT]) -> bool:
        return self._running.get(running.part.partition) is running

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the topic that the agent reads."""
        running = self._running.get(fetch.partition)
        if running is None:
            return
        async with self._held(running) as ours:
            admitted = await self._admit(running, fetch) if ours else None
            while admitted is not None and self._is_at_work(running):
                admitted = await self._feed(running, admitted)
                await asyncio.sleep(0)
            if len(fetch):
                running.newest_stamp = int(fetch.timestamps[-1])

    async def _admit(self, running: Running[PartT], fetch: Fetch) -> Fetch | None:
        """What of the fetch is new to the part; offsets that the broker has deleted are passed over and reported."""
        part = running.part
        admitted, first = await self._link.admit(self._reads, fetch, part.next_offset)
        if first > part.next_offset:
            self._metrics.offset_gaps.inc()
            log.error(
                "partition %d of %s no longer has the offsets %d to %d: they were deleted before they were read; "
                "is its retention longer than the worker can be away?",
                part.partition,
                self._reads,
                part.next_offset,
                first - 1,
            )
            part.skip_to(first)
        if admitted is None and fetch.start > part.next_offset:
            self._metrics.seeks.inc()
        return admitted

    def _is_at_end(self, running: Running[PartT]) -> bool:
        """Whether there is nothing more to read."""
        end = self._link.end(self._reads, running.part.partition)
        return end is not None and running.part.next_offset >= end

    async def _append(self, message: wire.Message) -> int:
        """Put a message into the tallies log and wait until it is there."""
        return await self._link.append(self._topics.tallies, 0, None, wire.encode(message))

    async def _acknowledged(self, running: Running[PartT]) -> None:
        """Wait until all that was sent so far is in the log; raises if something is not."""
        acks, running.acks = running.acks, {}
        await asyncio.gather(*acks)

    async def seal(self) -> None:
        """Say of every part how far it is, also where nothing happened, so that others need not wait for it."""
        for running in list(self._running.values()):
            async with self._held(running) as ours:
                if ours:
                    await self._settle(running)
                    await self._carry_away(running, seal=True)
                    await self._prod(running)
                    self._measure(running)

    async def _settle(self, running: Running[PartT]) -> None:
        """Let the part apply what it can."""
        running.part.settle()

    async def _prod(self, running: Running[PartT]) -> None:
        """Read again what a part stands still before."""
        part = running.part
        if await self._link.prod(self._reads, part.partition, part.next_offset, running.follows):
            self._metrics.seeks.inc()

    async def checkpoint(self) -> None:
        """Write a checkpoint of every part."""
        for running in list(self._running.values()):
            if not await self._checkpoint(running):
                await self._give_up(running)

    async def _checkpoint(self, running: Running[PartT]) -> bool:
        """Copy the part; write the copy, while the flow goes on, once all it vouches for is in the log.

        False if a newer owner has taken over.
        """
        async with running.checkpointing:
            begun = self._link.elapsed()
            async with self._held(running) as ours:
                if not ours:
                    return True
                part = running.part
                part.settle()
                await self._carry_away(running)
                snapshot = part.snapshot()
                cut = Cut(part.position, part.counted, part.watermark, running.frontier)
                acks = list(running.acks)
            await asyncio.gather(*acks)
            for ack in acks:
                running.acks.pop(ack, None)
            if not await running.changelog.write(snapshot, cut):
                log.warning(
                    "%s %d was taken over by another worker; if that goes on, two have the same kafka.instance",
                    self.kind,
                    part.partition,
                )
                return False
            running.checkpointed = cut.watermark
            running.checkpointed_at = self._link.elapsed()
            self._metrics.checkpoint_seconds.observe(running.checkpointed_at - begun)
            await self._link.commit(self._reads, part.partition, cut.position)
            await running.changelog.collect_garbage()
            return True

    async def _give_up(self, running: Running[PartT]) -> None:
        """A newer owner has taken over: nothing that this one sends counts. If the part is ours after all (the other
        was late to learn that it is not), take it over again."""
        if self._is_at_work(running):
            self._forget(running.part.partition)
            await self.assign()
