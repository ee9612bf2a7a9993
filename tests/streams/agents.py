"""Crowd agents on Kafka in memory, and what they are given."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from anonymizer.keys import KeyStore
from config.settings import Settings
from foule.oracle.oracle import Parameters, Record
from foule.oracle.parameters import HOUR, MINUTE
from sinks.prometheus import Metrics
from streams.crowd import CrowdAgent
from streams.fetch import Fetch
from streams.wire import Advance, Claim, Seal, TallyPart, encode_advance
from tests.crowds import SMALL, Seen, Universe, encode
from tests.damage import NOON
from tests.streams.memory import Memory, register_in
from tests.streams.shards import fetch_of, parts_of, settings_of

SHORE = Universe(Parameters(widths=(5 * MINUTE,)), SMALL)
SETTINGS = settings_of(SHORE.parameters)
TOPICS = SETTINGS.topics
DAY_END = NOON + 16 * HOUR

TAKEN_OVER = ["owner", "owned"]
"""The kinds of the changelog's records once a shard is taken over."""


class Agent:
    """An agent with its link and its metrics."""

    def __init__(self, memory: Memory | None = None, store: KeyStore | None = None, settings: Settings = SETTINGS):
        self.memory = Memory() if memory is None else memory
        self.registry = CollectorRegistry()
        metrics, register = Metrics(self.registry), register_in(self.memory)
        self.crowd = CrowdAgent(settings, parts_of(SHORE, store, settings=settings), self.memory, metrics, register)

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


async def started(memory: Memory | None = None, store: KeyStore | None = None, settings: Settings = SETTINGS) -> Agent:
    """An agent that has taken over what is assigned."""
    agent = Agent(memory, store, settings)
    await agent.crowd.assign()
    return agent


def event(at: int, subscriber: str = "a", cell: str = "c0") -> bytes:
    """An event ``at`` ms after noon."""
    return encode(Seen(NOON + at, subscriber, cell))


def events(*values: bytes | None, start: int = 0) -> Fetch:
    """A fetch of the events topic."""
    return fetch_of(0, start, [Record(start + at, -1, value) for at, value in enumerate(values)])


def advances(*told: Advance, start: int = 0) -> Fetch:
    """A fetch of the frontier topic."""
    return fetch_of(0, start, [Record(start + at, -1, encode_advance(one)) for at, one in enumerate(told)])


CLOSING = (event(0), event(HOUR, "b"))
"""Two events, of which the second closes the first one's windows."""


def seals(memory: Memory) -> list[Seal]:
    """The seals in the tallies log."""
    return [message for message in memory.messages(TOPICS.tallies) if isinstance(message, Seal)]


def tallies(memory: Memory) -> list[TallyPart]:
    """The tallies in the log."""
    return [message for message in memory.messages(TOPICS.tallies) if isinstance(message, TallyPart)]


def claims(memory: Memory) -> list[Claim]:
    """The claims in the log."""
    return [message for message in memory.messages(TOPICS.tallies) if isinstance(message, Claim)]


def letters(memory: Memory) -> list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]]:
    """The dead letters: partition, key, value, headers."""
    return [(sent.partition, sent.key, sent.value, dict(sent.headers)) for sent in memory.to(TOPICS.rejected)]
