"""A shard's way through a log with all that may happen to it: cuts, settling, checkpoints, crashes, missing keys."""

from __future__ import annotations

from random import Random

from config.errors import KeyStoreError
from foule.oracle.oracle import Tallies
from indicators.counts import Tally
from streams.shard import Shard, ShardParts
from tests.crowds import Crowd
from tests.streams.shards import as_oracle, feed, fetch_of


class Journey:
    """Takes one log of a crowd to its end; the moments are drawn from ``random``.

    A crash loses all but the last checkpoint: what comes after it is read again, and the advances that were told are
    told again, as a worker does from its changelog.
    """

    def __init__(self, crowd: Crowd, partition: int, parts: ShardParts, random: Random) -> None:
        self._partition, self._parts, self._random = partition, parts, random
        self._log = crowd.logs[partition]
        ahead = [0, 0, 2, 1000]
        advances = sorted(crowd.advances.get(partition, ()), key=lambda advance: advance[0])
        self._untold = [(offset - random.choice(ahead), offset, watermark) for offset, watermark in advances]
        self._told: list[tuple[int, int]] = []
        self._end = max([1 + record.offset for record in self._log] + [offset for offset, _ in advances] + [0])
        self._checkpoint: bytes | None = None
        self._tallies: list[Tally] = []
        self.shard = Shard(partition, parts)
        self.rejected: dict[int, str] = {}
        self.crashes = 0

    @property
    def tallies(self) -> Tallies:
        """All that was carried away, in the oracle's form; what came twice was the same."""
        return as_oracle(self._tallies, self._parts.counting.cells)

    def run(self, longest: int = 12, checkpoint: float = 0.2, crash: float = 0.1) -> None:
        """Go to the log's end in fetches of up to ``longest`` records, and past every advance.

        ``checkpoint`` and ``crash`` are probabilities after each fetch.
        """
        self._tell()
        while self.shard.next_offset < self._end:
            self._take(self._random.randint(1, longest))
            if self._random.random() < 0.3:
                self.shard.settle()
            if self._random.random() < 0.5:
                self._carry_away()
            if self._random.random() < checkpoint:
                self._write_checkpoint()
            if self._random.random() < crash:
                self._crash()
            self._tell()
        self.shard.settle()
        self._carry_away()

    def _take(self, length: int) -> None:
        start = self.shard.next_offset
        # nobody may read on beyond an advance before the shard is told it
        end = min([start + length, self._end, *(offset for _, offset, _ in self._untold)])
        records = [record for record in self._log if start <= record.offset < end]
        for rejected in feed(self.shard, fetch_of(self._partition, start, records, end)):
            assert self.rejected.items() & rejected.items() or not self.rejected.keys() & rejected.keys()
            self.rejected.update(rejected)

    def _tell(self) -> None:
        while self._untold and self._untold[0][0] <= self.shard.next_offset:
            _, offset, watermark = self._untold.pop(0)
            self._told.append((offset, watermark))
            assert self.shard.advance(offset, watermark)

    def _write_checkpoint(self) -> None:
        snapshot = self.shard.snapshot()
        self._carry_away()
        self._checkpoint = snapshot.encode()

    def _crash(self) -> None:
        self.crashes += 1
        self.shard = self._restored()
        for offset, watermark in self._told:
            if offset >= self.shard.counted:
                assert self.shard.advance(offset, watermark)

    def _restored(self) -> Shard:
        while self._checkpoint is not None:
            try:
                return Shard.restored(self._partition, self._parts, self._checkpoint)
            except KeyStoreError:
                continue
        return Shard(self._partition, self._parts)

    def _carry_away(self) -> None:
        self._tallies += self.shard.closed()
