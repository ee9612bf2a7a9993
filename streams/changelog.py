"""A shard's changelog as its owner writes it: taking over, advances, checkpoints, and noticing a newer owner.

Kafka does not fence a paused worker, so the order decides (docs/failures.md). A new owner appends a record of taking
over, whose offset is its token: checkpoints that a former owner writes behind it do not count. It claims the shard
where its output goes: what a former owner sends there does not count either. Then it says so in the changelog: advances
noted by a former owner behind that do not count. Only then does it read. Had it claimed its output first, tallies of
the former owner could be dropped and yet be vouched for by a checkpoint that the new owner restores.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from indicators.columns import Writer
from streams import checkpoint
from streams.checkpoint import AdvanceNote, Cut, Record, Restored, Restorer
from streams.link import Link

log = logging.getLogger(__name__)

Claim = Callable[[int], Awaitable[None]]


class Changelog:
    """One partition of the changelog topic, for one ownership of its shard."""

    def __init__(self, link: Link, topic: str, partition: int) -> None:
        self.token = -1
        self._link = link
        self._topic = topic
        self._partition = partition
        self._number = 0
        self._newest: list[bytes] = []
        self._garbage: list[bytes] = []
        self._checked = 0
        self._own: set[int] = set()

    async def take_over(self, claim: Claim) -> Restored:
        """Own the shard; ``claim(token)`` claims its output. Returns what the changelog says."""
        self.token = await self._append(checkpoint.owner())
        await claim(self.token)
        end = await self._append(checkpoint.owned(self.token)) + 1
        self._checked, self._own = self.token + 1, {end - 1}
        restorer = Restorer()
        async for record in self._link.read(self._topic, self._partition, 0, end):
            restorer.take(record)
        if restorer.strange:
            where = (self._topic, self._partition)
            log.error(
                "%d records of %s, partition %d, are passed over: who else writes there?", restorer.strange, *where
            )
        restored = restorer.result()
        self._newest, self._garbage = restored.keys, restored.garbage
        return restored

    async def note(self, offset: int, next_offset: int, watermark: int, *, applied: bool) -> None:
        """Write down what was done about the record of the frontier topic at ``offset``."""
        await self._append(checkpoint.note(AdvanceNote(self.token, offset, next_offset, watermark, applied)))

    async def note_end(self, next_offset: int, end: int) -> None:
        """Write down that at ``next_offset`` the shard goes to the end of an epoch whose key is destroyed."""
        await self._append(checkpoint.note(AdvanceNote(self.token, -end, next_offset, end, True)))

    async def write(self, snapshot: Writer, cut: Cut) -> bool:
        """Write a checkpoint; the caller has made sure that all it vouches for is in the log.

        False if a newer owner took over before it was complete: then it counts for nothing, and neither does what this
        owner sends from now on.
        """
        self._number += 1
        parts, manifest = await asyncio.to_thread(checkpoint.encode, snapshot, self.token, self._number, cut)
        await self._send_all(parts)
        end = await self._append(manifest) + 1
        if not await self._is_ours_up_to(end):
            return False
        self._garbage += self._newest
        self._newest = [record.key for record in (manifest, *parts) if record.key]
        return True

    async def collect_garbage(self) -> None:
        """Delete the checkpoints that the newest one has replaced."""
        garbage, self._garbage = self._garbage, []
        await self._send_all([Record(key, None) for key in garbage])

    async def _is_ours_up_to(self, end: int) -> bool:
        """Whether no newer owner is in the changelog below ``end``; it is read only if not all there is known as ours.

        By the offsets, not by their number: an acknowledgement that comes late would be in the next count.
        """
        if not self._own.issuperset(range(self._checked, end)):
            async for record in self._link.read(self._topic, self._partition, self._checked, end):
                if checkpoint.is_owner(record):
                    return False
        self._checked, self._own = end, {offset for offset in self._own if offset >= end}
        return True

    async def _append(self, record: Record) -> int:
        offset = await self._link.append(self._topic, self._partition, record.key, record.value)
        self._own.add(offset)
        return offset

    async def _send_all(self, records: Iterable[Record]) -> None:
        self._own.update(await self._link.send_all(self._topic, self._partition, records))
