"""The world around simulated workers: Kafka's logs, its group coordinator, Redis, and what can go wrong with them.

What a worker sends takes time, may arrive twice (a retry whose first answer got lost), may fail although what is sent
after it arrives, and may or may not arrive if the worker crashes meanwhile. A log may be compacted at any time, and
loses what the group has committed. The coordinator takes no commit from a worker that is no longer in the group's
generation, and that is all the fencing that there is.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiokafka.errors import KafkaTimeoutError

from anonymizer.gate import Publication
from config.errors import ServiceError
from streams.checkpoint import Record
from streams.fetch import Fetch, Headers
from streams.link import Link
from tests.simulation.loop import PROCESS, SimulatedLoop

TP = tuple[str, int]
OUTSIDE = contextvars.Context()


@dataclass
class Faults:
    """How likely things go wrong, each time that they can.

    A schedule draws its own: where all go wrong a little, what needs much of one and none of another is hardly ever
    seen (Groce et al., Swarm Testing, ISSTA 2012).
    """

    twice: float
    lost_fetch: float
    slow: float
    failed_send: float

    @classmethod
    def drawn(cls, rng: random.Random) -> Faults:
        """Of each fault none, some or much."""
        return cls(
            twice=rng.choice([0.0, 0.05, 0.2]),
            lost_fetch=rng.choice([0.0, 0.1, 0.3]),
            slow=rng.choice([0.0, 0.05, 0.15, 0.4]),
            failed_send=rng.choice([0.0, 0.0005, 0.005]),
        )


@dataclass
class Log:
    """A partition: every record that ever came, which of them compaction has removed, and where retention begins."""

    records: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    begin: int = 0

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
        self._under_way: dict[tuple[str, TP], deque[tuple[asyncio.Future[Any], bytes | None, bytes | None]]] = (
            defaultdict(deque)
        )
        self._cut_off: set[tuple[str, TP]] = set()
        self._readers: dict[TP, list[asyncio.Future[None]]] = defaultdict(list)

    def delay(self) -> float:
        """How long a message is under way, in seconds."""
        rng = self.loop.random
        return rng.uniform(0.5, 4.0) if rng.random() < self.faults.slow else rng.uniform(0.001, 0.05)

    def later(self, seconds: float, action: Callable[..., Any], *arguments: Any) -> None:
        """Do something outside of any process."""
        self.loop.call_later(seconds, action, *arguments, context=OUTSIDE)

    def send(self, process: str, tp: TP, key: bytes | None, value: bytes | None) -> asyncio.Future[Any]:
        """A producer's send: the future is done some time after the record is in the log.

        Records of one producer arrive in a partition in the order in which they were sent.
        """
        ack: asyncio.Future[Any] = self.loop.create_future()
        arrival = max(self.loop.now + self.delay(), self.down_until, self._arrivals.get((process, tp), 0.0))
        self._arrivals[process, tp] = arrival
        self._under_way[process, tp].append((ack, key, value))
        self.later(arrival - self.loop.now, self._arrive, process, tp)
        return ack

    def _arrive(self, process: str, tp: TP) -> None:
        if self.loop.now < self.down_until:
            self.later(self.down_until - self.loop.now + 0.01, self._arrive, process, tp)
            return
        ack, key, value = self._under_way[process, tp].popleft()
        rng = self.loop.random
        if self.loop.is_crashed(process) and ((process, tp) in self._cut_off or rng.random() < 0.5):
            self._cut_off.add((process, tp))  # it was not on the wire yet, and neither was what came after it
            return
        if rng.random() < self.faults.failed_send:
            self.later(self.delay(), _fail, ack)
            return
        offset = self.append(tp, key, value)
        if rng.random() < self.faults.twice:
            offset = self.append(tp, key, value)
        self.later(self.delay(), _acknowledge, ack, offset)

    def append(self, tp: TP, key: bytes | None, value: bytes | None) -> int:
        """Put a record into a log at once, and wake its readers."""
        self.wake(tp)
        return self.logs[tp].append(key, value)

    def wake(self, tp: TP) -> None:
        """Let the readers of a log look again."""
        readers = self._readers.pop(tp, [])
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    async def news(self, tp: TP) -> None:
        """Wait until there may be something to read."""
        if self.loop.now < self.down_until:
            await asyncio.sleep(self.down_until - self.loop.now)
        else:
            reader: asyncio.Future[None] = self.loop.create_future()
            self._readers[tp].append(reader)
            await reader

    def fetch(self, tp: TP, position: int, most: int) -> Fetch | None:
        """Up to ``most`` offsets of a log from ``position`` on; None if there is nothing, or the broker is down."""
        log = self.logs[tp]
        position = max(position, log.begin)
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


def _fail(ack: asyncio.Future[Any]) -> None:
    if not ack.done():
        ack.set_exception(KafkaTimeoutError())


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
            self._world.wake((topic, partition))

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
        return self._world.logs[topic, partition].begin

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
