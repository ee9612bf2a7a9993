"""The crowd agent vouches for nothing that is not in the log, and reads every record once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, NamedTuple

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from anonymizer.keys import KeyStore, MemoryKeyStore
from config.settings import Settings
from foule.oracle.oracle import Parameters, Record
from foule.oracle.parameters import HOUR, MINUTE
from sinks.prometheus import Metrics
from streams import wire
from streams.checkpoint import AdvanceNote, Restored, Restorer
from streams.checkpoint import Record as ChangelogRecord
from streams.consumer import Link
from streams.crowd import CrowdAgent
from streams.fetch import Fetch, Headers
from streams.wire import Advance, Seal, TallyPart, encode_advance
from tests.crowds import SMALL, Seen, Universe, encode
from tests.damage import NOON
from tests.streams.shards import FailingKeyStore, fetch_of, parts_of, settings_of

SHORE = Universe(Parameters(widths=(5 * MINUTE,)), SMALL)
SETTINGS = settings_of(SHORE.parameters)
TOPICS = SETTINGS.topics
DAY_END = NOON + 16 * HOUR


class Sent(NamedTuple):
    """A record on a topic of the log in memory."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


class Log(Link):
    """Kafka in memory. ``held``: what is sent to these topics is acknowledged only by :meth:`acknowledge`;
    ``refused``: it is not taken at all."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.held: set[str] = set()
        self.refused: set[str] = set()
        self.waiting: list[asyncio.Future[None]] = []
        self.owned = {0}
        self.begin = 0
        self.sought: list[tuple[str, int]] = []
        self.commits: list[int] = []

    async def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Any:
        assert key is not None or value is not None, "Kafka's clients refuse a record with neither key nor value"
        ack: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if topic in self.refused:
            ack.set_exception(ConnectionError("the broker does not take it"))
            return ack
        self.sent.append(Sent(topic, partition, key, value, tuple(headers)))
        if topic in self.held:
            self.waiting.append(ack)
        else:
            ack.set_result(None)
        return ack

    def acknowledge(self, count: int | None = None) -> None:
        for ack in self.waiting[:count]:
            ack.set_result(None)
        del self.waiting[:count]

    def assigned(self, topic: str) -> set[int]:
        return self.owned

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        self.sought.append((topic, offset))

    async def commit(self, topic: str, partition: int, offset: int) -> None:
        self.commits.append(offset)

    def end(self, topic: str, partition: int) -> int | None:
        return None

    async def ends_now(self, topic: str) -> dict[int, int]:
        return dict.fromkeys(range(4), 0)

    async def begin_now(self, topic: str, partition: int) -> int:
        return self.begin

    async def read_changelog(self, topic: str, partition: int, end: int) -> Restored:
        restorer = Restorer()
        for sent in self.to(TOPICS.checkpoints):
            restorer.take(ChangelogRecord(sent.key or b"", sent.value))
        return restorer.result()

    def to(self, topic: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.topic == topic]

    def messages(self) -> list[wire.Message]:
        return [wire.decode(sent.value or b"") for sent in self.to(TOPICS.tallies)]

    def seals(self) -> list[Seal]:
        return [message for message in self.messages() if isinstance(message, Seal)]


class Agent:
    """An agent with its log and its metrics."""

    def __init__(self, log: Log | None = None, store: KeyStore | None = None, settings: Settings = SETTINGS) -> None:
        self.log = Log() if log is None else log
        self.registry = CollectorRegistry()
        self.crowd = CrowdAgent(settings, parts_of(SHORE, store), self.log, Metrics(self.registry))

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


async def started(log: Log | None = None, store: KeyStore | None = None, settings: Settings = SETTINGS) -> Agent:
    agent = Agent(log, store, settings)
    await agent.crowd.assign()
    return agent


def event(at: int, subscriber: str = "a", cell: str = "c0") -> bytes:
    """An event ``at`` ms after noon."""
    return encode(Seen(NOON + at, subscriber, cell))


def events(*values: bytes | None, start: int = 0) -> Fetch:
    return fetch_of(0, start, [Record(start + at, -1, value) for at, value in enumerate(values)])


def advances(*told: Advance, start: int = 0) -> Fetch:
    return fetch_of(0, start, [Record(start + at, -1, encode_advance(one)) for at, one in enumerate(told)])


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


CLOSING = (event(0), event(HOUR, "b"))
"""Two events, of which the second closes the first one's windows."""


# --- tallies and seals


async def test_a_seal_is_sent_when_every_tally_before_it_is_acknowledged() -> None:
    agent = await started()
    agent.log.held = {TOPICS.tallies}
    taking = asyncio.create_task(agent.crowd.take(events(*CLOSING)))
    await settled()
    parts = len(agent.log.waiting)
    assert parts > 5
    assert agent.log.seals() == []
    agent.log.acknowledge(parts - 1)
    await settled()
    assert agent.log.seals() == []
    agent.log.acknowledge()
    await settled()
    [seal] = agent.log.seals()
    assert (seal.shard, seal.watermark, seal.next_offset) == (0, NOON + HOUR - 2 * MINUTE, 2)
    agent.log.acknowledge()
    await taking


async def test_after_a_tally_that_was_not_taken_nothing_vouches_for_it() -> None:
    agent = await started()
    agent.log.refused = {TOPICS.tallies}
    with pytest.raises(ConnectionError):
        await agent.crowd.take(events(*CLOSING))
    agent.log.refused = set()
    await agent.crowd.seal()
    await agent.crowd.checkpoint()
    await agent.crowd.release()
    assert agent.log.seals() == []
    assert agent.log.to(TOPICS.checkpoints) == []
    again = await started(agent.log)
    await again.crowd.take(events(*CLOSING))
    assert len(again.log.seals()) == 1
    assert any(isinstance(message, TallyPart) for message in again.log.messages())


async def test_a_shard_seals_also_when_nothing_closed() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    assert agent.log.seals() == []
    await agent.crowd.seal()
    await agent.crowd.seal()
    assert [(seal.watermark, seal.next_offset) for seal in agent.log.seals()] == [(NOON - 2 * MINUTE, 1)] * 2


# --- dead letters


def letters_of(log: Log) -> list[tuple[int | None, bytes | None, bytes | None, dict[str, bytes]]]:
    return [(sent.partition, sent.key, sent.value, dict(sent.headers)) for sent in log.to(TOPICS.rejected)]


async def test_dead_letters_go_to_the_partition_of_their_record_with_or_without_a_value() -> None:
    agent = await started()
    await agent.crowd.take(events(b"\xff", None, event(0)))
    own = {"topic": TOPICS.events.encode(), "partition": b"0", "reason": b"malformed"}
    assert letters_of(agent.log) == [
        (0, None, b"\xff", {**own, "offset": b"0"}),
        (0, b"", None, {**own, "offset": b"1"}),
    ]
    assert agent.metric("foule_records_read_total") == 3
    assert agent.metric("foule_records_accepted_total") == 1


async def test_where_only_the_reason_is_kept_no_value_is() -> None:
    shy = settings_with(rejected_payload=False)
    agent = await started(settings=shy)
    await agent.crowd.take(events(b"\xff", event(0, cell="nowhere")))
    assert [(key, value) for _, key, value, _ in letters_of(agent.log)] == [(b"", None)] * 2


def settings_with(**changes: Any) -> Settings:
    return msgspec.structs.replace(SETTINGS, events=msgspec.structs.replace(SETTINGS.events, **changes))


async def test_a_checkpoint_waits_for_the_dead_letters_before_it() -> None:
    agent = await started()
    agent.log.held = {TOPICS.rejected}
    await agent.crowd.take(events(b"damage", event(0)))
    writing = asyncio.create_task(agent.crowd.checkpoint())
    await settled()
    assert agent.log.to(TOPICS.checkpoints) == []
    agent.log.acknowledge()
    await writing
    assert agent.log.to(TOPICS.checkpoints)


async def test_without_its_dead_letter_in_the_log_a_record_is_read_again() -> None:
    agent = await started()
    agent.log.refused = {TOPICS.rejected}
    await agent.crowd.take(events(b"damage", event(0)))
    with pytest.raises(ConnectionError):
        await agent.crowd.checkpoint()
    agent.log.refused = set()
    await agent.crowd.release()
    assert agent.log.to(TOPICS.checkpoints) == []
    again = await started(agent.log)
    await again.crowd.take(events(b"damage", event(0)))
    assert len(letters_of(again.log)) == 1


# --- checkpoints


async def test_a_checkpoint_is_parts_then_its_manifest_then_the_commit_then_a_newer_one_deletes_it() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0), event(3 * MINUTE)))
    agent.log.held = {TOPICS.checkpoints}
    writing = asyncio.create_task(agent.crowd.checkpoint())
    kinds: list[list[bytes]] = []
    while not writing.done():
        await asyncio.sleep(0.01)  # a part is made in a thread
        if agent.log.waiting:
            kinds.append([(sent.key or b"").split(b"/")[0] for sent in agent.log.to(TOPICS.checkpoints)])
            assert agent.log.commits == []
            agent.log.acknowledge()
    await writing
    assert kinds == [[b"part"], [b"part", b"manifest"]]
    assert agent.log.commits == [1]  # the second event waits for the watermark
    agent.log.held = set()
    await agent.crowd.checkpoint()
    deleted = [sent.key for sent in agent.log.to(TOPICS.checkpoints) if sent.value is None]
    assert deleted == [b"manifest/000000000001", b"part/000000000001/00000"]


async def test_a_successor_goes_on_where_the_checkpoint_was_and_counts_nothing_twice() -> None:
    values = [event(0), b"damage", event(3 * MINUTE), event(4 * MINUTE, "b"), event(HOUR, "c")]
    plain = await started()
    await plain.crowd.take(events(*values))
    store = MemoryKeyStore()
    first = await started(store=store)
    await first.crowd.take(events(*values[:4]))
    await first.crowd.checkpoint()
    await first.crowd.take(events(*values[4:], start=4))
    second = await started(first.log, store)
    await second.crowd.take(events(*values))
    assert second.metric("foule_records_read_total") == 1
    assert len(letters_of(first.log)) == 1

    def tallies(log: Log) -> dict[Any, Any]:
        found = defaultdict(set)
        for message in log.messages():
            if isinstance(message, TallyPart):
                found[message.layer, message.start, message.indicator].add((message.cells, message.counts))
        return found

    assert tallies(second.log) == tallies(plain.log)
    last = second.log.seals()[-1]
    assert (last.watermark, last.next_offset) == (NOON + HOUR - 2 * MINUTE, 5)


async def test_a_partition_that_was_taken_away_is_checkpointed_and_let_go() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.release()
    assert agent.log.commits == [0]
    assert agent.log.to(TOPICS.checkpoints)
    before = len(agent.log.sent)
    await agent.crowd.take(events(event(HOUR), start=1))
    await agent.crowd.advance(advances(Advance(5, DAY_END)))
    await agent.crowd.seal()
    assert len(agent.log.sent) == before


# --- offsets


async def test_a_fetch_that_comes_again_is_read_once() -> None:
    agent = await started()
    for _ in range(3):
        await agent.crowd.take(events(event(0), event(1)))
    await agent.crowd.take(events(event(1), event(2), start=1))
    assert agent.metric("foule_records_read_total") == 3


async def test_a_fetch_behind_one_that_got_lost_makes_the_agent_read_again() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.take(events(event(2), start=2))
    assert (agent.log.sought, agent.metric("foule_seeks_total")) == ([(TOPICS.events, 1)], 1)
    await agent.crowd.take(events(event(1), event(2), start=1))
    assert agent.metric("foule_records_read_total") == 3
    assert agent.metric("foule_offset_gaps_total") == 0


async def test_records_that_the_log_no_longer_has_are_passed_over_and_said() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    agent.log.begin = 5
    await agent.crowd.take(events(event(5), start=5))
    assert agent.metric("foule_offset_gaps_total") == 1
    assert agent.metric("foule_records_read_total") == 2


async def test_while_there_is_no_key_a_partition_stands_still_and_loses_nothing() -> None:
    agent = await started(store=FailingKeyStore(failures=1))
    await agent.crowd.take(events(event(0), b"damage"))
    assert agent.metric("foule_records_read_total") == 2
    assert len(letters_of(agent.log)) == 1


# --- advances


def notes_of(log: Log) -> list[AdvanceNote]:
    restorer = Restorer()
    for sent in log.to(TOPICS.checkpoints):
        restorer.take(ChangelogRecord(sent.key or b"", sent.value))
    return restorer.result().advances


async def test_an_advance_is_in_the_changelog_before_it_is_applied() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    agent.log.held = {TOPICS.checkpoints}
    telling = asyncio.create_task(agent.crowd.advance(advances(Advance(1, DAY_END))))
    await settled()
    assert notes_of(agent.log) == [AdvanceNote(0, 1, DAY_END, True)]
    assert agent.log.seals() == []
    agent.log.acknowledge()
    await telling
    assert agent.log.seals()[-1].watermark == DAY_END


async def test_an_advance_that_comes_too_late_is_noted_as_such_and_moves_nothing() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0), event(1)))
    await agent.crowd.advance(advances(Advance(1, DAY_END)))
    assert notes_of(agent.log) == [AdvanceNote(0, 1, DAY_END, False)]
    await agent.crowd.seal()
    assert agent.log.seals()[-1].watermark < NOON


async def test_a_successor_applies_the_advances_that_were_and_no_others() -> None:
    log = Log()
    first = await started(log)
    await first.crowd.take(events(event(0)))
    await first.crowd.advance(advances(Advance(0, DAY_END), Advance(1, NOON + MINUTE), Advance(3, NOON + HOUR)))
    second = await started(log)
    await second.crowd.advance(advances(Advance(0, DAY_END), Advance(1, NOON + MINUTE), Advance(3, NOON + HOUR)))
    assert len(notes_of(log)) == 3
    await second.crowd.take(events(event(0), event(MINUTE), event(MINUTE + 1), event(HOUR), event(HOUR + 1)))
    assert second.metric("foule_records_late_total") == 2
    assert second.metric("foule_records_accepted_total") == 3


async def test_an_advance_that_comes_again_is_dealt_with_once() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.advance(advances(Advance(1, NOON)))
    await agent.crowd.take(events(event(1), start=1))
    await agent.crowd.advance(advances(Advance(1, NOON), Advance(2, NOON + 1)))
    assert notes_of(agent.log) == [AdvanceNote(0, 1, NOON, True), AdvanceNote(1, 2, NOON + 1, True)]
    assert len(agent.log.to(TOPICS.checkpoints)) == 2


async def test_what_is_no_advance_is_passed_over() -> None:
    agent = await started()
    records = [Record(0, -1, b"{}"), Record(1, -1, None), Record(2, -1, encode_advance(Advance(0, NOON)))]
    await agent.crowd.advance(fetch_of(0, 0, records))
    assert notes_of(agent.log) == [AdvanceNote(2, 0, NOON, True)]
