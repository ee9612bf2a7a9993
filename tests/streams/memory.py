"""Kafka in memory, as the agents' link to it: logs with offsets, acknowledgements that can be held back, a clock."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import numpy as np

from streams import wire
from streams.checkpoint import Record, Restorer
from streams.epoch_register import EpochRegister
from streams.fetch import Fetch, Headers
from streams.link import Link

#: The wall clock when the memory is made, ms.
STARTED = 1_403_949_600_000


class Sent(NamedTuple):
    """A record on a topic; ``offset`` in its partition."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Acknowledged(NamedTuple):
    """What a broker says of a record that it has."""

    offset: int


def register_in(memory: Memory) -> EpochRegister:
    """The register of keys on this Kafka."""
    return EpochRegister(memory, "foule.epochs", 120_000)


def entry(key: bytes | None, value: bytes | None) -> str:
    """What a record of the register of keys says: ``made/LABEL=ID``, ``lost/LABEL`` or ``ended/EPOCH``."""
    kind, label, *_ = (key or b"").decode().split("/")
    return f"{kind}/{label}" + (f"={value.decode().partition(' ')[0]}" if value else "")


class Memory(Link):
    """Kafka in memory.

    ``held``: what is sent to these topics is acknowledged only by :meth:`acknowledge`; ``refused``: it is not taken at
    all; ``owned``: the partitions of every topic that are assigned; ``begin``: the first offset that is left.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.held: set[str] = set()
        self.refused: set[str] = set()
        self.waiting: list[tuple[asyncio.Future[Any], int]] = []
        self.owned = {0}
        self.begin = 0
        self.sought: list[tuple[str, int]] = []
        self.commits: list[tuple[str, int]] = []
        self.reads: list[tuple[int, int]] = []
        self.seconds = 0.0
        self._length: dict[tuple[str, int], int] = defaultdict(int)

    async def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Any:
        assert key is not None or value is not None, "Kafka's clients refuse a record with neither key nor value"
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if topic in self.refused:
            ack.set_exception(ConnectionError("the broker does not take it"))
            return ack
        offset = self.put(topic, key, value, partition or 0, tuple(headers))
        if topic in self.held:
            self.waiting.append((ack, offset))
        else:
            ack.set_result(Acknowledged(offset))
        return ack

    def put(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0, headers: Headers = ()) -> int:
        """A record is in the log, whoever sent it; gives its offset."""
        offset = self._length[topic, partition]
        self._length[topic, partition] += 1
        self.sent.append(Sent(topic, partition, offset, key, value, headers))
        return offset

    def acknowledge(self, count: int | None = None) -> None:
        """Tell the senders of the first ``count`` records that wait (default: of all)."""
        for ack, offset in self.waiting[:count]:
            ack.set_result(Acknowledged(offset))
        del self.waiting[:count]

    def assigned(self, topic: str) -> set[int]:
        return set(self.owned)

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        self.sought.append((topic, offset))

    async def commit(self, topic: str, partition: int, offset: int) -> bool:
        if partition in self.owned:
            self.commits.append((topic, offset))
        return partition in self.owned

    def committed(self, topic: str, partition: int) -> int:
        return next((offset for name, offset in reversed(self.commits) if name == topic), 0)

    def end(self, topic: str, partition: int) -> int | None:
        return self._length[topic, partition] or None

    async def begin_now(self, topic: str, partition: int) -> int:
        return self.begin

    async def ends_now(self, topic: str) -> dict[int, int]:
        lengths = {partition: length for (name, partition), length in self._length.items() if name == topic}
        return defaultdict(int, lengths)

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        self.reads.append((start, end))
        for sent in self.to(topic, partition)[start:end]:
            yield Record(sent.key, sent.value, sent.offset)

    def now(self) -> int:
        return STARTED + int(self.seconds * 1000)

    def elapsed(self) -> float:
        return self.seconds

    def to(self, topic: str, partition: int = 0) -> list[Sent]:
        """What is in a partition."""
        return [sent for sent in self.sent if (sent.topic, sent.partition) == (topic, partition)]

    def fetch(self, topic: str, start: int = 0, end: int | None = None) -> Fetch:
        """What is in partition 0 from ``start`` on, as one folded message."""
        records = self.to(topic)[start:end]
        values, offsets = [sent.value for sent in records], [sent.offset for sent in records]
        stamps = np.full(len(records), -1, np.int64)
        return Fetch(0, start, start + len(records), values, stamps, np.array(offsets, np.int64))

    def messages(self, topic: str) -> list[wire.Message]:
        """What the tallies log says."""
        return [wire.decode(sent.value or b"") for sent in self.to(topic)]

    def restorer(self, topic: str) -> Restorer:
        """One that has taken all of a changelog."""
        restorer = Restorer()
        for sent in self.to(topic):
            restorer.take(Record(sent.key, sent.value, sent.offset))
        return restorer

    def kinds(self, topic: str) -> list[str]:
        """The kind of each record of a changelog, as its key says; of a deletion with a minus before it."""
        return [("-" if sent.value is None else "") + kind_of(sent.key) for sent in self.to(topic)]


def kind_of(key: bytes | None) -> str:
    """The first word of a changelog record's key."""
    return (key or b"").split(b"/")[0].decode()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def until_waiting(memory: Memory, task: asyncio.Task[Any]) -> bool:
    """Wait until something waits to be acknowledged; False if the task is done instead. Parts are made in a thread."""
    async with asyncio.timeout(30):
        while not memory.waiting and not task.done():  # noqa: ASYNC110  (nobody tells when a record is sent)
            await asyncio.sleep(0.005)
    return bool(memory.waiting)
