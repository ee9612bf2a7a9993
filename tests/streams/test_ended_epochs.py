"""When an epoch's key is destroyed, shards go to the epoch's end, once and by their changelog, and windows that are not
released by then never are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from anonymizer.keys import DESTROYED, EpochKeys, MemoryKeyStore
from config.errors import KeyStoreError
from foule.oracle.parameters import HOUR, MINUTE
from sinks.prometheus import Metrics
from streams.crowd import CrowdAgent
from streams.epoch_register import EpochRegister
from streams.losses import Loss
from streams.releaser import ReleaseAgent
from streams.wire import Bookmark, Claim, Decision, EarlyEnd, EpochEnd, Seal
from tests.cells import KEY
from tests.damage import NOON
from tests.streams.agents import SETTINGS, SHORE, TAKEN_OVER, TOPICS, Agent, event, events, seals
from tests.streams.memory import STARTED, Memory, entry, register_in
from tests.streams.releasing import EPOCH, FINGERPRINT, ONE_SHARD, Releasing, releasing, said, say, seal, tally
from tests.streams.shards import parts_of
from tests.streams.windows import WIDTH, Log, release
from tests.streams.windows import seal as sealed
from tests.streams.windows import tally as tallied

MAX_AGE = HOUR


def keys_in(memory: Memory, store: MemoryKeyStore, register: EpochRegister) -> EpochKeys:
    """Keys that live by Kafka's clock."""
    return EpochKeys(store, MAX_AGE, memory.now, register)


class Worker(Agent):
    """An agent whose keys live by Kafka's clock."""

    def __init__(self, memory: Memory, store: MemoryKeyStore) -> None:
        self.memory = memory
        self.registry = CollectorRegistry()
        self.register = register_in(memory)
        parts = replace(parts_of(SHORE), keys=keys_in(memory, store, self.register))
        self.crowd = CrowdAgent(SETTINGS, parts, memory, Metrics(self.registry), self.register)


async def worker(memory: Memory, store: MemoryKeyStore) -> Worker:
    """One that has taken over what is assigned."""
    found = Worker(memory, store)
    await found.crowd.assign()
    return found


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def store() -> MemoryKeyStore:
    return MemoryKeyStore()


# --- shards


async def test_a_shard_goes_to_the_end_of_an_epoch_whose_key_is_destroyed_and_notes_it_first(
    memory: Memory, store: MemoryKeyStore
) -> None:
    one = await worker(memory, store)
    await one.crowd.take(events(event(0), event(1)))
    await register_in(memory).end(EPOCH.label)
    await one.crowd.seal()
    assert (one.register.is_ended(EPOCH.label), seals(memory)[-1].watermark) == (False, NOON - 2 * MINUTE)
    await one.crowd.checkpoint()  # learns it
    await one.crowd.seal()
    assert memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, "part", "manifest", "ended"]
    [early] = said(memory, EarlyEnd)
    assert (early.shard, early.watermark, early.until) == (0, NOON - 2 * MINUTE, EPOCH.end - 1)
    assert seals(memory)[-1].watermark == EPOCH.end
    await one.crowd.seal()
    assert memory.kinds(TOPICS.checkpoints).count("ended") == 1
    await one.crowd.take(events(event(2), event(EPOCH.end + 1 - NOON), start=2))
    assert (one.metric("foule_records_late_total"), one.metric("foule_records_accepted_total")) == (1, 3)


async def test_a_successor_says_from_its_checkpoint_on_that_windows_are_not_to_be_released_and_goes_to_the_end_too(
    memory: Memory, store: MemoryKeyStore
) -> None:
    first = await worker(memory, store)
    await first.crowd.take(events(event(0)))
    await first.crowd.checkpoint()
    await first.crowd.take(events(event(1), start=1))
    await register_in(memory).end(EPOCH.label)
    await first.register.refresh()
    await first.crowd.seal()
    second = await worker(memory, store)
    await second.crowd.take(events(event(0), event(1), event(2)))
    assert second.metric("foule_records_read_total") == second.metric("foule_records_late_total") == 2
    await second.crowd.seal()
    assert seals(memory)[-1].watermark == EPOCH.end
    assert {early.until for early in said(memory, EarlyEnd)} == {EPOCH.end - 1}
    third = await worker(memory, store)
    await third.crowd.take(events(event(0)))
    await third.crowd.seal()
    assert seals(memory)[-1].watermark == EPOCH.end


async def test_a_successor_cannot_open_its_checkpoint_and_says_before_anything_else_which_windows_lack_it(
    memory: Memory, store: MemoryKeyStore
) -> None:
    first = await worker(memory, store)
    await first.crowd.take(events(*(event(MINUTE * at, f"device-{at}") for at in range(9))))
    await first.crowd.checkpoint()
    await register_in(memory).end(EPOCH.label)
    before = len(memory.messages(TOPICS.tallies))
    second = await worker(memory, store)
    claim, early = memory.messages(TOPICS.tallies)[before:]
    assert isinstance(claim, Claim)
    assert early == EarlyEnd(claim.settings, claim.token, 0, NOON + 6 * MINUTE, EPOCH.end - 1)
    assert (first.metric("foule_lost_keys_total"), second.metric("foule_lost_keys_total")) == (0, 0)
    assert (first.crowd._running[0].part.devices, second.crowd._running[0].part.devices) == (9, 0)


async def test_a_shard_that_comes_to_an_epoch_after_its_end_passes_over_it_and_goes_on(
    memory: Memory, store: MemoryKeyStore
) -> None:
    await register_in(memory).end(EPOCH.label)
    one = await worker(memory, store)
    await one.crowd.take(events(event(0), event(1), event(EPOCH.end + 1 - NOON)))
    assert (one.metric("foule_records_late_total"), one.metric("foule_records_accepted_total")) == (2, 1)
    assert store.get(EPOCH.label) is None


async def test_a_key_that_outlives_its_time_ends_its_epoch_without_anybody_saying_so(
    memory: Memory, store: MemoryKeyStore
) -> None:
    one = await worker(memory, store)
    await one.crowd.take(events(event(0)))
    memory.seconds = (EPOCH.end + MAX_AGE - STARTED) / 1000 - 1
    await one.crowd.seal()
    assert seals(memory)[-1].watermark < EPOCH.end
    memory.seconds += 1
    await one.crowd.seal()
    assert seals(memory)[-1].watermark == EPOCH.end
    await one.crowd.checkpoint()
    assert repr(one.crowd._parts.keys) == "EpochKeys([])"


async def test_counts_that_are_not_sent_because_their_key_is_over_are_not_vouched_for(
    memory: Memory, store: MemoryKeyStore
) -> None:
    one = await worker(memory, store)
    await one.crowd.take(events(*(event(at, f"device-{at}") for at in range(40))))
    await one.crowd.seal()
    before = len(memory.messages(TOPICS.tallies))
    memory.seconds = (EPOCH.end + MAX_AGE - STARTED) / 1000
    await one.crowd.take(events(event(10 * MINUTE), start=40))
    early, seal, *_ = memory.messages(TOPICS.tallies)[before:]
    assert isinstance(early, EarlyEnd) and isinstance(seal, Seal)
    assert seal.watermark >= NOON + 5 * MINUTE
    loss = Loss(0, early.watermark, early.until, NOON - 2 * MINUTE, before)
    assert loss.spoils(NOON, NOON + 5 * MINUTE)


# --- the release


class Deaf(MemoryKeyStore):
    """A key store that does not answer the next ``failures`` times that a key is to be destroyed."""

    failures = 0

    def destroy(self, label: str, ttl_ms: int) -> None:
        if self.failures:
            self.failures -= 1
            raise KeyStoreError("the key store does not answer")
        super().destroy(label, ttl_ms)


async def over(memory: Memory, store: MemoryKeyStore) -> Releasing:
    """A release agent that has read that nobody needs the key of the epoch any more, and has ticked once."""
    one = await releasing(memory, store)
    say(memory, tally(), seal(9, checkpointed=EPOCH.end))
    await one.read()
    await one.agent.tick()
    return one


async def test_a_key_whose_store_does_not_answer_is_destroyed_later_and_its_end_is_said_once_and_before(
    memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    store = Deaf()
    store.failures = 2
    one = await over(memory, store)
    ended = [f"ended/{EPOCH.label}"]
    assert [entry(sent.key, sent.value) for sent in memory.to("foule.epochs")] == ended
    for _ in range(3):  # not at every tick
        await one.agent.tick()
    assert (store.failures, store.get(EPOCH.label)) == (1, KEY)
    memory.seconds += 31
    await one.agent.tick()
    assert (store.failures, store.get(EPOCH.label)) == (0, KEY)
    memory.seconds += 31
    await one.agent.tick()
    assert store.get(EPOCH.label) == DESTROYED
    assert [entry(sent.key, sent.value) for sent in memory.to("foule.epochs")] == ended
    said_so = [line.getMessage() for line in caplog.records if "not destroyed yet" in line.getMessage()]
    assert (
        said_so
        == [
            f"the key of epoch {EPOCH.label} is not destroyed yet, which is tried again until it is: "
            "the key store does not answer"
        ]
        * 2
    )


async def test_a_key_that_is_not_destroyed_yet_is_left_to_a_successor(memory: Memory) -> None:
    store = Deaf()
    store.failures = 1
    one = await over(memory, store)
    await one.agent.bookmark()
    assert said(memory, Bookmark)[-1].epochs == [EPOCH.number]
    second = await releasing(memory, store)
    say(memory, seal(10, checkpointed=EPOCH.end))
    await second.read()
    await second.agent.tick()
    assert store.get(EPOCH.label) == DESTROYED


def test_windows_of_an_ended_epoch_that_are_not_decided_are_dropped_and_counted() -> None:
    log = Log()
    log.append(*[tallied(shard, window * WIDTH, {0: 30}) for shard in range(2) for window in range(4)])
    log.append(sealed(0, WIDTH), sealed(1, WIDTH))
    log.read()
    log.append(EpochEnd("settings", log.release.owner, 0, 3 * WIDTH))
    log.append(tallied(0, 2 * WIDTH, {0: 30}), sealed(0, 4 * WIDTH), sealed(1, 4 * WIDTH))
    log.read()
    assert (log.release.expired, log.release.late_tallies) == (2, 1)
    assert [one.window.start for one in log.published] == [0, 3 * WIDTH]


def test_what_a_former_release_agent_says_of_an_epochs_end_does_not_count() -> None:
    one = release()
    one.take(0, tallied(0, 0, {0: 30}))
    one.take(1, EpochEnd("settings", -2, 0, WIDTH))
    assert (one.expired, one.stale) == (0, 1)


def test_a_successor_knows_which_epochs_have_ended() -> None:
    one = release()
    one.take(0, EpochEnd("settings", one.owner, 0, 3 * WIDTH))
    successor = release()
    successor.resume(one.bookmark([]))
    successor.take(1, tallied(0, 2 * WIDTH, {0: 30}))
    successor.take(2, tallied(0, 3 * WIDTH, {0: 30}))
    assert (successor.late_tallies, successor.oldest_open) == (1, 3 * WIDTH)


class Ending(Releasing):
    """A release agent whose keys live by Kafka's clock."""

    def __init__(self, memory: Memory, store: MemoryKeyStore) -> None:
        super().__init__(memory)
        self.registry = CollectorRegistry()
        self.register = register_in(memory)
        parts = replace(parts_of(SHORE), keys=keys_in(memory, store, self.register))
        self.agent = ReleaseAgent(ONE_SHARD, parts, memory, [self.shelf], Metrics(self.registry), self.register)


async def test_the_release_agent_ends_an_epoch_at_the_end_of_its_keys_time_for_good(
    memory: Memory, store: MemoryKeyStore
) -> None:
    store.put_if_absent(EPOCH.label, KEY, 1)
    memory.put(TOPICS.epochs, f"made/{EPOCH.label}/1".encode(), b"id %d" % NOON)
    one = Ending(memory, store)
    await one.register.refresh()
    await one.begin()
    say(memory, tally(0), tally(1), seal(0))
    await one.read()
    memory.seconds = (EPOCH.end + MAX_AGE - STARTED) / 1000
    for _ in range(2):
        await one.agent.tick()
    assert said(memory, EpochEnd) == [EpochEnd(FINGERPRINT, 0, EPOCH.number, EPOCH.end)]
    assert store.get(EPOCH.label) == KEY
    await one.read()
    await one.agent.tick()
    assert store.get(EPOCH.label) == DESTROYED
    assert [entry(sent.key, sent.value) for sent in memory.to(TOPICS.epochs)] == [
        f"made/{EPOCH.label}=id",
        f"ended/{EPOCH.label}",
    ]
    say(memory, seal(1))
    await one.read()
    assert one.starts == [0]
    assert (len(said(memory, Decision)), one.metric("foule_expired_windows_total")) == (1, 1)
    await one.agent.bookmark()
    assert (said(memory, Bookmark)[-1].epochs, said(memory, Bookmark)[-1].ended) == ([], EPOCH.end)
