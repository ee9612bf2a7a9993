"""Release agents on Kafka in memory, and what others put on their log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from anonymizer.gate import Publication
from anonymizer.keys import MemoryKeyStore
from config.errors import ServiceError
from foule.oracle.parameters import MINUTE
from indicators.counts import Tally
from sinks.prometheus import Metrics
from streams import wire
from streams.releaser import ReleaseAgent
from streams.wire import Message, Seal, TallyPart
from tests.cells import CIPHER, KEY, counts_of, key_id
from tests.damage import NOON
from tests.streams.agents import SETTINGS, SHORE, TOPICS
from tests.streams.memory import Memory, register_in
from tests.streams.shards import parts_of

ONE_SHARD = msgspec.structs.replace(SETTINGS, topics=msgspec.structs.replace(TOPICS, partitions=1))
WIDTH = 5 * MINUTE
FINGERPRINT = parts_of(SHORE).fingerprint
EPOCH = parts_of(SHORE).calendar.epoch_of(NOON)


class Shelf:
    """A sink that keeps what it is given, after ``refusals`` times that it does not."""

    def __init__(self) -> None:
        self.taken: list[Publication] = []
        self.refusals = 0
        self.asked = 0

    async def publish_all(self, publications: Sequence[Publication]) -> None:
        self.asked += 1
        if self.refusals:
            self.refusals -= 1
            raise ServiceError("the shelf is full")
        self.taken += publications


class Releasing:
    """A release agent on Kafka in memory, and how far its log was delivered to it."""

    def __init__(self, memory: Memory, store: MemoryKeyStore | None = None) -> None:
        self.memory = memory
        self.shelf = Shelf()
        self.registry = CollectorRegistry()
        self.position = 0
        keys = MemoryKeyStore() if store is None else store
        keys.put_if_absent(EPOCH.label, KEY, 1)
        parts = parts_of(SHORE, keys)
        metrics, register = Metrics(self.registry), register_in(memory)
        self.agent = ReleaseAgent(ONE_SHARD, parts, memory, [self.shelf], metrics, register)

    async def begin(self) -> None:
        """Have the log assigned; it is delivered from what the group has committed."""
        await self.agent.assign()
        self.position = self.memory.committed(TOPICS.tallies, 0)

    async def read(self, end: int | None = None) -> None:
        """Deliver the log up to ``end``, or to its end, and what that adds to it; follow where the agent seeks."""
        while self.position < (len(self.memory.to(TOPICS.tallies)) if end is None else end):
            fetch, sought = self.memory.fetch(TOPICS.tallies, self.position, end), len(self.memory.sought)
            self.position = fetch.end
            await self.agent.take(fetch)
            if len(self.memory.sought) > sought:
                self.position = self.memory.sought[-1][1]

    @property
    def starts(self) -> list[int]:
        """Starts of the published windows, in windows after noon."""
        return [(one.window.start - NOON) // WIDTH for one in self.shelf.taken]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def tally(window: int = 0, *, token: int = 0, people: int = 30) -> TallyPart:
    """People at the beach in a window, counted from noon."""
    start = NOON + window * WIDTH
    counted = Tally(0, WIDTH, start, start + WIDTH, {"presence": counts_of({0: people})}, key_id(EPOCH.label))
    [part] = wire.parts_of(counted, 0, FINGERPRINT, token, CIPHER)
    return part


def seal(window: int = 0, *, token: int = 0, checkpointed: int = 0) -> Seal:
    """All up to the end of a window is told."""
    return Seal(FINGERPRINT, token, 0, NOON + (window + 1) * WIDTH, 0, False, checkpointed)


def say(memory: Memory, *messages: Message) -> None:
    """Others put messages on the log."""
    for message in messages:
        memory.put(TOPICS.tallies, None, wire.encode(message))


def said(memory: Memory, kind: type[Any]) -> list[Any]:
    """The messages of a kind on the log."""
    return [message for message in memory.messages(TOPICS.tallies) if isinstance(message, kind)]


async def releasing(memory: Memory, store: MemoryKeyStore | None = None) -> Releasing:
    """An agent that has claimed."""
    found = Releasing(memory, store)
    await found.begin()
    return found
