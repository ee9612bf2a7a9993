"""The crowd agents: feed each assigned partition's shard, and carry away its tallies and seals. All that is counted
happens in the shard; here is only the traffic."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, TypeVar

from anonymizer.cipher import Cipher
from config.errors import ContractError, EpochEndedError, KeyLostError, KeyStoreError
from config.settings import Settings
from indicators.counts import Tally
from sinks.prometheus import Metrics
from streams import wire
from streams.agent import Part, PartitionAgent, Running
from streams.batches import decode_batch
from streams.epoch_register import EpochRegister
from streams.feed import FeedAgent
from streams.fetch import Fetch
from streams.link import Link
from streams.shard import Shard, ShardParts
from streams.shuffled import ShuffledShard
from streams.watermark import BEGINNING
from streams.wire import Claim, EarlyEnd, Seal

log = logging.getLogger(__name__)

#: Events; a fetch of a backlog has more, and others on the event loop do not wait for all of it.
_TAKEN_AT_ONCE = 20_000


class _Counting(Part, Protocol):
    """A part that hands over tallies: a shard."""

    def closed(self) -> list[Tally]: ...
    def gone(self) -> list[tuple[int, int]]: ...


_ShardT = TypeVar("_ShardT", bound=_Counting)


class TallyAgent(PartitionAgent[_ShardT]):
    """An agent whose parts are shards: what they count goes into the tallies log."""

    kind = "shard"

    async def assign(self) -> None:
        """Take over the partitions that are assigned now and not at work yet."""
        begun = self._link.elapsed()
        await super().assign()
        self._metrics.recovery_seconds.set(self._link.elapsed() - begun)

    async def _claim(self, partition: int, token: int) -> None:
        await self._append(Claim(self._fingerprint, partition, token))

    async def _begin_anew(self, running: Running[_ShardT]) -> None:
        shard = running.part
        self._metrics.lost_keys.inc()
        log.error(
            "the key of shard %d's epoch is lost: the epoch ended early at %d, and windows open then are not released",
            shard.partition,
            shard.watermark,
        )
        token = running.changelog.token
        mark = shard.watermark
        await self._append(EarlyEnd(self._fingerprint, token, shard.partition, mark, mark))

    async def _say_what_is_gone(self, running: Running[_ShardT]) -> None:
        """Windows that lack what was under a key that nobody has are not released; said before they are sealed."""
        shard, token = running.part, running.changelog.token
        for first, last in shard.gone():
            await self._append(EarlyEnd(self._fingerprint, token, shard.partition, first - 1, last))

    async def _carry_away(self, running: Running[_ShardT], *, seal: bool = False) -> None:
        """Put the tallies of closed windows into the log, then the seal that vouches for them."""
        shard = running.part
        tallies = shard.closed()
        if not tallies and not seal:
            return
        token = running.changelog.token
        acks, dropped = [], list[Tally]()
        for tally in tallies:
            cipher = await self._cipher(tally)
            if cipher is None:
                dropped += [tally] if tally.end > running.ended_to else []
            else:
                parts = wire.parts_of(tally, shard.partition, self._fingerprint, token, cipher)
                acks += [await self._link.send(self._topics.tallies, 0, None, wire.encode(part)) for part in parts]
        await asyncio.gather(*acks)
        if dropped:  # the seal must not vouch for them: others may release their windows yet
            span = min(tally.start for tally in dropped) - 1, max(tally.end for tally in dropped) - 1
            await self._append(EarlyEnd(self._fingerprint, token, shard.partition, *span))
        where = (shard.partition, shard.watermark, shard.next_offset)
        await self._append(Seal(self._fingerprint, token, *where, self._is_at_end(running), running.checkpointed))

    async def _cipher(self, tally: Tally) -> Cipher | None:
        """The cipher for the tally; None if its epoch's key is destroyed, so that its window is never released.

        Raises ``KeyLostError`` if the key was given up, though this worker has counted under it until now.
        """
        epoch = self._parts.calendar.epoch_of(tally.start)
        while True:
            try:
                return self._parts.keys.cipher(epoch, tally.key)
            except EpochEndedError:
                return None
            except KeyStoreError as error:
                if self._parts.keys.is_lost(tally.key):
                    raise KeyLostError(
                        f"the key of epoch {epoch.label} was given up before its counts were sent"
                    ) from None
                await self._register.overcome(error, "counts wait for their key")

    def _measure(self, running: Running[_ShardT]) -> None:
        super()._measure(running)
        shard, partition = running.part, str(running.part.partition)
        if shard.watermark != BEGINNING:
            delay = (self._link.now() - shard.watermark) / 1000
            self._metrics.watermark_delay_seconds.labels(partition).set(delay)
        age = self._link.elapsed() - running.checkpointed_at
        self._metrics.checkpoint_age_seconds.labels(partition).set(age)

    async def checkpoint(self) -> None:
        """Write a checkpoint of every shard. Before, hear of keys that are destroyed, and give the key store back what
        it may have lost."""
        await self._register.refresh()
        try:
            await asyncio.to_thread(self._parts.keys.keep)
        except KeyStoreError as error:
            log.warning("the keys cannot be looked after: %s", error)
        await super().checkpoint()


class CrowdAgent(TallyAgent[Shard], FeedAgent[Shard]):
    """One worker's shards of a feed that is keyed by subscriber."""

    def __init__(
        self, settings: Settings, parts: ShardParts, link: Link, metrics: Metrics, register: EpochRegister
    ) -> None:
        topics = settings.topics
        super().__init__(settings, parts, link, metrics, register, topics.events, topics.checkpoints)

    async def _say_ended(self, running: Running[Shard], end: int) -> None:
        shard, token = running.part, running.changelog.token
        await self._append(EarlyEnd(self._fingerprint, token, shard.partition, shard.watermark, end))

    def _begun(self, partition: int) -> Shard:
        return Shard(partition, self._parts)

    def _restored(self, partition: int, snapshot: bytes) -> Shard:
        return Shard.restored(partition, self._parts, snapshot)


class ShuffledCrowdAgent(TallyAgent[ShuffledShard]):
    """One worker's shards of a shuffled feed: they take what the sources send."""

    def __init__(
        self, settings: Settings, parts: ShardParts, link: Link, metrics: Metrics, register: EpochRegister
    ) -> None:
        super().__init__(
            settings, parts, link, metrics, register, settings.topics.shuffled, settings.topics.checkpoints
        )

    def _begun(self, partition: int) -> ShuffledShard:
        return ShuffledShard(partition, self._parts)

    def _restored(self, partition: int, snapshot: bytes) -> ShuffledShard:
        return ShuffledShard.restored(partition, self._parts, snapshot)

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the shuffled topic. A shard whose epoch has got a new key meanwhile begins anew."""
        try:
            await super().take(fetch)
        except KeyLostError as error:
            log.warning("shard %d is taken over again: %s", fetch.partition, error)
            await self.assign()

    async def _feed(self, running: Running[ShuffledShard], fetch: Fetch) -> Fetch | None:
        batches, end, room = [], fetch.end, _TAKEN_AT_ONCE
        shard, begin = running.part, int(fetch.offsets[0]) if len(fetch) else fetch.end
        for offset, value in zip(fetch.offsets.tolist(), fetch.values, strict=True):
            if room <= 0:
                end = offset
                break
            try:
                batch = shard.opened(decode_batch(value or b""))
            except KeyStoreError as error:
                if offset == begin:
                    await self._register.overcome(error, f"shard {shard.partition} stands still")
                    return fetch
                end = offset
                break
            except ContractError as error:
                log.error("offset %d of %s is passed over: %s", offset, self._topics.shuffled, error)
            else:
                batches.append(batch)
                room -= sum(len(share.times) for share in batch.shares)
        stale, left_out = shard.stale, shard.left_out
        shard.take(batches, end)
        self._metrics.stale_messages.inc(shard.stale - stale)
        self._metrics.left_out.inc(shard.left_out - left_out)
        await self._say_what_is_gone(running)
        await self._carry_away(running)
        return fetch.since(end) if end < fetch.end else None

    def _measure(self, running: Running[ShuffledShard]) -> None:
        super()._measure(running)
        shard = running.part
        end = self._link.end(self._topics.shuffled, shard.partition)
        if end is not None:
            lag = max(0, end - shard.next_offset)
            self._metrics.shuffled_lag_records.labels(str(shard.partition)).set(lag)
