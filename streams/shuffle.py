"""The shuffle agent: feeds each assigned partition's source, and sends what the source parts to the shards.

It stands before the crowd agent where the feed is not keyed by subscriber. A new owner of a source first claims it from
every shard; then it goes on at the source's checkpoint and sends again what its predecessor may have sent. The shards
pass over what they have, and what a predecessor sends behind the claim.
"""

from __future__ import annotations

import asyncio

from config.settings import Settings
from sinks.prometheus import Metrics
from streams.agent import Running
from streams.batches import encode_batch
from streams.epoch_register import EpochRegister
from streams.feed import FeedAgent
from streams.link import Link
from streams.parts import ShardParts
from streams.source import Source
from streams.wire import SourceLoss, SourceSeal

#: Rounds of batches of a source that may be under way before it takes more.
_ROUNDS_UNDER_WAY = 4


class ShuffleAgent(FeedAgent[Source]):
    """One worker's sources."""

    kind = "source"

    def __init__(
        self, settings: Settings, parts: ShardParts, link: Link, metrics: Metrics, register: EpochRegister
    ) -> None:
        super().__init__(settings, parts, link, metrics, register, settings.topics.events, settings.topics.sources)

    def _begun(self, partition: int) -> Source:
        return Source(partition, self._parts)

    def _restored(self, partition: int, snapshot: bytes) -> Source:
        return Source.restored(partition, self._parts, snapshot)

    async def _say_ended(self, running: Running[Source], end: int) -> None:
        source = running.part
        await self._append(SourceLoss(self._fingerprint, source.partition, source.watermark + 1, end))

    async def _claim(self, partition: int, token: int) -> None:
        claim = Source(partition, self._parts).claim(token)
        shuffled = self._topics.shuffled
        acks = [
            await self._link.send(shuffled, shard, None, encode_batch(claim, shard))
            for shard in range(self._parts.partitions)
        ]
        await asyncio.gather(*acks)

    async def _carry_away(self, running: Running[Source], *, seal: bool = False) -> None:
        """Send every shard its batch, and with ``seal`` also if there is nothing new in it; then a seal.

        The acknowledgements are awaited before the next checkpoint: what is not in the log by then ends the worker, and
        its successor sends it again.
        """
        source, token = running.part, running.changelog.token
        if source.has_news or seal:
            await self._say_what_is_in_doubt(running)
            await self._make_room(running)
            for shard, batch in source.batches(token):
                ack = await self._link.send(self._topics.shuffled, shard, None, encode_batch(batch, shard))
                running.acks[ack] = None
        if seal:
            where = (source.partition, source.watermark, source.next_offset)
            message = SourceSeal(self._fingerprint, token, *where, self._is_at_end(running), running.checkpointed)
            await self._append(message)

    async def _say_what_is_in_doubt(self, running: Running[Source]) -> None:
        source, end = running.part, 0
        if source.doubts.needs_end:
            end = (await self._link.ends_now(self._topics.events))[source.partition]
        for first, last in source.doubts.between(end):
            until = last + self._parts.linger
            await self._append(SourceLoss(self._fingerprint, source.partition, first, until))

    async def _make_room(self, running: Running[Source]) -> None:
        """Let no more be under way than fits into memory; raises if something that was sent is not in the log."""
        done = [ack for ack in running.acks if ack.done()]
        for ack in done:
            ack.result()
            del running.acks[ack]
        if len(running.acks) >= _ROUNDS_UNDER_WAY * self._parts.partitions:
            await self._acknowledged(running)

    def _measure(self, running: Running[Source]) -> None:
        super()._measure(running)
        age = self._link.elapsed() - running.checkpointed_at
        self._metrics.source_checkpoint_age_seconds.labels(str(running.part.partition)).set(age)
