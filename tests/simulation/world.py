"""The world around simulated workers: Kafka's logs, its group coordinator, Redis, and what can go wrong with them.

What a worker sends takes time, may arrive twice (a retry whose first answer got lost), and arrives even if the worker
crashes meanwhile. A log may be compacted at any time. The coordinator takes no commit from a worker that is no longer
in the group's generation, and that is all the fencing that there is.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anonymizer.gate import Publication
from config.errors import ServiceError
from streams.checkpoint import Record
from streams.consumer import Link
from streams.fetch import Fetch, Headers
from tests.simulation.loop import PROCESS, SimulatedLoop

TP = tuple[str, int]
OUTSIDE = contextvars.Context()


@dataclass
class Faults:
    """How likely things go wrong, each time that they can."""

    twice: float = 0.05
    lost_fetch: float = 0.1
    slow: float = 0.05


@dataclass
class Log:
    """A partition: every record that ever came, and which of them compaction has removed."""

    records: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    def append(self, key: bytes | None, value: bytes | None) -> int:
        self.records.append((key, value))
        return len(self.records) - 1

    def compact(self, upto: int) -> None:
        """Remove records below ``upto`` that a later one of the same key replaces, and deletions among them."""
        newest = {key: offset for offset, (key, _) in enumerate(self.records)}
        for offset, (key, value) in enumerate(self.records[:upto]):
            if newest[key] != offset or value is None:
                self.gone.add(offset)


class World:
    """All that is outside of the workers' processes."""

    def __init__(self, loop: SimulatedLoop, faults: Faults) -> None:
        self.loop = loop
        self.faults = faults
        self.logs: dict[TP, Log] = defaultdict(Log)
        self.committed: dict[TP, int] = {}
        self.generation = 0
        self.owners: dict[TP, str] = {}
        self.down_until = 0.0
        self._arrivals: dict[tuple[str, TP], float] = {}

    def delay(self) -> float:
        """How long a message is under way, in seconds."""
        random = self.loop.random
        return random.uniform(0.5, 4.0) if random.random() < self.faults.slow else random.uniform(0.001, 0.05)

    def later(self, seconds: float, action: Callable[..., Any], *arguments: Any) -> None:
        """Do something outside of any process."""
        self.loop.call_later(seconds, action, *arguments, context=OUTSIDE)

    def send(self, process: str, tp: TP, key: bytes | None, value: bytes | None) -> asyncio.Future[Any]:
        """A producer's send: the future is done some time after the record is in the log."""
        ack: asyncio.Future[Any] = self.loop.create_future()
        arrival = max(self.loop.now + self.delay(), self.down_until, self._arrivals.get((process, tp), 0.0))
        self._arrivals[process, tp] = arrival
        self.later(arrival - self.loop.now, self._arrive, ack, tp, key, value)
        return ack

    def _arrive(self, ack: asyncio.Future[Any], tp: TP, key: bytes | None, value: bytes | None) -> None:
        if self.loop.now < self.down_until:
            self.later(self.down_until - self.loop.now + 0.01, self._arrive, ack, tp, key, value)
            return
        offset = self.logs[tp].append(key, value)
        if self.loop.random.random() < self.faults.twice:
            offset = self.logs[tp].append(key, value)
        self.later(self.delay(), _acknowledge, ack, offset)

    def fetch(self, tp: TP, position: int, most: int) -> Fetch | None:
        """Up to ``most`` offsets of a log from ``position`` on; None if there is nothing, or the broker is down."""
        log = self.logs[tp]
        end = min(len(log.records), position + most)
        if self.loop.now < self.down_until or position >= end:
            return None
        offsets = [offset for offset in range(position, end) if offset not in log.gone]
        values = [log.records[offset][1] for offset in offsets]
        stamps = np.full(len(offsets), -1, np.int64)
        return Fetch(tp[1], position, end, values, stamps, np.array(offsets, np.int64))


def _acknowledge(ack: asyncio.Future[Any], offset: int) -> None:
    if not ack.done():
        ack.set_result(_Metadata(offset))


@dataclass(frozen=True)
class _Metadata:
    offset: int


class SimulatedLink(Link):
    """A worker's way to the world."""

    def __init__(self, world: World, process: str, start: int) -> None:
        self._world = world
        self._process = process
        self._start = start
        self.generation = -1
        self.positions: dict[TP, int] = {}

    async def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> asyncio.Future[Any]:
        return self._world.send(self._process, (topic, partition or 0), key, value)

    def assigned(self, topic: str) -> set[int]:
        return {partition for name, partition in self.positions if name == topic}

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        if (topic, partition) in self.positions:
            self.positions[topic, partition] = offset

    async def commit(self, topic: str, partition: int, offset: int) -> bool:
        await asyncio.sleep(self._world.delay())
        if self.generation != self._world.generation or (topic, partition) not in self.positions:
            return False
        self._world.committed[topic, partition] = offset
        return True

    def committed(self, topic: str, partition: int) -> int:
        return self._world.committed.get((topic, partition), 0)

    def end(self, topic: str, partition: int) -> int | None:
        return len(self._world.logs[topic, partition].records)

    async def ends_now(self, topic: str) -> dict[int, int]:
        await asyncio.sleep(self._world.delay())
        return defaultdict(int, {at: len(log.records) for (name, at), log in self._world.logs.items() if name == topic})

    async def begin_now(self, topic: str, partition: int) -> int:
        await asyncio.sleep(self._world.delay())
        return 0

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        log = self._world.logs[topic, partition]
        for offset in range(start, end):
            if offset % 50 == 0:
                await asyncio.sleep(self._world.delay())
            if offset not in log.gone:
                yield Record(*log.records[offset], offset)

    def now(self) -> int:
        return self._start + int(self._world.loop.now * 1000)

    def elapsed(self) -> float:
        return self._world.loop.now


class SimulatedRedis:
    """Keeps the newest version of every window, and all contents that any window ever had."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.down_until = 0.0
        self.windows: dict[tuple[str, str, int], Publication] = {}
        self.contents: dict[tuple[str, str, int], set[bytes]] = defaultdict(set)

    async def publish_all(self, publications: Sequence[Publication]) -> None:
        """As the Redis sink does it: an older version is refused."""
        for publication in publications:
            await asyncio.sleep(self._world.delay())
            if self._world.loop.now < self.down_until:
                raise ServiceError("the simulated Redis is down")
            window = publication.window
            key = (window.layer, window.width, window.start)
            held = self.windows.get(key)
            if held is None or publication.version >= held.version:
                self.windows[key] = publication
                self.contents[key].add(window.to_bytes())


def process_context(name: str) -> contextvars.Context:
    """A context whose callbacks belong to this process."""
    context = contextvars.Context()
    context.run(PROCESS.set, name)
    return context
