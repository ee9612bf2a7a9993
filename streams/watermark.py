"""The watermark of a shard: how far event time has come, decided record by record (docs/indicators.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.fetch import NO_TIMESTAMP

_SECOND = 1000
#: The watermark of a shard that has seen nothing.
BEGINNING = -(1 << 62)


class Watermark:
    """The maximum of ``min(event time, Kafka timestamp)``, less the lateness, floored to a second; or a frontier.

    ``highest`` is that maximum (ms); ``frontier`` is how far an idle shard was told to advance (ms).
    """

    def __init__(self, lateness: int, highest: int = BEGINNING, frontier: int = BEGINNING) -> None:
        self.lateness = lateness
        self.highest = highest
        self.frontier = frontier

    @property
    def value(self) -> int:
        """The watermark in ms: every event at or below it is late."""
        return max(self._floored(self.highest), self.frontier)

    def _floored(self, highest: int) -> int:
        return BEGINNING if highest == BEGINNING else (highest - self.lateness) // _SECOND * _SECOND

    def pass_over(self, times: NDArray[np.int64], stamps: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Take good events in order; tell which are late: bool (n,).

        ``times``, ``stamps``: int64 (n,) event times and Kafka timestamps in ms. An event is late if its time is at
        or below the watermark that the events before it left. Late events cannot raise it.
        """
        if not len(times):
            return np.zeros(0, np.bool_)
        trusted = np.where(stamps == NO_TIMESTAMP, times, np.minimum(times, stamps))
        running = np.maximum.accumulate(np.concatenate([[self.highest], trusted]))
        before = np.maximum((running[:-1] - self.lateness) // _SECOND * _SECOND, self.frontier)
        self.highest = int(running[-1])
        late: NDArray[np.bool_] = times <= before
        return late

    def copy(self) -> Watermark:
        """Another watermark at the same point."""
        return Watermark(self.lateness, self.highest, self.frontier)

    def advance(self, frontier: int) -> None:
        """Move up to ``frontier`` (ms) if that is further."""
        self.frontier = max(self.frontier, frontier)
