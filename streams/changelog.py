"""A shard's changelog as its owner writes it: taking over, advances, checkpoints, and noticing a newer owner.

Kafka does not fence a paused worker, so the order decides (docs/failures.md). A new owner appends a record of taking
over, whose offset is its token: checkpoints that a former owner writes behind it do not count. It claims the shard
where its output goes: what a former owner sends there does not count either. Then it says so in the changelog: advances
noted by a former owner behind that do not count. Only then does it read. Had it claimed its output first, tallies of
the former owner could be dropped and yet be vouched for by a checkpoint that the new owner restores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from indicators.columns import Writer
from streams import checkpoint
from streams.checkpoint import AdvanceNote, Cut, Record, Restored, Restorer
from streams.link import Link

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
        self._written = 0

    async def take_over(self, claim: Claim) -> Restored:
        """Own the shard; ``claim(token)`` claims its output. Returns what the changelog says."""
        self.token = await self._append(checkpoint.owner())
        await claim(self.token)
        end = await self._append(checkpoint.owned(self.token)) + 1
        self._checked, self._written = self.token + 1, 1
        restorer = Restorer()
        async for record in self._link.read(self._topic, self._partition, 0, end):
            restorer.take(record)
        restored = restorer.result()
        self._newest, self._garbage = restored.keys, restored.garbage
        return restored

    async def note(self, offset: int, next_offset: int, watermark: int, *, applied: bool) -> None:
        """Write down what was done about the record of the frontier topic at ``offset``."""
        await self._append(checkpoint.note(AdvanceNote(self.token, offset, next_offset, watermark, applied)))

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
        """Whether no newer owner is in the changelog below ``end``; it is read only if others have written to it."""
        if end - self._checked != self._written:
            async for record in self._link.read(self._topic, self._partition, self._checked, end):
                if checkpoint.is_owner(record):
                    return False
        self._checked, self._written = end, 0
        return True

    async def _append(self, record: Record) -> int:
        offset = await self._link.append(self._topic, self._partition, record.key, record.value)
        self._written += 1
        return offset

    async def _send_all(self, records: Iterable[Record]) -> None:
        self._written += await self._link.send_all(self._topic, self._partition, records)
