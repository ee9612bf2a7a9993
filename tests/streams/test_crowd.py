"""The crowd agent vouches for nothing that is not in the log, and reads every record once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from config.settings import Settings
from foule.oracle.parameters import HOUR, MINUTE
from streams import feed
from tests.damage import NOON
from tests.streams.agents import CLOSING, SETTINGS, TAKEN_OVER, TOPICS, event, events, letters, seals, started, tallies
from tests.streams.memory import settled
from tests.streams.shards import FailingKeyStore

# --- tallies and seals


async def test_a_seal_is_sent_when_every_tally_before_it_is_acknowledged() -> None:
    agent = await started()
    agent.memory.held = {TOPICS.tallies}
    taking = asyncio.create_task(agent.crowd.take(events(*CLOSING)))
    await settled()
    parts = len(agent.memory.waiting)
    assert parts > 5
    assert seals(agent.memory) == []
    agent.memory.acknowledge(parts - 1)
    await settled()
    assert seals(agent.memory) == []
    agent.memory.acknowledge()
    await settled()
    [seal] = seals(agent.memory)
    assert (seal.shard, seal.watermark, seal.next_offset) == (0, NOON + HOUR - 2 * MINUTE, 2)
    agent.memory.acknowledge()
    await taking


async def test_after_a_tally_that_was_not_taken_nothing_vouches_for_it() -> None:
    agent = await started()
    agent.memory.refused = {TOPICS.tallies}
    with pytest.raises(ConnectionError):
        await agent.crowd.take(events(*CLOSING))
    agent.memory.refused = set()
    await agent.crowd.seal()
    await agent.crowd.checkpoint()
    await agent.crowd.release()
    assert seals(agent.memory) == []
    assert agent.memory.kinds(TOPICS.checkpoints) == TAKEN_OVER
    again = await started(agent.memory)
    await again.crowd.take(events(*CLOSING))
    assert len(seals(again.memory)) == 1
    assert tallies(again.memory)


async def test_a_shard_seals_also_when_nothing_closed() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    assert seals(agent.memory) == []
    await agent.crowd.seal()
    await agent.crowd.seal()
    assert [(seal.watermark, seal.next_offset) for seal in seals(agent.memory)] == [(NOON - 2 * MINUTE, 1)] * 2


# --- dead letters


async def test_dead_letters_go_to_the_partition_of_their_record_with_or_without_a_value() -> None:
    agent = await started()
    await agent.crowd.take(events(b"\xff", None, event(0)))
    own = {"topic": TOPICS.events.encode(), "partition": b"0", "reason": b"malformed"}
    assert letters(agent.memory) == [
        (0, None, b"\xff", {**own, "offset": b"0"}),
        (0, b"", None, {**own, "offset": b"1"}),
    ]
    assert agent.metric("foule_records_read_total") == 3
    assert agent.metric("foule_records_accepted_total") == 1


async def test_where_only_the_reason_is_kept_no_value_is() -> None:
    shy = settings_with(rejected_payload=False)
    agent = await started(settings=shy)
    await agent.crowd.take(events(b"\xff", event(0, cell="nowhere")))
    assert [(key, value) for _, key, value, _ in letters(agent.memory)] == [(b"", None)] * 2


async def test_an_event_of_a_machine_is_counted_and_is_no_dead_letter() -> None:
    agent = await started(settings=settings_with(machine_networks=("20815",)))
    machine, late = "208150123456789", event(-HOUR, "b")
    await agent.crowd.take(events(event(0), event(0, machine), event(10 * HOUR, machine), b"damage", event(1), late))
    assert [headers["offset"] for _, _, _, headers in letters(agent.memory)] == [b"3"]
    assert agent.registry.get_sample_value("foule_records_rejected_total", {"reason": "machine"}) == 2
    counted = {name: agent.metric(f"foule_records_{name}_total") for name in ("read", "accepted", "late")}
    # a machine's event does not move the watermark
    assert counted == {"read": 6, "accepted": 2, "late": 1}


def settings_with(**changes: Any) -> Settings:
    return msgspec.structs.replace(SETTINGS, events=msgspec.structs.replace(SETTINGS.events, **changes))


async def test_a_checkpoint_waits_for_the_dead_letters_before_it() -> None:
    agent = await started()
    agent.memory.held = {TOPICS.rejected}
    await agent.crowd.take(events(b"damage", event(0)))
    writing = asyncio.create_task(agent.crowd.checkpoint())
    await settled()
    assert agent.memory.kinds(TOPICS.checkpoints) == TAKEN_OVER
    agent.memory.acknowledge()
    await writing
    assert agent.memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, "part", "manifest"]


async def test_without_its_dead_letter_in_the_log_a_record_is_read_again() -> None:
    agent = await started()
    agent.memory.refused = {TOPICS.rejected}
    await agent.crowd.take(events(b"damage", event(0)))
    with pytest.raises(ConnectionError):
        await agent.crowd.checkpoint()
    agent.memory.refused = set()
    await agent.crowd.release()
    assert agent.memory.kinds(TOPICS.checkpoints) == TAKEN_OVER
    again = await started(agent.memory)
    await again.crowd.take(events(b"damage", event(0)))
    assert len(letters(again.memory)) == 1


# --- offsets


async def test_a_fetch_that_comes_again_is_read_once() -> None:
    agent = await started()
    for _ in range(3):
        await agent.crowd.take(events(event(0), event(1)))
    await agent.crowd.take(events(event(1), event(2), start=1))
    assert agent.metric("foule_records_read_total") == 3


async def test_others_on_the_event_loop_do_not_wait_for_the_whole_of_a_large_fetch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "_TAKEN_AT_ONCE", 2)
    agent = await started()
    taking = asyncio.create_task(agent.crowd.take(events(*[event(at) for at in range(5)])))
    seen = []
    while not taking.done():
        seen.append(agent.metric("foule_records_read_total"))
        await asyncio.sleep(0)
    assert list(dict.fromkeys(seen)) == [0, 2, 4, 5]


async def test_a_fetch_behind_one_that_got_lost_makes_the_agent_read_again() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.take(events(event(2), start=2))
    assert (agent.memory.sought, agent.metric("foule_seeks_total")) == ([(TOPICS.events, 1)], 1)
    await agent.crowd.take(events(event(1), event(2), start=1))
    assert agent.metric("foule_records_read_total") == 3
    assert agent.metric("foule_offset_gaps_total") == 0


async def test_records_that_the_log_no_longer_has_are_passed_over_and_said() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    agent.memory.begin = 5
    await agent.crowd.take(events(event(5), start=5))
    assert agent.metric("foule_offset_gaps_total") == 1
    assert agent.metric("foule_records_read_total") == 2


async def test_while_there_is_no_key_a_partition_stands_still_and_loses_nothing() -> None:
    agent = await started(store=FailingKeyStore(failures=1))
    await agent.crowd.take(events(event(0), b"damage"))
    assert agent.metric("foule_records_read_total") == 2
    assert len(letters(agent.memory)) == 1
