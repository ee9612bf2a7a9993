"""A shuffled feed's way through its sources and shards with all that may happen: cuts, owners that crash or go on
although they have been replaced, batches that come twice or not at all, checkpoints of both, in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from config.errors import KeyStoreError
from foule.oracle.oracle import Tallies
from indicators.counts import Tally
from streams.batches import decode_batch, encode_batch
from streams.fetch import Fetch
from streams.intake import Verdicts
from streams.parts import ShardParts
from streams.shuffled import ShuffledShard
from streams.source import Source
from tests.crowds import Crowd
from tests.streams.shards import as_oracle, fetch_of

_ROWS = 3


@dataclass
class _Owner:
    """A worker that has, or had, a source; ``broken``: something that it sent is in no log."""

    source: Source
    token: int
    broken: bool = False


@dataclass
class _Feed:
    """What is kept of one source: its log, its checkpoint, and the advances in its changelog."""

    partition: int
    end: int
    untold: list[tuple[int, int]]
    owner: _Owner
    told: list[tuple[int, int]] = field(default_factory=list)
    checkpoint: tuple[bytes, int] | None = None


class ShuffleJourney:
    """Takes the logs of a crowd to their ends; the moments are drawn from ``random``.

    ``faults``: how likely each of the bad things happens, each time that it can.
    """

    def __init__(
        self, crowd: Crowd, parts: ShardParts, random: Random, *, longest: int = 8, faults: float = 0.1
    ) -> None:
        self._logs, self._parts, self._random = crowd.logs, parts, random
        self._longest, self._faults = longest, faults
        self._shuffled: list[list[bytes]] = [[] for _ in crowd.logs]
        self._tallies: list[list[Tally]] = [[] for _ in crowd.logs]
        self._shards = [ShuffledShard(number, parts) for number in range(len(crowd.logs))]
        self._snapshots: list[bytes | None] = [None for _ in crowd.logs]
        self._token = 0
        self._former: list[tuple[_Feed, _Owner]] = []
        self.happened = 0
        self._feeds = [self._feed(crowd, partition) for partition in sorted(crowd.logs)]

    def _feed(self, crowd: Crowd, partition: int) -> _Feed:
        advances = sorted(crowd.advances.get(partition, ()), key=lambda advance: advance[0])
        log = crowd.logs[partition]
        end = max([1 + record.offset for record in log] + [offset for offset, _ in advances] + [0])
        return _Feed(partition, end, advances, _Owner(Source(partition, self._parts, _ROWS), self._claim(partition)))

    @property
    def tallies(self) -> list[Tallies]:
        """All that each shard handed over, in the oracle's form; what came twice was the same."""
        return [as_oracle(tallies, self._parts.counting.cells) for tallies in self._tallies]

    @property
    def verdicts(self) -> Verdicts:
        """How many records of each kind the sources have read."""
        total = Verdicts()
        for feed in self._feeds:
            total.add(feed.owner.source.verdicts)
        return total

    @property
    def watermarks(self) -> list[int]:
        """That of each shard."""
        return [shard.watermark for shard in self._shards]

    def run(self) -> None:
        """Go to the end of every log, and past every advance."""
        while not all(self._is_over(feed) for feed in self._feeds):
            feed = self._random.choice(self._feeds)
            self._read(feed, feed.owner)
            if not feed.owner.broken and self._random.random() < 0.3:
                feed.checkpoint = (feed.owner.source.snapshot().encode(), len(feed.told))
            if self._happens():
                self._take_over(feed)
            if self._former and self._random.random() < 0.2:
                self._read(*self._random.choice(self._former))
            self._gather(self._random.randrange(len(self._shards)))
        for number, log in enumerate(self._shuffled):
            while self._shards[number].next_offset < len(log):
                self._gather(number)
            self._shards[number].settle()
            self._carry_away(number)

    def _is_over(self, feed: _Feed) -> bool:
        source = feed.owner.source
        if source.next_offset < feed.end or feed.untold:
            return False
        if feed.owner.broken:
            self._take_over(feed)
            return False
        return not source.has_news

    def _happens(self) -> bool:
        happens = self._random.random() < self._faults
        self.happened += happens
        return happens

    # --- sources

    def _claim(self, partition: int) -> int:
        self._token += 1
        claim = Source(partition, self._parts).claim(self._token)
        for shard, log in enumerate(self._shuffled):
            log.append(encode_batch(claim, shard))
        return self._token

    def _take_over(self, feed: _Feed) -> None:
        """A new owner claims the source and goes on at its checkpoint; the old one may not know yet."""
        self._former.append((feed, feed.owner))
        token = self._claim(feed.partition)
        known = 0
        source = Source(feed.partition, self._parts, _ROWS)
        if feed.checkpoint is not None:
            snapshot, known = feed.checkpoint
            source = self._restored(feed.partition, snapshot)
        for offset, watermark in feed.told[known:]:
            assert source.advance(offset, watermark)
        feed.owner = _Owner(source, token)

    def _restored(self, partition: int, snapshot: bytes) -> Source:
        while True:
            try:
                return Source.restored(partition, self._parts, snapshot, _ROWS)
            except KeyStoreError:
                continue

    def _read(self, feed: _Feed, owner: _Owner) -> None:
        """Let an owner, or one who was it, read on and send."""
        source = owner.source
        if owner is feed.owner:
            while feed.untold and feed.untold[0][0] <= source.next_offset:
                feed.told.append(feed.untold.pop(0))
                assert source.advance(*feed.told[-1])
        start = source.next_offset
        ahead = [offset for offset, _ in feed.untold] if owner is feed.owner else []
        end = min([start + self._random.randint(0, self._longest), feed.end, *ahead])
        if end > start:
            records = [record for record in self._logs[feed.partition] if start <= record.offset < end]
            self._feed_all(source, fetch_of(feed.partition, start, records, end))
        if self._random.random() < 0.8 or owner is feed.owner:
            self._send(owner)

    def _feed_all(self, source: Source, fetch: Fetch) -> None:
        while source.next_offset < fetch.end:
            try:
                source.take(fetch)
            except KeyStoreError:
                continue
            if source.next_offset < fetch.end:
                fetch = fetch.since(source.next_offset)

    def _send(self, owner: _Owner) -> None:
        for shard, batch in owner.source.batches(owner.token):
            data = encode_batch(batch, shard)
            if self._happens():
                owner.broken = True
                continue
            self._shuffled[shard].append(data)
            if self._happens():
                self._shuffled[shard].append(data)

    # --- shards

    def _gather(self, number: int) -> None:
        shard, log = self._shards[number], self._shuffled[number]
        end = min(len(log), shard.next_offset + self._random.randint(1, self._longest))
        try:
            shard.take([shard.opened(decode_batch(data)) for data in log[shard.next_offset : end]], end)
        except KeyStoreError:
            return
        if self._random.random() < 0.3:
            shard.settle()
        if self._random.random() < 0.5:
            self._carry_away(number)
        if self._random.random() < 0.2:
            snapshot = shard.snapshot()
            self._carry_away(number)
            self._snapshots[number] = snapshot.encode()
        if self._happens():
            self._shards[number] = self._restored_shard(number)

    def _restored_shard(self, number: int) -> ShuffledShard:
        data = self._snapshots[number]
        while data is not None:
            try:
                return ShuffledShard.restored(number, self._parts, data)
            except KeyStoreError:
                continue
        return ShuffledShard(number, self._parts)

    def _carry_away(self, number: int) -> None:
        self._tallies[number] += self._shards[number].closed()
