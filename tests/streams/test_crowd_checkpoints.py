"""A checkpoint holds what its shard has done, and a successor goes on there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from anonymizer.keys import MemoryKeyStore
from foule.oracle.parameters import HOUR, MINUTE
from streams.wire import Advance, Claim, Seal, TallyPart
from tests.cells import opened
from tests.damage import NOON
from tests.streams.agents import (
    CLOSING,
    DAY_END,
    TAKEN_OVER,
    TOPICS,
    Agent,
    advances,
    claims,
    event,
    events,
    letters,
    seals,
    started,
    tallies,
)
from tests.streams.memory import Memory, settled, until_waiting


async def test_a_checkpoint_is_parts_then_its_manifest_then_the_commit_and_a_newer_one_deletes_it() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0), event(3 * MINUTE)))
    agent.memory.held = {TOPICS.checkpoints}
    writing = asyncio.create_task(agent.crowd.checkpoint())
    kinds: list[list[str]] = []
    while await until_waiting(agent.memory, writing):
        kinds.append(agent.memory.kinds(TOPICS.checkpoints))
        assert agent.memory.commits == []
        agent.memory.acknowledge()
        await settled()
    await writing
    assert kinds == [[*TAKEN_OVER, "part"], [*TAKEN_OVER, "part", "manifest"]]
    assert agent.memory.commits == [(TOPICS.events, 1)]  # the second event waits for the watermark
    agent.memory.held = set()
    await agent.crowd.checkpoint()
    assert agent.memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, *["part", "manifest"] * 2, "-manifest", "-part"]


async def test_a_successor_goes_on_where_the_checkpoint_was_and_counts_nothing_twice() -> None:
    values = [event(0), b"damage", event(3 * MINUTE), event(4 * MINUTE, "b"), event(HOUR, "c")]
    store = MemoryKeyStore()
    plain = await started(store=store)
    await plain.crowd.take(events(*values))
    first = await started(store=store)
    await first.crowd.take(events(*values[:4]))
    await first.crowd.checkpoint()
    await first.crowd.take(events(*values[4:], start=4))
    second = await started(first.memory, store)
    await second.crowd.take(events(*values))
    assert second.metric("foule_records_read_total") == 1
    assert len(letters(first.memory)) == 1
    assert numbers(second.memory, store) == numbers(plain.memory, store)
    last = seals(second.memory)[-1]
    assert (last.watermark, last.next_offset) == (NOON + HOUR - 2 * MINUTE, 5)


async def test_a_successor_knows_of_the_checkpoint_how_far_it_reaches_and_which_advances_are_in_it() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await started(memory, store)
    await first.crowd.take(events(event(0)))
    await first.crowd.advance(advances(Advance(1, NOON + HOUR)))
    await first.crowd.checkpoint()
    second = await started(memory, store)
    await second.crowd.advance(advances(Advance(1, NOON + HOUR)))
    assert memory.kinds(TOPICS.checkpoints).count("advance") == 1
    await second.crowd.seal()
    assert [seal.checkpointed for seal in seals(memory)[1:]] == [NOON + HOUR]


def numbers(memory: Memory, store: MemoryKeyStore) -> dict[Any, Any]:
    """The tallies in the log, without who wrote them and how often."""
    found = defaultdict(set)
    for part in tallies(memory):
        for indicator, counts in opened(part, store).items():
            found[part.layer, part.start, indicator].add(tuple(column.tobytes() for column in counts))
    return found


async def test_a_partition_that_was_taken_away_is_checkpointed_and_let_go() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.release()
    assert agent.memory.commits == [(TOPICS.events, 0)]
    assert agent.memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, "part", "manifest"]
    before = len(agent.memory.sent)
    await agent.crowd.take(events(event(HOUR), start=1))
    await agent.crowd.advance(advances(Advance(5, DAY_END)))
    await agent.crowd.seal()
    assert len(agent.memory.sent) == before


# --- owners


async def test_all_that_an_owner_says_carries_the_token_that_it_claimed_first() -> None:
    memory = Memory()
    for number in range(2):
        agent = await started(memory)
        said = len(memory.to(TOPICS.tallies))
        await agent.crowd.take(events(*CLOSING))
        await agent.crowd.seal()
        claim, *rest = memory.messages(TOPICS.tallies)[said - 1 :]
        assert isinstance(claim, Claim)
        assert (claim.shard, claim.token) == (0, 2 * number)
        assert len(rest) > 2
        assert {message.token for message in rest if isinstance(message, TallyPart | Seal)} == {claim.token}


async def test_who_finds_a_newer_owner_gives_up_and_commits_and_deletes_nothing() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await started(memory, store)
    await first.crowd.take(events(*CLOSING))
    await first.crowd.checkpoint()
    await started(memory, store)
    memory.owned = set()
    await first.crowd.checkpoint()
    assert memory.commits == [(TOPICS.events, 1)]
    assert memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, "part", "manifest", *TAKEN_OVER, "part", "manifest"]
    before = len(memory.sent)
    await first.crowd.take(events(event(2 * HOUR), start=2))
    await first.crowd.seal()
    await first.crowd.checkpoint()
    assert len(memory.sent) == before


async def test_who_finds_a_newer_owner_takes_over_again_what_is_still_assigned_to_it() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await started(memory, store)
    await first.crowd.take(events(event(0)))
    second = await started(memory, store)
    await second.crowd.take(events(event(0), event(MINUTE)))
    await second.crowd.checkpoint()
    await first.crowd.checkpoint()
    assert [claim.token for claim in claims(memory)] == [0, 2, 8]
    await first.crowd.take(events(*map(event, (0, MINUTE, 2 * MINUTE, HOUR))))
    last = seals(memory)[-1]
    assert (last.token, last.next_offset) == (8, 4)
    await first.crowd.checkpoint()
    manifest = memory.restorer(TOPICS.checkpoints).result().manifest
    assert manifest is not None
    assert (manifest.token, manifest.counted) == (8, 4)


async def test_who_finds_a_newer_owner_while_it_lets_go_takes_nothing_over() -> None:
    memory = Memory()
    memory.owned = {0, 1}
    first = await started(memory)
    await started(memory)
    before = len(claims(memory))
    await first.crowd.release()
    assert len(claims(memory)) == before
    quiet = len(memory.sent)
    await first.crowd.seal()
    assert len(memory.sent) == quiet


async def test_a_taking_over_that_the_next_rebalance_overtakes_is_given_up() -> None:
    memory = Memory()
    agent = Agent(memory)
    memory.held = {TOPICS.checkpoints}
    overtaken = asyncio.create_task(agent.crowd.assign())
    await settled()
    assert memory.kinds(TOPICS.checkpoints) == ["owner"]
    memory.held = set()
    await agent.crowd.release()
    await agent.crowd.assign()
    memory.acknowledge()
    await overtaken
    assert [claim.token for claim in claims(memory)] == [1, 0]
    await agent.crowd.seal()
    assert [seal.token for seal in seals(memory)] == [1]


async def test_a_partition_that_went_elsewhere_while_it_was_taken_over_is_not_at_work() -> None:
    memory = Memory()
    agent = Agent(memory)
    memory.held = {TOPICS.checkpoints}
    overtaken = asyncio.create_task(agent.crowd.assign())
    await settled()
    memory.held = set()
    await agent.crowd.release()
    memory.acknowledge()
    await overtaken
    await agent.crowd.seal()
    assert seals(memory) == []


async def test_a_partition_that_stays_is_not_taken_over_again() -> None:
    memory = Memory()
    agent = await started(memory)
    memory.owned = {0, 1}
    await agent.crowd.assign()
    assert [(claim.shard, claim.token) for claim in claims(memory)] == [(0, 0), (1, 0)]


# --- failures


async def test_what_waited_for_a_shard_that_failed_vouches_for_nothing() -> None:
    agent = await started()
    crowd, memory = agent.crowd, agent.memory
    memory.held = {TOPICS.tallies}
    taking = asyncio.create_task(crowd.take(events(*CLOSING)))
    await settled()
    told = advances(Advance(9, DAY_END))
    acts = (crowd.seal(), crowd.checkpoint(), crowd.advance(told), crowd.take(events(b"damage", start=2)))
    waiting = [asyncio.create_task(act) for act in acts]
    await settled()
    for ack, _ in memory.waiting:
        ack.set_exception(ConnectionError("the broker did not take it"))
    memory.held, memory.waiting = set(), []
    with pytest.raises(ConnectionError):
        await taking
    await asyncio.gather(*waiting)
    assert (seals(memory), letters(memory)) == ([], [])
    assert memory.kinds(TOPICS.checkpoints) == TAKEN_OVER
