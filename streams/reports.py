"""How far each shard has reported its windows, and which shards are missing."""

from __future__ import annotations

from streams.watermark import BEGINNING
from streams.wire import Seal

#: At most this much of a tick counts as silence (ms), so that a paused agent does not declare shards missing.
_MOST_PER_TICK = 5_000


class Reports:
    """How far each shard has reported, and which ones are missing."""

    def __init__(self, shards: int, max_wait: int) -> None:
        self._max_wait = max_wait
        self._sealed = [BEGINNING] * shards
        self._silence = [0] * shards
        self._heard: set[int] = set()

    def seal(self, seal: Seal) -> None:
        """A shard reported."""
        self._sealed[seal.shard] = max(self._sealed[seal.shard], seal.watermark)
        self._silence[seal.shard] = 0
        self._heard.add(seal.shard)

    def tick(self, elapsed: int, at_end: bool) -> None:
        """Let ``elapsed`` ms of wall clock pass; they count only at the log's end and while other shards report."""
        if at_end and self._heard:
            for shard in range(len(self._silence)):
                if shard not in self._heard:
                    self._silence[shard] += min(elapsed, _MOST_PER_TICK)
            self._heard.clear()

    def has_reported(self, shard: int, end: int) -> bool:
        """Whether the shard has sealed a window that ends at ``end``."""
        return self._sealed[shard] >= end

    def reported(self, shard: int) -> int:
        """The end (UTC ms) up to which the shard has reported its windows."""
        return self._sealed[shard]

    def coverage(self, end: int) -> float | None:
        """Share of the shards that have reported a window ending at ``end``; None while one is waited for."""
        reported = sum(sealed >= end for sealed in self._sealed)
        waited_for = any(
            sealed < end and silence < self._max_wait
            for sealed, silence in zip(self._sealed, self._silence, strict=True)
        )
        return None if waited_for or not reported else reported / len(self._sealed)
