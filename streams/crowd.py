"""The crowd agent: feeds each assigned partition's shard, and carries away its tallies and seals. All that is counted
happens in the shard; here is only the traffic."""

from __future__ import annotations

import asyncio
import logging

from config.errors import KeyStoreError
from config.settings import Settings
from sinks.prometheus import Metrics
from streams import wire
from streams.agent import Running
from streams.consumer import Link
from streams.feed import FeedAgent
from streams.shard import Shard, ShardParts
from streams.watermark import BEGINNING
from streams.wire import Claim, Seal

log = logging.getLogger(__name__)


class CrowdAgent(FeedAgent[Shard]):
    """One worker's shards."""

    kind = "shard"

    def __init__(self, settings: Settings, parts: ShardParts, link: Link, metrics: Metrics) -> None:
        super().__init__(settings, parts, link, metrics, settings.topics.events, settings.topics.checkpoints)

    async def assign(self) -> None:
        """Take over the partitions that are assigned now and not at work yet."""
        begun = self._link.elapsed()
        await super().assign()
        self._metrics.recovery_seconds.set(self._link.elapsed() - begun)

    async def _claim(self, partition: int, token: int) -> None:
        await self._append(Claim(self._fingerprint, partition, token))

    async def _append(self, message: wire.Message) -> int:
        """Put a message into the tallies log and wait until it is there."""
        return await self._link.append(self._topics.tallies, 0, None, wire.encode(message))

    def _begun(self, partition: int) -> Shard:
        return Shard(partition, self._parts)

    def _restored(self, partition: int, snapshot: bytes) -> Shard:
        return Shard.restored(partition, self._parts, snapshot)

    async def _carry_away(self, running: Running[Shard], *, seal: bool = False) -> None:
        """Put the tallies of closed windows into the log, then the seal that vouches for them."""
        shard = running.part
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
        where = (shard.partition, shard.watermark, shard.next_offset)
        await self._append(Seal(self._fingerprint, token, *where, self._is_at_end(running), running.checkpointed))

    def _measure(self, running: Running[Shard]) -> None:
        super()._measure(running)
        shard, partition = running.part, str(running.part.partition)
        if shard.watermark != BEGINNING:
            delay = (self._link.now() - shard.watermark) / 1000
            self._metrics.watermark_delay_seconds.labels(partition).set(delay)
        age = self._link.elapsed() - running.checkpointed_at
        self._metrics.checkpoint_age_seconds.labels(partition).set(age)

    async def checkpoint(self) -> None:
        """Write a checkpoint of every shard, and give the key store back what it may have lost."""
        try:
            await asyncio.to_thread(self._parts.keys.keep)
        except KeyStoreError as error:
            log.warning("the keys cannot be looked after: %s", error)
        await super().checkpoint()
