"""Workers agree on which key of an epoch is in force: one begins it, and it is given up only when nobody has it."""

from __future__ import annotations

import asyncio

import pytest

from config.errors import KeyMissingError, KeyStoreError
from streams.epoch_register import EpochRegister, OfferedError, UnpreparedError
from tests.streams.memory import STARTED, Memory, entry, register_in

TOPIC = "foule.epochs"
DAY = "20140628"

real_sleep = asyncio.sleep


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Kafka in memory, on whose clock a pause takes its time."""
    memory = Memory()

    async def pause(seconds: float) -> None:
        memory.seconds += seconds

    monkeypatch.setattr(asyncio, "sleep", pause)
    return memory


def written(memory: Memory) -> list[str]:
    return [entry(sent.key, sent.value) for sent in memory.to(TOPIC)]


def missing(label: str = DAY) -> KeyMissingError:
    return KeyMissingError(label, "the key is not in the key store")


async def waited_for(register: EpochRegister, memory: Memory, label: str = DAY) -> float:
    """For how many seconds a key may be missing before it is given up."""
    begun = memory.seconds
    while not register.is_lost(label):
        assert memory.seconds - begun < 1_000
        await register.overcome(missing(label), "shard 0")
    return memory.seconds - begun


async def offered(register: EpochRegister, key_id: str, label: str = DAY) -> str | None:
    """The key in force after ``key_id`` was offered."""
    try:
        register.offer(label, key_id)
    except OfferedError as error:
        await register.overcome(error, "shard 0")
    return register.in_force(label)


# --- whose key is in force


async def test_the_first_key_that_is_offered_is_in_force_for_all(clock: Memory) -> None:
    first, second = register_in(clock), register_in(clock)
    assert (first.in_force(DAY), await offered(first, "a")) == (None, "a")
    assert await offered(second, "b") == "a"
    assert written(clock) == ["made/20140628=a"]
    first.offer(DAY, "a")  # does not fail any more
    assert await offered(register_in(clock), "c") == "a"


async def test_of_two_that_offer_at_once_the_first_on_the_topic_is_in_force_also_after_compaction() -> None:
    class Slow(Memory):
        """Kafka that takes a moment to answer."""

        async def ends_now(self, topic: str) -> dict[int, int]:
            ends = await super().ends_now(topic)
            await real_sleep(0)
            return ends

    memory = Slow()
    registers = [register_in(memory) for _ in range(3)]
    found = await asyncio.gather(*[offered(register, key) for register, key in zip(registers, "aba", strict=True)])
    assert found == ["a", "a", "a"]
    assert len({sent.key for sent in memory.to(TOPIC)}) == len(written(memory)) == 3


async def test_no_key_can_be_used_before_the_register_is_read(clock: Memory) -> None:
    register = register_in(clock)
    with pytest.raises(UnpreparedError, match=DAY) as caught:
        register.label(DAY)
    await register.overcome(caught.value, "shard 0")
    assert (register.label(DAY), clock.seconds) == (DAY, 0)
    with pytest.raises(KeyStoreError):
        register.label("20140629")


# --- when a key is given up


async def test_a_key_that_is_missing_is_given_up_after_lost_after_and_the_next_one_begins(clock: Memory) -> None:
    one, other = register_in(clock), register_in(clock)
    for register in (one, other):
        await register.prepare(DAY)
        await offered(register, "a")
    assert await waited_for(other, clock) == pytest.approx(120, abs=2)
    with pytest.raises(UnpreparedError):
        other.label(DAY)
    await other.prepare(DAY)
    assert (other.label(DAY), await offered(other, "b", "20140628.1")) == ("20140628.1", "b")
    assert written(clock) == ["made/20140628=a", "lost/20140628", "made/20140628.1=b"]
    assert (one.is_lost(DAY), one.label(DAY)) == (False, DAY)  # it does not know yet
    await one.refresh()
    assert (one.is_lost(DAY), one.label(DAY), one.in_force("20140628.1")) == (True, "20140628.1", "b")
    assert one.labels(DAY) == [DAY, "20140628.1"]
    await waited_for(one, clock, "20140628.1")
    assert one.labels(DAY) == [DAY, "20140628.1", "20140628.2"]


async def test_who_waits_learns_at_once_that_others_have_given_the_key_up(clock: Memory) -> None:
    one, other = register_in(clock), register_in(clock)
    await other.overcome(missing(), "shard 0")
    await one.give_up(DAY)
    assert await waited_for(other, clock) <= 1


async def test_a_key_is_given_up_once_however_many_wait_for_it(clock: Memory) -> None:
    one, other = register_in(clock), register_in(clock)
    await one.give_up(DAY)
    await other.give_up(DAY)
    assert written(clock) == ["lost/20140628"]


async def test_the_successor_of_a_key_that_others_gave_up_is_made_by_whoever_needs_it_first(clock: Memory) -> None:
    one, other = register_in(clock), register_in(clock)
    for register in (one, other):
        await register.prepare(DAY)
    await one.give_up(DAY)  # and then its process ends
    await other.refresh()
    assert (other.label(DAY), other.in_force("20140628.1")) == ("20140628.1", None)


async def test_time_in_which_the_store_does_not_answer_does_not_count(clock: Memory) -> None:
    register = register_in(clock)
    await register.prepare(DAY)
    for _ in range(100):
        await register.overcome(missing(), "shard 0")
    for _ in range(500):
        await register.overcome(KeyStoreError("the key store does not answer"), "shard 0")
    assert not register.is_lost(DAY)
    assert await waited_for(register, clock) == pytest.approx(120, abs=2)


async def test_an_attempt_long_ago_has_nothing_to_do_with_one_now(clock: Memory) -> None:
    register = register_in(clock)
    await register.prepare(DAY)
    await register.overcome(missing(), "shard 0")
    clock.seconds += 500
    assert await waited_for(register, clock) == pytest.approx(120, abs=2)


async def test_each_key_is_waited_for_by_itself(clock: Memory) -> None:
    register = register_in(clock)
    for turn in range(70):
        await register.overcome(missing(), "shard 0")
        if turn >= 10:
            await register.overcome(missing("20140629"), "shard 0")
    assert (register.is_lost(DAY), register.is_lost("20140629")) == (True, False)


# --- the topic


async def test_those_who_ask_while_it_is_read_share_the_next_reading(
    clock: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    answer = asyncio.Event()

    async def ends_now(topic: str) -> dict[int, int]:
        nonlocal asked
        asked, ends = asked + 1, await Memory.ends_now(clock, topic)
        await answer.wait()
        return ends

    monkeypatch.setattr(clock, "ends_now", ends_now)
    register = register_in(clock)
    clock.put(TOPIC, b"lost/one", b"")
    first = asyncio.create_task(register.refresh())
    await real_sleep(0)
    clock.put(TOPIC, b"lost/two", b"")
    others = [asyncio.create_task(register.refresh()) for _ in range(5)]
    await real_sleep(0)
    answer.set()
    await asyncio.gather(first, *others)
    assert register.is_lost("two")
    assert asked == 2


async def test_only_what_is_new_is_read(clock: Memory) -> None:
    register = register_in(clock)
    await offered(register, "a")
    await offered(register, "b", "20140629")
    await register.refresh()
    assert clock.reads == [(0, 1), (1, 2)]


async def test_all_learn_when_a_key_was_made_and_that_its_epoch_has_ended(clock: Memory) -> None:
    one, other = register_in(clock), register_in(clock)
    assert one.made_at(DAY) is None
    clock.seconds = 7
    await offered(one, "a")
    clock.seconds = 9
    assert (await offered(other, "b"), one.made_at(DAY), other.made_at(DAY)) == ("a", STARTED + 7_000, STARTED + 7_000)
    await one.end(DAY)
    assert (one.is_ended(DAY), other.is_ended(DAY), other.is_ended("20140629")) == (True, False, False)
    await other.refresh()
    assert other.is_ended(DAY)
    assert written(clock) == ["made/20140628=a", "ended/20140628"]


async def test_the_register_holds_no_key_and_passes_over_what_others_write(
    clock: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    register = register_in(clock)
    await offered(register, "id")
    assert {sent.value for sent in clock.to(TOPIC)} == {b"id %d" % STARTED}
    clock.put(TOPIC, b"something", b"")
    clock.put(TOPIC, b"\xff", b"")
    await register.refresh()
    assert "offset 1 of foule.epochs is passed over: who else writes there?" in caplog.text
    assert (register.in_force(DAY), register.labels(DAY)) == ("id", [DAY])
