"""When an epoch's key may be destroyed: its last window is released, and no shard could need it again."""

from __future__ import annotations

from indicators.calendar import Calendar, Epoch
from streams.watermark import BEGINNING


class KeyLife:
    """Watches the log for epochs that are over for good. Runs without a broker."""

    def __init__(self, calendar: Calendar, shards: int) -> None:
        self._calendar = calendar
        self._checkpointed = [BEGINNING] * shards
        self._epochs: dict[int, Epoch] = {}
        self._ended: set[int] = set()

    def seen(self, start: int) -> None:
        """The log has a tally of, or a decision on, a window that starts at ``start`` (UTC ms)."""
        epoch = self._calendar.epoch_of(start)
        self._epochs[epoch.number] = epoch

    def resume(self, pending: list[int]) -> None:
        """Watch these epochs too, by number: what a predecessor left."""
        self._epochs |= {number: self._calendar.epoch(number) for number in pending}

    @property
    def pending(self) -> list[int]:
        """The numbers of the epochs that are watched."""
        return sorted(self._epochs)

    @property
    def epochs(self) -> list[Epoch]:
        """The epochs that are watched."""
        return sorted(self._epochs.values())

    def end(self, number: int) -> None:
        """The log says that the epoch's time is over, whoever is not done with it."""
        self._epochs.setdefault(number, self._calendar.epoch(number))
        self._ended.add(number)

    def checkpointed(self, shard: int, watermark: int) -> None:
        """A shard has a complete checkpoint at ``watermark`` (UTC ms): it will not read below that again."""
        self._checkpointed[shard] = max(self._checkpointed[shard], watermark)

    def over(self, oldest_open: int | None) -> list[Epoch]:
        """The epochs that have ended since the last call; ``oldest_open``: start of the oldest window not released."""
        reached = min(self._checkpointed)
        if oldest_open is not None:
            reached = min(reached, oldest_open)
        over = [epoch for epoch in self._epochs.values() if epoch.end <= reached or epoch.number in self._ended]
        self._ended.clear()
        for epoch in over:
            del self._epochs[epoch.number]
        return sorted(over)
