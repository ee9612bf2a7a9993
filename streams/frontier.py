"""The frontier: tells idle shards how far to advance, so that they neither hold the others back nor lose the people
in them (docs/indicators.md). Runs without a broker; the clock is passed in."""

from __future__ import annotations

from typing import NamedTuple

from streams.watermark import BEGINNING
from streams.wire import Advance, Seal, SourceSeal

#: How far a partition of the feed is: of a keyed feed its shard says it, of a shuffled one its source.
FeedSeal = Seal | SourceSeal


class _Idle(NamedTuple):
    seal: FeedSeal
    since: int


class Frontier:
    """Watches the shards' seals and says what the idle ones must be told."""

    def __init__(self, shards: int, idle_after: int) -> None:
        """``idle_after``: ms at the log's end after which a shard is idle."""
        self._shards = shards
        self._idle_after = idle_after
        self._newest: dict[int, FeedSeal] = {}
        self._at_end_since: dict[int, _Idle] = {}
        self._told: dict[int, Advance] = {}

    def seal(self, seal: FeedSeal, now: int) -> None:
        """A shard, or a source, sealed; ``now``: wall clock in ms. What a former owner says is passed over."""
        newest = self._newest.get(seal.partition)
        if newest is not None and seal.token < newest.token:
            return
        self._newest[seal.partition] = seal
        known = self._at_end_since.get(seal.partition)
        if not seal.at_end:
            self._at_end_since.pop(seal.partition, None)
        elif known is None or (known.seal.token, known.seal.next_offset) != (seal.token, seal.next_offset):
            self._at_end_since[seal.partition] = _Idle(seal, now)

    def advances(self, now: int) -> list[tuple[int, Advance]]:
        """What to write to the frontier topic: (shard, advance), each once; none while a busy shard has no time yet."""
        idle = {shard for shard, known in self._at_end_since.items() if now - known.since >= self._idle_after}
        busy = [seal.watermark for shard, seal in self._newest.items() if shard not in idle]
        if len(self._newest) < self._shards or not busy or min(busy) == BEGINNING:
            return []
        due = []
        for shard in sorted(idle):
            seal = self._newest[shard]
            advance = Advance(seal.next_offset, min(busy), seal.token)
            if seal.watermark < advance.watermark and self._told.get(shard) != advance:
                self._told[shard] = advance
                due.append((shard, advance))
        return due
