"""The feed's side of an agent: counts what was read, buries what cannot be used, and notes what idle partitions are
told."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, TypeVar

from config.errors import ContractError, EpochEndedError, KeyStoreError
from indicators.calendar import Epoch
from streams import wire
from streams.agent import Part, PartitionAgent, Running
from streams.checkpoint import AdvanceNote
from streams.deadletters import dead_letters
from streams.fetch import Fetch
from streams.intake import Taken
from streams.wire import Advance

log = logging.getLogger(__name__)

_MOST_UNACKNOWLEDGED = 5_000
#: A fetch of a backlog is larger: others on the event loop do not wait for all of it.
_TAKEN_AT_ONCE = 20_000


class FeedPart(Part, Protocol):
    """A part that reads a partition of the feed."""

    def take(self, fetch: Fetch) -> list[tuple[Fetch, Taken]]: ...
    def advance(self, next_offset: int, watermark: int) -> bool: ...
    @property
    def epochs(self) -> list[Epoch]: ...


FeedPartT = TypeVar("FeedPartT", bound=FeedPart)


class FeedAgent(PartitionAgent[FeedPartT]):
    """An agent whose parts read the feed."""

    async def _feed(self, running: Running[FeedPartT], fetch: Fetch) -> Fetch | None:
        part = running.part
        few = fetch.before(int(fetch.offsets[_TAKEN_AT_ONCE])) if len(fetch) > _TAKEN_AT_ONCE else fetch
        try:
            pieces = part.take(few)
        except KeyStoreError as error:
            await self._register.overcome(error, f"partition {part.partition} stands still")
            return fetch
        except EpochEndedError as error:
            await self._end(running, error.end)
            return fetch
        for piece, taken in pieces:
            self._count(taken)
            await self._bury(running, piece, taken)
        await self._carry_away(running)
        return fetch.since(part.next_offset) if part.next_offset < fetch.end else None

    async def _settle(self, running: Running[FeedPartT]) -> None:
        for epoch in running.part.epochs:
            if self._parts.keys.is_ended(epoch):
                await self._end(running, epoch.end)
        await super()._settle(running)

    async def _end(self, running: Running[FeedPartT], end: int) -> None:
        """Move the part to the end of an epoch whose key is destroyed: what comes of it from here on is late."""
        part = running.part
        await self._say_ended(running, end - 1)
        running.ended_to = end
        log.warning(
            "partition %d of %s is told to advance to %d, the end of its epoch: the epoch's key is destroyed",
            part.partition,
            self._topics.events,
            end,
        )
        await running.changelog.note_end(max(part.next_offset, part.counted), end)
        part.advance(max(part.next_offset, part.counted), end)

    @abstractmethod
    async def _say_ended(self, running: Running[FeedPartT], end: int) -> None:
        """Say that windows that begin by ``end`` (UTC ms) and are not reported yet are not to be released."""

    def _count(self, taken: Taken) -> None:
        verdicts = taken.verdicts
        self._metrics.read.inc(verdicts.read)
        self._metrics.accepted.inc(verdicts.accepted)
        self._metrics.late.inc(verdicts.late)
        for reason, count in verdicts.rejected.items():
            self._metrics.rejected.labels(reason).inc(count)

    async def _bury(self, running: Running[FeedPartT], fetch: Fetch, taken: Taken) -> None:
        payload = self._settings.events.rejected_payload
        for letter in dead_letters(self._topics.events, fetch, taken.rejected, payload):
            if len(running.acks) >= _MOST_UNACKNOWLEDGED:
                await self._acknowledged(running)
            # Kafka's clients refuse a record with neither key nor value
            key = b"" if letter.value is None else None
            ack = await self._link.send(self._topics.rejected, fetch.partition, key, letter.value, letter.headers)
            running.acks[ack] = None

    def _measure(self, running: Running[FeedPartT]) -> None:
        part, metrics = running.part, self._metrics
        partition = str(part.partition)
        end = self._link.end(self._topics.events, part.partition)
        if end is not None:
            metrics.lag_records.labels(partition).set(max(0, end - part.next_offset))
        if running.newest_stamp is not None:
            behind = end is None or part.next_offset < end
            lag = (self._link.now() - running.newest_stamp) / 1000 if behind else 0.0
            metrics.lag_seconds.labels(partition).set(max(0.0, lag))

    async def advance(self, fetch: Fetch) -> None:
        """Take a folded message of the frontier topic: what idle partitions are told."""
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

    async def _advance(self, running: Running[FeedPartT], offset: int, advance: Advance) -> None:
        """Note an advance in the changelog, then act on it.

        It is noted also when it comes too late, or was meant for another owner, so that a replay of the records does
        the same with it.
        """
        part = running.part
        ours = advance.token is None or advance.token == running.changelog.token
        applied = ours and advance.next >= max(part.next_offset, part.counted)
        await running.changelog.note(offset, advance.next, advance.watermark, applied=applied)
        running.frontier = offset
        if applied:
            part.advance(advance.next, advance.watermark)
            await self._carry_away(running, seal=True)

    def _replay(self, running: Running[FeedPartT], advances: Sequence[AdvanceNote]) -> None:
        for noted in advances:
            running.frontier = max(running.frontier, noted.offset)
            if noted.applied:
                running.part.advance(noted.next, noted.watermark)

    async def _prod(self, running: Running[FeedPartT]) -> None:
        await super()._prod(running)
        frontier = (self._topics.frontier, running.part.partition, running.frontier + 1)
        await self._link.prod(*frontier, running.follows_frontier)
