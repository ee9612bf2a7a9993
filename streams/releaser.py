"""The release agent: reads the tallies log, appends decisions to it, and publishes them once read back.

One worker has the log's only partition, so exactly one release agent is active. While Redis or Kafka does not take a
publication it waits, and what follows waits on the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from anonymizer.gate import Publication
from config.errors import ContractError, FouleError, KeyStoreError
from config.settings import Settings
from indicators.calendar import Epoch
from sinks.prometheus import Metrics
from streams import wire
from streams.checkpoint import Record
from streams.epoch_register import EpochRegister
from streams.fetch import Fetch
from streams.frontier import Frontier
from streams.key_life import KeyLife
from streams.link import Follower, Link
from streams.release import Release
from streams.shard import ShardParts
from streams.wire import Bookmark, Decision, EpochEnd, ReleaseClaim, Seal, SourceSeal, TallyPart

log = logging.getLogger(__name__)

_RETRY_AFTER = 2.0

#: Seconds between two attempts to destroy a key in a store that does not answer.
_DESTROY_AGAIN = 30.0

#: Lengths of the session after which a worker that is no longer in the group has learned it.
_SESSIONS = 2


class Sink(Protocol):
    """Where released windows go."""

    async def publish_all(self, publications: Sequence[Publication]) -> object:
        """Publish in this order; repeating it changes nothing. Raises a ``FouleError`` if it could not be done now."""


@dataclass(slots=True)
class _Active:
    """What the active agent knows of the log. A new one begins with every takeover; an old one is left to its tasks."""

    release: Release
    frontier: Frontier
    key_life: KeyLife
    token: int
    ticked_at: float
    next: int | None = None
    bookmarked: int = -1
    superseded_at: float | None = None
    ending: set[int] = field(default_factory=set)
    doomed: list[Epoch] = field(default_factory=list)
    destroy_at: float = float("-inf")

    follows: Follower = field(default_factory=Follower)

    @property
    def pending(self) -> list[int]:
        """The numbers of the epochs whose keys are still to be destroyed."""
        return sorted({*self.key_life.pending, *(epoch.number for epoch in self.doomed)})


class ReleaseAgent:
    """The active release agent of a group, on the worker that has the tallies log."""

    def __init__(
        self,
        settings: Settings,
        parts: ShardParts,
        link: Link,
        sinks: Sequence[Sink],
        metrics: Metrics,
        register: EpochRegister,
    ) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._gate = parts.gate
        self._link = link
        self._sinks = sinks
        self._register = register
        self._metrics = metrics
        self._parts = parts
        self._fingerprint = parts.fingerprint
        self._lock = asyncio.Lock()
        self._active: _Active | None = None
        self._turn = 0

    async def assign(self) -> None:
        """Become active if this worker has the log now: claim the release, and go on from the group's bookmark."""
        self._active = None
        self._turn = turn = self._turn + 1
        if 0 not in self._link.assigned(self._topics.tallies):
            return
        claim = wire.encode(ReleaseClaim(self._fingerprint))
        token = await self._link.append(self._topics.tallies, 0, None, claim)
        partitions = self._topics.partitions
        release = Release(
            self._gate,
            self._parts.secrets,
            partitions,
            min(self._settings.time.windows),
            self._settings.stream.max_wait,
            self._fingerprint,
            shuffled=self._parts.shuffled,
        )
        frontier = Frontier(partitions, self._settings.stream.idle_after)
        # sources need the keys of what they may read again, and so are reckoned with, numbered behind the shards
        key_life = KeyLife(self._parts.calendar, partitions * (1 + self._parts.shuffled))
        if turn != self._turn:
            return  # the group has rebalanced again meanwhile
        self._active = _Active(release, frontier, key_life, token, self._link.elapsed())
        log.info("this worker releases the windows; it reads the log up to offset %d first", token)

    async def stop(self) -> None:
        """Be active no longer; what is not published yet stays on the log."""
        self._turn += 1
        self._active = None

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the log."""
        active = self._active
        if active is None:
            return
        async with self._lock:
            admitted = await self._admit(active, fetch)
            if admitted is None:
                return
            rows = zip(admitted.offsets.tolist(), admitted.values, strict=True)
            publications = [self._read(active, offset, value) for offset, value in rows]
            if await self._publish(active, [publication for publication in publications if publication is not None]):
                active.next = admitted.end
                await self._decide(active)

    async def _admit(self, active: _Active, fetch: Fetch) -> Fetch | None:
        """What of the fetch is new; what comes first is where the group's bookmark says."""
        topic = self._topics.tallies
        if active.next is None:
            committed = self._link.committed(topic, 0)
            admitted, first = await self._link.admit(topic, fetch, committed)
            if admitted is None:
                return None
            bookmark = self._bookmark_at(admitted, committed)
            active.next = first if bookmark is None else bookmark.position
            if bookmark is not None:
                active.release.resume(bookmark)
                active.key_life.resume(bookmark.epochs)
        admitted, first = await self._link.admit(topic, fetch, active.next)
        if first > active.next:
            log.error("%s no longer has the offsets %d to %d", topic, active.next, first - 1)
            active.next = first
        return admitted

    def _bookmark_at(self, fetch: Fetch, offset: int) -> Bookmark | None:
        if not len(fetch) or fetch.offsets[0] != offset:
            return None
        try:
            message = wire.decode(fetch.values[0] or b"")
        except ContractError:  # whoever reads it says so
            return None
        return message if isinstance(message, Bookmark) and message.settings == self._fingerprint else None

    def _read(self, active: _Active, offset: int, value: bytes | None) -> Publication | None:
        try:
            message = wire.decode(value or b"")
        except ContractError as error:
            log.error("offset %d of %s is passed over: %s", offset, self._topics.tallies, error)
            return None
        release = active.release
        late, stale, spoilt, expired = release.late_tallies, release.stale, release.spoilt, release.expired
        publication = release.take(offset, message)
        self._metrics.late_tallies.inc(release.late_tallies - late)
        self._metrics.stale_messages.inc(release.stale - stale)
        self._metrics.spoilt_windows.inc(release.spoilt - spoilt)
        self._metrics.expired_windows.inc(release.expired - expired)
        if release.stale > stale or message.settings != self._fingerprint:
            return None
        if isinstance(message, Seal | SourceSeal):
            self._take_seal(active, message)
        elif isinstance(message, TallyPart | Decision):
            active.key_life.seen(message.start)
        elif isinstance(message, EpochEnd):
            active.key_life.end(message.number)
        return publication

    def _take_seal(self, active: _Active, seal: Seal | SourceSeal) -> None:
        of_source = isinstance(seal, SourceSeal)
        if of_source == self._parts.shuffled:
            active.frontier.seal(seal, self._link.now())
        active.key_life.checkpointed(seal.partition + self._topics.partitions * of_source, seal.checkpointed)

    def _may_decide(self, active: _Active) -> bool:
        """Its own claim has been read, with all that a predecessor decided, and no newer one."""
        return self._active is active and active.release.owner == active.token

    async def _decide(self, active: _Active) -> None:
        """Append what can be decided, those of a later end once the earlier ones are in the log."""
        if not self._may_decide(active):
            return
        spoilt = active.release.spoilt
        try:
            for _, same_end in groupby(active.release.decide(), key=attrgetter("end")):
                records = [Record(None, wire.encode(decision)) for decision in same_end]
                await self._link.send_all(self._topics.tallies, 0, records)
            self._metrics.spoilt_windows.inc(active.release.spoilt - spoilt)
        except BaseException:
            # what was to be appended is handed out only once: a successor reads it from the log again
            await self.stop()
            raise
        if active.release.waits_for is not None:
            await self._register.overcome(active.release.waits_for, "the release waits for a key")

    async def _publish(self, active: _Active, publications: Sequence[Publication]) -> bool:
        """Publish, however long it takes; False if the agent was stopped before all was out."""
        for sink in self._sinks if publications else ():
            if not await self._insist(active, sink, publications):
                return False
        for window in [publication.window for publication in publications if not publication.window.is_empty]:
            self._metrics.released_windows.labels(window.width).inc()
            self._metrics.unpublished_cells.inc(self._gate.unpublished(window))
            self._metrics.release_delay_seconds.observe(max(0.0, (self._link.now() - window.end) / 1000))
            if window.coverage < 1:
                log.warning(
                    "window of %s, width %s, starting at %d, went out with coverage %.2f: shards were missing",
                    window.layer,
                    window.width,
                    window.start,
                    window.coverage,
                )
        return self._active is active

    async def _insist(self, active: _Active, sink: Sink, publications: Sequence[Publication]) -> bool:
        name = type(sink).__name__
        while self._active is active:
            try:
                await sink.publish_all(publications)
            except (FouleError, OSError) as error:
                self._metrics.sink_errors.labels(name).inc()
                log.warning("%s takes no window now, released windows wait on the log: %s", name, error)
                await asyncio.sleep(_RETRY_AFTER)
            else:
                return True
        return False

    async def tick(self) -> None:
        """Note how long shards are silent, release what waited long enough, and tell idle shards to advance."""
        active = self._active
        if active is None or self._lock.locked():
            return
        if active.release.owner > active.token:
            await self._claim_again(active)
            return
        async with self._lock:
            if not self._may_decide(active):
                return
            now = self._link.elapsed()
            elapsed, active.ticked_at = int((now - active.ticked_at) * 1000), now
            end = self._link.end(self._topics.tallies, 0)
            at_end = active.next is not None and end is not None and active.next >= end
            active.release.reports.tick(elapsed, at_end=at_end)
            await self._decide(active)
            for shard, advance in active.frontier.advances(self._link.now()):
                await self._link.append(self._topics.frontier, shard, None, wire.encode_advance(advance))
                log.info("shard %d is idle: told to advance to %d", shard, advance.watermark)
            await self._end_epochs(active)
            for epoch in active.key_life.over(active.release.oldest_open):
                await self._register.refresh()
                await self._register.end(epoch.label)
                active.doomed.append(epoch)
                active.destroy_at = float("-inf")
        await self._destroy_keys(active)

    async def _claim_again(self, active: _Active) -> None:
        """Another worker has claimed the release. If this one still has the log a while later, the other was late to
        learn that it has not: claim again."""
        if active.superseded_at is None:
            active.superseded_at = self._link.elapsed()
        elif self._link.elapsed() - active.superseded_at > _SESSIONS * self._settings.kafka.session_timeout / 1000:
            log.warning("another worker claimed the release and does not act; this one claims it again")
            await self.assign()

    async def bookmark(self) -> None:
        """Leave a bookmark for a successor, if there is something new."""
        active = self._active
        if active is None or active.release.position == active.bookmarked:
            return
        async with self._lock:
            if not self._may_decide(active):
                return
            bookmark = active.release.bookmark(active.pending)
            offset = await self._link.append(self._topics.tallies, 0, None, wire.encode(bookmark))
            await self._link.commit(self._topics.tallies, 0, offset)
            active.bookmarked = bookmark.position

    async def prod(self) -> None:
        """Read again where the agent stands still before something on the log."""
        active = self._active
        if active is not None and not self._lock.locked():
            start = self._link.committed(self._topics.tallies, 0) if active.next is None else active.next
            await self._link.prod(self._topics.tallies, 0, start, active.follows)

    async def _end_epochs(self, active: _Active) -> None:
        """Say of epochs whose keys have lived for ``keys.max_age`` that they are over; their keys go when that is read
        back."""
        for epoch in active.key_life.epochs:
            if self._parts.keys.is_ended(epoch) and epoch.number not in active.ending:
                active.ending.add(epoch.number)
                log.error(
                    "epoch %s is over %g h after its end (keys.max_age): its windows that are not released never are",
                    epoch.label,
                    self._settings.keys.max_age / 3_600_000,
                )
                end = EpochEnd(self._fingerprint, active.token, epoch.number, epoch.end)
                await self._link.append(self._topics.tallies, 0, None, wire.encode(end))

    async def _destroy_keys(self, active: _Active) -> None:
        """Destroy the keys of the epochs that are said to be over; while the store does not answer, again and again."""
        while active.doomed and self._link.elapsed() >= active.destroy_at:
            epoch = active.doomed[0]
            try:
                await asyncio.to_thread(self._parts.keys.destroy, epoch)
            except KeyStoreError as error:
                active.destroy_at = self._link.elapsed() + _DESTROY_AGAIN
                log.error(
                    "the key of epoch %s is not destroyed yet, which is tried again until it is: %s",
                    epoch.label,
                    error,
                )
            else:
                active.doomed.pop(0)
                log.info("the key of epoch %s is destroyed", epoch.label)
