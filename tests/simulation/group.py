"""Simulated workers, each with the real agents, and the consumer group that hands partitions to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from anonymizer.keys import EpochKeys, KeyStore
from config.settings import Settings
from sinks.prometheus import Metrics
from streams.crowd import CrowdAgent, ShuffledCrowdAgent
from streams.epoch_register import EpochRegister
from streams.fetch import Fetch
from streams.releaser import ReleaseAgent
from streams.shard import ShardParts
from streams.shuffle import ShuffleAgent
from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import SimulatedLink, SimulatedRedis, World, process_context
from zones import Places

_SESSION = 10.0
_POLL = 0.3
_QUEUED = 4
_TICK = 2.0


class SimulatedWorker:
    """A process with a crowd agent, a release agent, their timers and a consumer, as Faust runs them."""

    def __init__(
        self,
        name: str,
        world: World,
        redis: SimulatedRedis,
        settings: Settings,
        places: Places,
        store: KeyStore,
        fail: Callable[[SimulatedWorker, Exception], None],
    ) -> None:
        """``fail(worker, error)``: what to do when a part of the worker ends with an error."""
        start = 1_404_000_000_000
        self.name = name
        self._fail = fail
        self.link = SimulatedLink(world, name, start)
        self._world = world
        self._context = process_context(name)
        metrics = Metrics(CollectorRegistry())
        register = EpochRegister(self.link, settings.topics.epochs, settings.keys.lost_after)
        keys = EpochKeys(store, settings.keys.max_age, self.link.now, register)
        parts = ShardParts.of(settings, places, keys)
        shared = (settings, parts, self.link, metrics, register)
        self.crowd = ShuffledCrowdAgent(*shared) if settings.events.shuffle else CrowdAgent(*shared)
        self.feed = self.crowd if isinstance(self.crowd, CrowdAgent) else ShuffleAgent(*shared)
        self.agents: list[Any] = [self.crowd] if self.crowd is self.feed else [self.feed, self.crowd]
        self.release = ReleaseAgent(settings, parts, self.link, [redis], metrics, register)
        self._settings = settings
        self._queues: dict[str, asyncio.Queue[Fetch]] = {}
        self._told: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Begin to run; the group's coordinator has to be told by :meth:`Group.join`."""
        topics, stream = self._settings.topics, self._settings.stream
        takers = {
            topics.events: self.feed.take,
            topics.frontier: self.feed.advance,
            topics.tallies: self.release.take,
        }
        if self.crowd is not self.feed:
            takers[topics.shuffled] = self.crowd.take
        for topic, take in takers.items():
            self._queues[topic] = asyncio.Queue(_QUEUED)
            self.run(partial(self._deliver, self._queues[topic], take))
        for agent in self.agents:
            self.run(partial(self._every, stream.seal_every / 1000, agent.seal))
            self.run(partial(self._every, stream.checkpoint_every / 1000, agent.checkpoint))
        self.run(partial(self._every, stream.seal_every / 1000, self.release.prod))
        self.run(partial(self._every, stream.checkpoint_every / 1000, self.release.bookmark))
        self.run(partial(self._every, _TICK, self.release.tick))

    def run(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[Any]:
        """Start a task of this process."""
        return self._world.loop.create_task(self._fatal(work), context=self._context)

    async def _fatal(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self._fail(self, error)

    def next(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[Any]:
        """Start a task of this process that waits for the one before it: a consumer is told one thing at a time."""
        before = self._told

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait([before])
            await work()

        self._told = self.run(in_turn)
        return self._told

    async def _deliver(self, queue: asyncio.Queue[Fetch], take: Callable[[Fetch], Awaitable[None]]) -> None:
        while True:
            await take(await queue.get())

    async def _every(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    async def revoke(self) -> None:
        """The group rebalances: what is queued is dropped, and everything let go of."""
        for queue in self._queues.values():
            while not queue.empty():
                queue.get_nowait()
        await self.release.stop()
        for agent in self.agents:
            await agent.release()
        self.link.positions.clear()

    async def assign(self, generation: int, partitions: list[tuple[str, int]]) -> None:
        """The group has rebalanced: take over, then read from what the group has committed."""
        self.link.generation = generation
        self.link.positions = dict.fromkeys(partitions, 0)
        for agent in self.agents:
            await agent.assign()
        await self.release.assign()
        if self.link.generation == generation:
            for tp in partitions:
                self.link.positions[tp] = self._world.committed.get(tp, 0)
                self.run(partial(self._read, generation, tp))

    async def _read(self, generation: int, tp: tuple[str, int]) -> None:
        random = self._world.loop.random
        while self.link.generation == generation and tp in self.link.positions:
            await asyncio.sleep(random.uniform(0.0, _POLL))
            if tp not in self.link.positions or self.link.generation != generation:
                return
            fetch = self._world.fetch(tp, self.link.positions[tp], random.randint(1, 40))
            if fetch is None:
                await self._world.news(tp)
                continue
            self.link.positions[tp] = fetch.end
            if random.random() >= self._world.faults.lost_fetch:
                await self._queues[tp[0]].put(fetch)


class Group:
    """The coordinator: notices who is gone, and hands every partition to one of those who are there."""

    def __init__(self, world: World, partitions: list[tuple[str, int]]) -> None:
        self._world = world
        self._loop: SimulatedLoop = world.loop
        self._partitions = partitions
        self._members: list[SimulatedWorker] = []
        self._rebalancing: asyncio.Task[None] | None = None
        self._again = False

    @property
    def members(self) -> list[SimulatedWorker]:
        """Who is in the group."""
        return list(self._members)

    def join(self, worker: SimulatedWorker) -> None:
        """A worker asks to be let in."""
        if worker not in self._members:
            self._members.append(worker)
        self.rebalance()

    def leave(self, worker: SimulatedWorker) -> None:
        """A worker has gone, or has not been heard of for the session's length."""
        if worker in self._members:
            self._members.remove(worker)
            self.rebalance()

    def rebalance(self) -> None:
        """Hand out the partitions anew."""
        self._again = True
        if self._rebalancing is None or self._rebalancing.done():
            self._rebalancing = self._loop.create_task(self._rebalance())

    async def _rebalance(self) -> None:
        while self._again:
            self._again = False
            members = list(self._members)
            asked = {worker: worker.next(worker.revoke) for worker in members}
            if asked:
                await asyncio.wait(asked.values(), timeout=_SESSION)
            for worker, task in asked.items():
                if not task.done() and worker in self._members:
                    self._members.remove(worker)
            self._hand_out([worker for worker in members if worker in self._members])

    def _hand_out(self, members: list[SimulatedWorker]) -> None:
        self._world.generation += 1
        shares: dict[SimulatedWorker, list[tuple[str, int]]] = {worker: [] for worker in members}
        order = sorted(members, key=lambda worker: worker.name)
        self._loop.random.shuffle(order)
        for tp in self._partitions if order else ():
            # the partitions of one number go together, as Faust's assignor gives them out
            shares[order[(tp[1] + (len(order) > 1 and tp[0] == "foule.tallies")) % len(order)]].append(tp)
        for worker, share in shares.items():
            worker.next(partial(worker.assign, self._world.generation, share))
