"""The shuffle agent vouches for no offset whose batches are not in the log, and its successor sends them again."""

from __future__ import annotations

import asyncio
import json
from typing import TypeVar

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from anonymizer.keys import DESTROYED, KeyStore, MemoryKeyStore
from config.errors import KeyMissingError, KeyStoreError
from foule.oracle.oracle import Parameters, Record
from foule.oracle.parameters import HOUR, MINUTE
from indicators.counts import Tally
from sinks.prometheus import Metrics
from streams import crowd, wire
from streams.batches import Batch, SealedBatch, decode_batch, encode_batch
from streams.crowd import ShuffledCrowdAgent
from streams.releaser import ReleaseAgent
from streams.shuffle import ShuffleAgent
from streams.shuffled import ShuffledShard
from streams.source import Source
from streams.watermark import BEGINNING
from streams.wire import Advance, EarlyEnd, Message, Seal, SourceLoss, SourceSeal, TallyPart, decode_advance
from tests.cells import CIPHER, KEY, counts_of, key_id, opened
from tests.crowds import SMALL, Universe
from tests.damage import NOON
from tests.streams.agents import DAY_END, TAKEN_OVER, advances, event, events
from tests.streams.memory import Memory, register_in, settled
from tests.streams.shards import FailingKeyStore, fetch_of, parts_of, settings_of

MessageT = TypeVar("MessageT", bound=Message)

SHORE = Universe(Parameters(widths=(5 * MINUTE,), shuffle=True), SMALL)
SETTINGS = settings_of(SHORE.parameters, partitions=2)
TOPICS = SETTINGS.topics
FINGERPRINT = parts_of(SHORE, partitions=2).fingerprint
EPOCH = parts_of(SHORE).calendar.epoch_of(NOON)


class Shuffling:
    """A worker with source 0 and shard 0 of two; ``feed`` and ``crowd`` are its agents."""

    def __init__(self, memory: Memory | None = None, store: KeyStore | None = None) -> None:
        self.memory = Memory() if memory is None else memory
        self.registry = CollectorRegistry()
        metrics, register = Metrics(self.registry), register_in(self.memory)
        shared = (SETTINGS, parts_of(SHORE, store, 2, register), self.memory, metrics, register)
        self.feed = ShuffleAgent(*shared)
        self.crowd = ShuffledCrowdAgent(*shared)
        self.gathered = 0

    async def gather(self) -> None:
        """Give the shard what is new in its partition of the shuffled topic."""
        fetch = self.memory.fetch(TOPICS.shuffled, self.gathered)
        self.gathered = fetch.end
        await self.crowd.take(fetch)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


async def shuffling(memory: Memory | None = None, store: KeyStore | None = None) -> Shuffling:
    """A worker that has taken over what is assigned."""
    worker = Shuffling(memory, store)
    await worker.feed.assign()
    await worker.crowd.assign()
    return worker


def batches(memory: Memory, shard: int) -> list[SealedBatch]:
    return [decode_batch(sent.value or b"") for sent in memory.to(TOPICS.shuffled, shard)]


def spans(memory: Memory, shard: int = 0) -> list[tuple[int, int, int]]:
    """Token, start and end of each batch that a shard was sent."""
    return [(batch.token, batch.start, batch.end) for batch in batches(memory, shard)]


def said(memory: Memory, kind: type[MessageT]) -> list[MessageT]:
    return [message for message in memory.messages(TOPICS.tallies) if isinstance(message, kind)]


MANY = [event(n, f"device-{n}") for n in range(40)]


# --- batches


async def test_every_fetch_is_a_batch_for_each_shard_and_the_rows_of_both_are_all_events() -> None:
    worker = await shuffling()
    await worker.feed.take(events(*MANY))
    await worker.feed.take(events(b"damage", start=40))
    for shard in range(2):
        assert spans(worker.memory, shard) == [(0, 0, 0), (0, 0, 40), (0, 40, 41)]
    rows = [rows.count for shard in range(2) for one in batches(worker.memory, shard) for rows in one.rows]
    assert len(rows) == 2
    assert sum(rows) == 40
    assert worker.metric("foule_records_accepted_total") == 40
    assert worker.metric("foule_records_rejected_total", reason="malformed") == 1


async def test_a_seal_tells_every_shard_the_mark_and_the_release_agent_how_far_the_source_is() -> None:
    worker = await shuffling()
    worker.memory.put(TOPICS.events, None, b"")
    await worker.feed.take(events(event(0)))
    for _ in range(2):
        await worker.feed.seal()
    assert spans(worker.memory, 1) == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 1)]
    assert [one.mark for one in batches(worker.memory, 1)[1:]] == [NOON - 2 * MINUTE] * 3
    assert said(worker.memory, SourceSeal) == [SourceSeal(FINGERPRINT, 0, 0, NOON - 2 * MINUTE, 1, True, BEGINNING)] * 2
    assert worker.metric("foule_source_checkpoint_age_seconds", partition="0") == 0


async def test_an_advance_is_noted_then_told_to_every_shard() -> None:
    worker = await shuffling()
    await worker.feed.take(events(event(0)))
    worker.memory.held = {TOPICS.sources}
    telling = asyncio.create_task(worker.feed.advance(advances(Advance(1, DAY_END))))
    await settled()
    assert worker.memory.kinds(TOPICS.sources) == [*TAKEN_OVER, "advance"]
    assert batches(worker.memory, 1)[-1].mark < NOON
    worker.memory.acknowledge()
    await telling
    assert [batches(worker.memory, shard)[-1].mark for shard in range(2)] == [DAY_END] * 2


async def test_while_there_is_no_key_a_source_stands_still_and_loses_nothing() -> None:
    worker = await shuffling(store=FailingKeyStore(failures=1))
    await worker.feed.take(events(event(0), b"damage"))
    assert spans(worker.memory) == [(0, 0, 0), (0, 0, 2)]


# --- checkpoints and successors


async def test_a_source_is_claimed_from_every_shard_before_its_changelog_is_read() -> None:
    memory = Memory()
    memory.held = {TOPICS.shuffled}
    worker = Shuffling(memory)
    assigning = asyncio.create_task(worker.feed.assign())
    await settled()
    assert [spans(memory, shard) for shard in range(2)] == [[(0, 0, 0)]] * 2
    assert memory.kinds(TOPICS.sources) == ["owner"]
    assert memory.reads == []
    memory.acknowledge()
    await assigning
    assert memory.kinds(TOPICS.sources) == TAKEN_OVER
    assert memory.reads == [(0, 2)]


async def test_a_checkpoint_of_a_source_waits_for_its_batches() -> None:
    worker = await shuffling()
    worker.memory.held = {TOPICS.shuffled}
    await worker.feed.take(events(event(0)))
    writing = asyncio.create_task(worker.feed.checkpoint())
    await settled()
    assert worker.memory.kinds(TOPICS.sources) == TAKEN_OVER
    worker.memory.acknowledge()
    await writing
    assert worker.memory.kinds(TOPICS.sources) == [*TAKEN_OVER, "part", "manifest"]
    assert worker.memory.commits == [(TOPICS.events, 1)]


async def test_after_a_batch_that_was_not_taken_nothing_vouches_for_it_and_a_successor_sends_it_again() -> None:
    memory, store = Memory(), MemoryKeyStore()
    worker = await shuffling(memory, store)
    await worker.feed.take(events(*MANY[:10]))
    await worker.feed.checkpoint()
    memory.refused = {TOPICS.shuffled}
    await worker.feed.take(events(*MANY[10:20], start=10))
    memory.refused = set()
    with pytest.raises(ConnectionError):
        await worker.feed.take(events(*MANY[20:30], start=20))
    await worker.feed.release()
    assert memory.commits == [(TOPICS.events, 10)]
    token = len(memory.to(TOPICS.sources))
    successor = await shuffling(memory, store)
    await successor.feed.take(events(*MANY))
    assert spans(memory) == [(0, 0, 0), (0, 0, 10), (token, 0, 0), (token, 10, 40)]
    assert successor.metric("foule_records_read_total") == 30


class LosingStore(MemoryKeyStore):
    """A key store that can be emptied."""

    def empty(self) -> None:
        self._keys.clear()


async def test_what_may_have_gone_out_under_a_lost_key_is_said_before_it_is_sent_again() -> None:
    memory, store = Memory(), LosingStore()
    for value in MANY:
        memory.put(TOPICS.events, None, value)
    worker = await shuffling(memory, store)
    await worker.feed.take(events(*MANY[:10]))
    await worker.feed.checkpoint()
    await worker.feed.take(events(*MANY[10:20], start=10))
    store.empty()
    await register_in(memory).give_up(EPOCH.label)
    successor = await shuffling(memory, store)
    sent = len(memory.to(TOPICS.shuffled))
    memory.held = {TOPICS.tallies}
    taking = asyncio.create_task(successor.feed.take(events(*MANY, event(40, "late"), start=0)))
    await settled()
    assert len(memory.to(TOPICS.shuffled)) == sent
    memory.held = set()
    memory.acknowledge()
    await taking
    first, last = (json.loads(MANY[at])["ts"] for at in (10, 39))  # event 40 came after the takeover
    linger = SETTINGS.time.linger
    assert said(memory, SourceLoss) == [SourceLoss(FINGERPRINT, 0, first, last + linger)]
    assert len(memory.to(TOPICS.shuffled)) > sent


async def test_a_successor_under_the_same_key_is_in_no_doubt_and_hands_its_predecessors_on() -> None:
    memory, store = Memory(), LosingStore()
    for value in MANY:
        memory.put(TOPICS.events, None, value)
    first = await shuffling(memory, store)
    await register_in(memory).give_up(EPOCH.label)
    await first.feed.take(events(*MANY[:10]))
    await first.feed.checkpoint()
    second = await shuffling(memory, store)
    for value in (one := [event(n, "late") for n in range(40, 50)]):
        memory.put(TOPICS.events, None, value)
    await second.feed.take(events(*MANY, *one))
    third = await shuffling(memory, store)
    await third.feed.take(events(*MANY, *one))
    times = [json.loads(value)["ts"] for value in MANY]
    spans = [(gone.first, gone.until - SETTINGS.time.linger) for gone in said(memory, SourceLoss)]
    assert spans == [(times[0], times[9]), (times[10], times[39]), (times[10], times[39])]


async def test_a_shard_counts_what_comes_again_once_and_reads_on_behind_what_it_has() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await shuffling(memory, store)
    await first.feed.take(events(*MANY))
    await first.gather()
    await first.crowd.checkpoint()
    assert memory.commits == [(TOPICS.shuffled, 2)]
    second = await shuffling(memory, store)
    second.gathered = 2
    await second.feed.take(events(*MANY))
    await second.feed.advance(advances(Advance(40, DAY_END)))
    memory.put(TOPICS.shuffled, None, encode_batch(Batch(FINGERPRINT, 1, 0, 0, 0, DAY_END), 0))
    await second.gather()
    sent = [rows.count for batch in batches(memory, 0) for rows in batch.rows]
    assert sent[0] == sent[1] == presence(memory, store) > 10


def presence(memory: Memory, store: MemoryKeyStore) -> int:
    """Devices in the first window and layer, by the tallies log."""
    parts = [part for part in memory.messages(TOPICS.tallies) if isinstance(part, TallyPart)]
    first = [opened(part, store) for part in parts if (part.layer, part.start) == (0, NOON)]
    return sum(int(counts["presence"].counts.sum()) for counts in first if "presence" in counts)


async def test_what_a_worker_sends_after_it_was_replaced_is_counted_as_stale() -> None:
    memory = Memory()
    first = await shuffling(memory)
    await shuffling(memory)
    await first.feed.take(events(event(0)))
    third = await shuffling(memory)
    await third.gather()
    assert third.metric("foule_stale_messages_total") == 1


async def test_no_more_is_under_way_than_a_few_rounds() -> None:
    worker = await shuffling()
    worker.memory.held = {TOPICS.shuffled}
    taking = asyncio.create_task(take_all(worker, 20))
    await settled()
    assert len(worker.memory.waiting) == 2 * 4
    worker.memory.held = set()
    worker.memory.acknowledge()
    await taking
    assert len(batches(worker.memory, 0)) == 1 + 20


async def take_all(worker: Shuffling, count: int) -> None:
    for start in range(count):
        await worker.feed.take(events(event(start), start=start))


async def test_a_shard_that_meets_a_second_key_of_an_epoch_is_taken_over_again() -> None:
    worker = await shuffling()
    await worker.feed.take(events(*MANY))
    await worker.gather()
    other = Source(1, parts_of(SHORE, partitions=2))
    other.take(fetch_of(1, 0, [Record(at, -1, value) for at, value in enumerate(MANY)]))
    for shard, batch in other.batches(0):
        worker.memory.put(TOPICS.shuffled, None, encode_batch(batch, shard), shard)
    assert worker.memory.kinds(TOPICS.checkpoints) == TAKEN_OVER
    await worker.gather()
    assert worker.memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, *TAKEN_OVER]
    await worker.crowd.seal()
    assert said(worker.memory, Seal)[-1].next_offset == 0


async def test_a_large_fetch_of_batches_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = await shuffling()
    for start in (0, 10, 20, 30):
        await worker.feed.take(events(*MANY[start : start + 10], start=start))
    sizes = [len(batch) for batch in batches(worker.memory, 0)]
    assert sum(size > 0 for size in sizes) > 2
    monkeypatch.setattr(crowd, "_TAKEN_AT_ONCE", 1)
    gathering, seen = asyncio.create_task(worker.gather()), set()
    while not gathering.done():
        seen.add(worker.crowd._running[0].part.next_offset)
        await asyncio.sleep(0)
    assert len(seen) > 3
    assert worker.crowd._running[0].part.next_offset == len(sizes)


async def test_a_record_of_others_on_the_shuffled_topic_is_passed_over() -> None:
    worker = await shuffling()
    worker.memory.put(TOPICS.shuffled, None, b"something else")
    await worker.feed.take(events(event(0)))
    await worker.gather()
    await worker.crowd.seal()
    [seal] = said(worker.memory, Seal)
    assert (seal.partition, seal.next_offset) == (0, 3)


# --- the release of a shuffled feed


async def releasing(memory: Memory, store: KeyStore, *messages: Message) -> ReleaseAgent:
    """A release agent that has read its claim and these messages."""
    metrics, register = Metrics(CollectorRegistry()), register_in(memory)
    agent = ReleaseAgent(SETTINGS, parts_of(SHORE, store, 2), memory, [], metrics, register)
    await agent.assign()
    for message in messages:
        memory.put(TOPICS.tallies, None, wire.encode(message))
    await agent.take(memory.fetch(TOPICS.tallies))
    return agent


def source_seal(source: int, watermark: int, *, at_end: bool = False, checkpointed: int = 0, token: int = 3) -> Message:
    return SourceSeal(FINGERPRINT, token, source, watermark, 5, at_end, checkpointed)


async def test_idle_sources_are_told_to_advance_by_the_seals_of_sources_alone() -> None:
    memory = Memory()
    shards = [Seal(FINGERPRINT, 0, shard, DAY_END, 9, True, 0) for shard in range(2)]
    sources = [source_seal(0, NOON, at_end=True), source_seal(1, NOON + HOUR)]
    stale = source_seal(1, NOON + MINUTE, token=2)
    agent = await releasing(memory, MemoryKeyStore(), *shards, *sources, stale)
    memory.seconds = 31
    await agent.tick()
    [told] = memory.to(TOPICS.frontier)
    assert decode_advance(told.value or b"") == Advance(5, NOON + HOUR, 3)
    assert memory.to(TOPICS.frontier, 1) == []


async def test_a_key_lives_until_the_shards_and_the_sources_have_checkpoints_past_its_epoch() -> None:
    memory, store = Memory(), MemoryKeyStore()
    store.replace(EPOCH.label, KEY, 1)
    tally = Tally(0, 5 * MINUTE, NOON, NOON + 5 * MINUTE, {"presence": counts_of({0: 30})}, key_id(EPOCH.label))
    tallies = list(wire.parts_of(tally, 0, FINGERPRINT, 0, CIPHER))
    shards = [Seal(FINGERPRINT, 0, shard, EPOCH.end, 9, True, EPOCH.end) for shard in range(2)]
    agent = await releasing(memory, store, *tallies, *shards, source_seal(0, EPOCH.end, checkpointed=EPOCH.end))
    read = len(memory.to(TOPICS.tallies)) - 1
    await agent.take(memory.fetch(TOPICS.tallies, read))
    await agent.tick()
    assert store.get(EPOCH.label) is not None
    memory.put(TOPICS.tallies, None, wire.encode(source_seal(1, EPOCH.end, checkpointed=EPOCH.end)))
    await agent.take(memory.fetch(TOPICS.tallies, read + 1))
    await agent.tick()
    assert store.get(EPOCH.label) == DESTROYED


# --- keys that the batches are under


class SilentStore(LosingStore):
    """It does not answer while it is ``silent``."""

    silent = False

    def get(self, label: str) -> bytes | None:
        if self.silent:
            raise KeyStoreError("the key store does not answer")
        return super().get(label)


async def sent_by_another(memory: Memory, store: KeyStore) -> Shuffling:
    """A worker that holds no key, and what another has sent it."""
    first = await shuffling(memory, store)
    await first.feed.take(events(*MANY))
    return await shuffling(memory, store)


def events_of(memory: Memory, shard: int = 0) -> int:
    return sum(len(batch) for batch in batches(memory, shard))


async def test_a_shard_waits_before_a_batch_while_the_key_store_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory, store, pauses = Memory(), SilentStore(), list[float]()
    worker = await sent_by_another(memory, store)
    store.silent = True
    pause = asyncio.sleep

    async def until_it_answers(seconds: float) -> None:
        memory.seconds += seconds
        pauses.append(seconds)
        store.silent = sum(pauses) < 500
        await pause(0)

    monkeypatch.setattr(asyncio, "sleep", until_it_answers)
    await worker.gather()
    part = worker.crowd._running[0].part
    assert sum(pauses) >= 500
    assert (part.devices, part.left_out, part.next_offset) == (events_of(memory), 0, len(batches(memory, 0)))


async def test_what_comes_before_a_batch_whose_key_is_not_there_is_taken_and_what_a_lost_key_had_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory, store = Memory(), SilentStore()
    worker = await sent_by_another(memory, store)
    store.empty()
    pause, seen = asyncio.sleep, set[int]()

    async def as_time_goes_by(seconds: float) -> None:
        memory.seconds += seconds
        seen.add(worker.crowd._running[0].part.next_offset)
        await pause(0)

    monkeypatch.setattr(asyncio, "sleep", as_time_goes_by)
    await worker.gather()
    assert memory.seconds == pytest.approx(120, abs=2)
    part = worker.crowd._running[0].part
    # the first two are claims
    assert (min(seen), part.devices, part.left_out) == (1, 0, events_of(memory))
    assert worker.metric("foule_left_out_events_total") == events_of(memory) > 10
    [early] = said(memory, EarlyEnd)
    # in clear are whole minutes only
    assert (early.shard, early.watermark, early.until) == (0, NOON - 1, NOON + MINUTE + SETTINGS.time.linger)


async def test_events_under_a_key_that_is_destroyed_are_left_out_and_said_up_to_the_end_of_their_epoch() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await shuffling(memory, store)
    late = EPOCH.end - NOON - 1
    await first.feed.take(events(*(event(late, f"device-{n}") for n in range(40))))
    store.destroy(EPOCH.label, 0)
    worker = await shuffling(memory, store)
    await worker.gather()
    part = worker.crowd._running[0].part
    assert (part.devices, part.left_out) == (0, events_of(memory))
    [early] = said(memory, EarlyEnd)
    assert (early.watermark, early.until) == (EPOCH.end - MINUTE - 1, EPOCH.end - 1)


async def test_a_snapshot_under_a_destroyed_key_is_not_opened_and_its_shard_says_so_before_it_goes_on() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await shuffling(memory, store)
    await first.feed.take(events(*MANY))
    await first.gather()
    await first.crowd.checkpoint()
    store.destroy(EPOCH.label, 0)
    worker = await shuffling(memory, store)
    part = worker.crowd._running[0].part
    assert (first.crowd._running[0].part.devices > 10, part.devices, part.lost) == (True, 0, False)
    assert [early.until for early in said(memory, EarlyEnd)] == [EPOCH.end - 1]


async def test_a_batch_that_somebody_changed_is_passed_over() -> None:
    worker = await shuffling()
    await worker.feed.take(events(*MANY))
    sent = worker.memory.to(TOPICS.shuffled)[-1]
    assert sent.value is not None
    changed = sent.value[:-1] + bytes([sent.value[-1] ^ 1])
    worker.memory.sent = [one._replace(value=changed) if one is sent else one for one in worker.memory.sent]
    await worker.gather()
    part = worker.crowd._running[0].part
    assert (part.devices, part.next_offset) == (0, 2)


async def test_what_a_shard_has_already_is_passed_over_though_its_key_is_gone() -> None:
    memory, store = Memory(), LosingStore()
    first = await shuffling(memory, store)
    await first.feed.take(events(*MANY))
    await first.gather()
    shard = first.crowd._running[0].part
    devices = shard.devices
    again = decode_batch(memory.to(TOPICS.shuffled, 0)[1].value or b"")
    store.empty()
    fresh = ShuffledShard(0, parts_of(SHORE, store, 2))
    with pytest.raises(KeyMissingError):
        fresh.opened(again)
    fresh._heard[0].taken = 40
    assert fresh.opened(again).shares == []
    fresh._heard[0].taken, fresh._settled = 0, NOON + HOUR
    assert fresh.opened(again).shares == []
    assert fresh.opened(replace(again, settings="other")).shares == []
    assert (devices, shard.devices) == (events_of(memory), devices)
