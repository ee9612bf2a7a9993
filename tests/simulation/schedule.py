"""One schedule: a feed, workers that come, go, crash and freeze as a seed decides, and what must hold in the end."""

from __future__ import annotations

import asyncio
import random

from aiokafka.errors import KafkaTimeoutError

from streams.wire import Advance, encode_advance
from tests.cells import KnownKeys
from tests.simulation.feed import PARTITIONS, end_of_feed, feed, places, settings
from tests.simulation.group import Group, SimulatedWorker
from tests.simulation.loop import SimulatedLoop
from tests.simulation.outcome import Judge, Outcome
from tests.simulation.world import OUTSIDE, Faults, SimulatedRedis, World

_FEED_SECONDS = 40.0
_FLOWING = 0.95
_KINDS = ("crash", "freeze", "join", "leave", "broker", "redis", "compact", "keys", "blackout")
_FAULT_SECONDS = 90.0
_PATIENCE = 600.0


class SeededKeyStore(KnownKeys):
    """Gives every epoch a key that the seed decides: by the keys a shuffled feed is parted over the shards, and errors
    are drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep the epoch's key, which is not ``key``."""
        return super().put_if_absent(epoch, random.Random(f"{self._seed} {epoch}").randbytes(len(key)), ttl_ms)

    def empty(self) -> None:
        """It is started anew, or somebody has emptied it."""
        self._keys.clear()


def run_seed(seed: int, shuffle: bool = False) -> Outcome:
    """The outcome of one seed; the same whenever it is run again. With ``shuffle`` of a feed that is not keyed."""
    try:
        return Schedule(seed, shuffle=shuffle).run()
    except (AssertionError, KeyError) as error:
        return Outcome(seed, {}, {}, 0, 0, [], [repr(error)], True, 0)


class Schedule:
    """Runs one seed."""

    def __init__(self, seed: int, faults: Faults | None = None, *, shuffle: bool = False) -> None:
        self.seed = seed
        self.days = 2 if seed % 3 == 2 else 1
        self.settings = settings(shuffle, noise=seed % 2, days=self.days)
        self.loop = SimulatedLoop(seed)
        self.random = self.loop.random
        self.world = World(self.loop, faults or Faults.drawn(self.random))
        self.redis = SimulatedRedis(self.world)
        self.store = SeededKeyStore(seed)
        self.judge = Judge(self.settings, self.world, self.redis, self.store.known)
        topics = self.settings.topics
        by_number = [topics.events, topics.frontier, *([topics.shuffled] if shuffle else [])]
        tps = [(topic, number) for topic in by_number for number in range(PARTITIONS)] + [(topics.tallies, 0)]
        self.group = Group(self.world, tps)
        self.happened: list[str] = []
        self.errors: list[Exception] = []
        self._failing: set[SimulatedWorker] = set()
        self._names = 0
        self._kinds = [kind for kind in _KINDS for _ in range(self.random.choice([0, 1, 1, 3]))] or ["crash"]
        self._logs = feed(self.random, shuffle, self.days)

    def run(self) -> Outcome:
        """Run it to its end."""
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._main())
            return self.judge.outcome(self.seed, self.happened, [repr(error) for error in self.errors], self.loop.steps)
        finally:
            self.loop.end()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _main(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self._start_worker()
        feeding = asyncio.gather(*(self._feed(partition, values) for partition, values in self._logs.items()))
        while self.loop.now < _FAULT_SECONDS:
            await asyncio.sleep(self.random.uniform(0.5, 20.0))
            await self._fault()
        await feeding
        self._finish()
        self._ended = self.loop.now
        deadline = self._ended + _PATIENCE
        while not self.judge.is_over(self._last, self.loop.now - self._ended):
            if self.loop.now > deadline:
                break
            if len(self.group.members) == 0:
                self._start_worker()
            await asyncio.sleep(15.0)

    def _start_worker(self) -> None:
        self._names += 1
        worker = SimulatedWorker(
            f"worker-{self._names}", self.world, self.redis, self.settings, places(), self.store, self._failed
        )
        worker.start()
        self.group.join(worker)

    async def _feed(self, partition: int, values: list[bytes]) -> None:
        """Send one partition's events, with breaks that are long enough for it to be called idle."""
        for value in values:
            self.world.append((self.settings.topics.events, partition), None, value)
            pause = self.random.uniform(0.0, 2 * _FEED_SECONDS / len(values))
            await asyncio.sleep(pause if self.random.random() < _FLOWING else self.random.uniform(5.0, 20.0))

    async def _fault(self) -> None:
        members = self.group.members
        kind = self.random.choice(self._kinds)
        self.happened.append(f"{self.loop.now:.1f} {kind}")
        if kind == "join" and len(members) < 4:
            self._start_worker()
        elif kind == "broker":
            self.world.down_until = self.loop.now + self.random.uniform(1, 8)
        elif kind == "redis":
            self.redis.down_until = self.loop.now + self.random.uniform(1, 30)
        elif kind == "keys":
            self.store.empty()
        elif kind == "compact":
            self._clean()
        elif kind == "blackout":
            for worker in members:
                self._crash(worker)
        elif members:
            worker = self.random.choice(members)
            if kind == "crash":
                self._crash(worker)
            elif kind == "leave":
                self.loop.create_task(self._leave(worker))
            elif kind == "freeze":
                self.loop.create_task(self._freeze(worker))

    def _clean(self) -> None:
        """Compact the changelogs, and delete events that the group has committed."""
        topics = self.settings.topics
        for (topic, partition), log in self.world.logs.items():
            if topic in (topics.checkpoints, topics.sources) and log.records:
                log.compact(self.random.randrange(len(log.records)))
            elif topic in (topics.events, topics.shuffled):
                log.begin = self.world.committed.get((topic, partition), 0)

    def _crash(self, worker: SimulatedWorker) -> None:
        self.loop.crash(worker.name)
        self.loop.call_later(self.random.uniform(1.0, 12.0), self.group.leave, worker)
        if self.random.random() < 0.8:
            self.loop.call_later(self.random.uniform(0.5, 15.0), self._start_worker)

    async def _leave(self, worker: SimulatedWorker) -> None:
        worker.next(worker.revoke)
        await asyncio.sleep(self.random.uniform(0.5, 10.0))
        self.loop.crash(worker.name)
        self.group.leave(worker)

    def _failed(self, worker: SimulatedWorker, error: Exception) -> None:
        """A part of the worker has failed: it shuts down, as far as that goes, and its supervisor starts a new one."""
        if not isinstance(error, KafkaTimeoutError):
            self.errors.append(error)
        self.happened.append(f"{self.loop.now:.1f} {worker.name} fails")
        if worker not in self._failing:
            self._failing.add(worker)
            self.loop.create_task(self._leave(worker), context=OUTSIDE.copy())
            self.loop.call_later(self.random.uniform(0.5, 15.0), self._start_worker, context=OUTSIDE.copy())

    async def _freeze(self, worker: SimulatedWorker) -> None:
        self.loop.pause(worker.name)
        frozen = self.random.uniform(0.5, 40.0)
        noticed = self.random.uniform(8.0, 12.0)
        await asyncio.sleep(min(frozen, noticed))
        if frozen > noticed:
            self.group.leave(worker)
            await asyncio.sleep(frozen - noticed)
        if self.loop.is_crashed(worker.name):
            return
        self.loop.resume(worker.name)
        await asyncio.sleep(self.random.uniform(0.0, 6.0))
        if worker not in self.group.members and not self.loop.is_crashed(worker.name):
            await asyncio.wait([worker.next(worker.revoke)], timeout=20.0)
            self.group.join(worker)

    def _finish(self) -> None:
        """End the feed, as a replay does: every shard is told to advance beyond the last window. From here on every
        send arrives, so that workers come to the end."""
        self.world.faults.failed_send = 0.0
        topics = self.settings.topics
        self._last = end_of_feed(self.days)
        for partition in range(PARTITIONS):
            end = len(self.world.logs[topics.events, partition].records)
            advance = encode_advance(Advance(end, self._last))
            self.world.append((topics.frontier, partition), None, advance)
