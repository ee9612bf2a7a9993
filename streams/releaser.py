"""The release agent: reads the tallies log, appends decisions to it, and publishes them once read back.

One worker has the log's only partition, so exactly one release agent is active. While Redis or Kafka does not take a
publication it waits, and what follows waits on the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from anonymizer.gate import Gate, Publication, unpublished
from config.errors import ContractError, FouleError, KeyStoreError
from config.settings import Settings
from indicators.calendar import Epoch
from sinks.prometheus import Metrics
from streams import wire
from streams.consumer import Follower, Link
from streams.fetch import Fetch
from streams.frontier import Frontier
from streams.key_life import KeyLife
from streams.release import Release
from streams.shard import ShardParts
from streams.wire import Seal

log = logging.getLogger(__name__)

_RETRY_AFTER = 2.0


class Sink(Protocol):
    """Where released windows go."""

    async def publish_all(self, publications: Sequence[Publication]) -> object:
        """Publish in this order; repeating it changes nothing. Raises a ``FouleError`` if it could not be done now."""


class ReleaseAgent:
    """The active release agent of a group, on the worker that has the tallies log."""

    def __init__(
        self, settings: Settings, parts: ShardParts, link: Link, sinks: Sequence[Sink], metrics: Metrics
    ) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._layers = {layer.name: layer for layer in parts.places.layers}
        self._link = link
        self._sinks = sinks
        self._metrics = metrics
        self._parts = parts
        self._follows = Follower()
        self._lock = asyncio.Lock()
        self._release: Release | None = None
        self._forget()
        self._takeover_end = 0
        self._ticked_at = time.monotonic()

    def _forget(self) -> None:
        """Know nothing of the log yet."""
        self._frontier = Frontier(self._topics.partitions, self._settings.stream.idle_after)
        self._key_life = KeyLife(self._parts.calendar, self._topics.partitions)
        self._next: int | None = None

    async def assign(self) -> None:
        """Become active if this worker has the log now; start afresh from where the group committed."""
        self._release = None
        if 0 not in self._link.assigned(self._topics.tallies):
            return
        self._takeover_end = (await self._link.ends_now(self._topics.tallies))[0]
        self._forget()
        self._release = Release(
            Gate(self._settings.privacy.k),
            list(self._layers.values()),
            self._topics.partitions,
            min(self._settings.time.windows),
            self._settings.stream.max_wait,
            self._parts.fingerprint,
        )
        log.info("this worker releases the windows; it reads the log up to offset %d first", self._takeover_end)

    async def stop(self) -> None:
        """Be active no longer; what is not published yet stays on the log."""
        self._release = None

    async def take(self, fetch: Fetch) -> None:
        """Take a folded message of the log."""
        release = self._release
        if release is None:
            return
        async with self._lock:
            if self._next is None:
                self._next = self._link.committed(self._topics.tallies, 0)
            admitted, first = await self._link.admit(self._topics.tallies, fetch, self._next)
            if first > self._next > 0:
                log.error(
                    "the log no longer has the offsets %d to %d of %s", self._next, first - 1, self._topics.tallies
                )
            self._next = first
            if admitted is None:
                return
            rows = zip(admitted.offsets.tolist(), admitted.values, strict=True)
            publications = [self._read(release, offset, value) for offset, value in rows]
            if await self._publish([publication for publication in publications if publication is not None]):
                self._next = admitted.end
                await self._decide(release)

    def _read(self, release: Release, offset: int, value: bytes | None) -> Publication | None:
        try:
            message = wire.decode(value or b"")
        except ContractError as error:
            log.error("offset %d of %s is passed over: %s", offset, self._topics.tallies, error)
            return None
        late = release.late_tallies
        publication = release.take(offset, message)
        self._metrics.late_tallies.inc(release.late_tallies - late)
        if isinstance(message, Seal):
            self._frontier.seal(message, _now())
            self._key_life.checkpointed(message.shard, message.checkpointed)
        else:
            self._key_life.seen(message.start)
        return publication

    def _caught_up(self) -> bool:
        """What a predecessor decided has been read: only then may something be decided here."""
        return self._next is not None and self._next >= self._takeover_end

    async def _decide(self, release: Release) -> None:
        if not self._caught_up():
            return
        decisions = [wire.encode(decision) for decision in release.decide()]
        await asyncio.gather(
            *[await self._link.send(self._topics.tallies, 0, None, decision) for decision in decisions]
        )

    async def _publish(self, publications: Sequence[Publication]) -> bool:
        """Publish, however long it takes; False if the agent was stopped before all was out."""
        for sink in self._sinks if publications else ():
            if not await self._insist(sink, publications):
                return False
        for window in [publication.window for publication in publications if not publication.window.is_empty]:
            self._metrics.released_windows.labels(window.width).inc()
            self._metrics.unpublished_cells.inc(unpublished(self._layers[window.layer], window))
            self._metrics.release_delay_seconds.observe(max(0.0, (_now() - window.end) / 1000))
            if window.coverage < 1:
                log.warning(
                    "window of %s, width %s, starting at %d, went out with coverage %.2f: shards were missing",
                    window.layer,
                    window.width,
                    window.start,
                    window.coverage,
                )
        return True

    async def _insist(self, sink: Sink, publications: Sequence[Publication]) -> bool:
        name = type(sink).__name__
        while self._release is not None:
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
        release = self._release
        if release is None or not self._caught_up() or self._lock.locked():
            return
        now = time.monotonic()
        elapsed, self._ticked_at = int((now - self._ticked_at) * 1000), now
        async with self._lock:
            end = self._link.end(self._topics.tallies, 0)
            release.reports.tick(elapsed, at_end=self._next is not None and end is not None and self._next >= end)
            await self._decide(release)
            for shard, advance in self._frontier.advances(_now()):
                ack = await self._link.send(self._topics.frontier, shard, None, wire.encode_advance(advance))
                await ack
                log.info("shard %d is idle: told to advance to %d", shard, advance.watermark)
            for epoch in self._key_life.over(release.oldest_open):
                await self._destroy_key(epoch)
            if release.position is not None:
                await self._link.commit(self._topics.tallies, 0, release.position)

    async def prod(self) -> None:
        """Read again where the agent stands still before something on the log."""
        if self._release is not None and not self._lock.locked():
            start = self._link.committed(self._topics.tallies, 0) if self._next is None else self._next
            await self._link.prod(self._topics.tallies, 0, start, self._follows)

    async def _destroy_key(self, epoch: Epoch) -> None:
        try:
            await asyncio.to_thread(self._parts.keys.destroy, epoch)
        except KeyStoreError as error:
            log.error("the key of epoch %s lives on until its time to live ends: %s", epoch.label, error)
        else:
            log.info("the key of epoch %s is destroyed", epoch.label)


def _now() -> int:
    return time.time_ns() // 1_000_000
