"""An advance is noted before it is applied, so that a successor does the same with it."""

from __future__ import annotations

import asyncio

from foule.oracle.oracle import Record
from foule.oracle.parameters import HOUR, MINUTE
from streams.checkpoint import AdvanceNote
from streams.wire import Advance, encode_advance
from tests.damage import NOON
from tests.streams.agents import DAY_END, TAKEN_OVER, TOPICS, advances, event, events, seals, started
from tests.streams.memory import Memory, settled
from tests.streams.shards import fetch_of


def notes_of(memory: Memory) -> list[AdvanceNote]:
    return memory.restorer(TOPICS.checkpoints).notes


async def test_an_advance_is_in_the_changelog_before_it_is_applied() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    agent.memory.held = {TOPICS.checkpoints}
    telling = asyncio.create_task(agent.crowd.advance(advances(Advance(1, DAY_END))))
    await settled()
    assert notes_of(agent.memory) == [AdvanceNote(0, 0, 1, DAY_END, True)]
    assert seals(agent.memory) == []
    agent.memory.acknowledge()
    await telling
    assert seals(agent.memory)[-1].watermark == DAY_END


async def test_an_advance_that_comes_too_late_is_noted_as_such_and_moves_nothing() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0), event(1)))
    await agent.crowd.advance(advances(Advance(1, DAY_END)))
    assert notes_of(agent.memory) == [AdvanceNote(0, 0, 1, DAY_END, False)]
    await agent.crowd.seal()
    assert seals(agent.memory)[-1].watermark < NOON


async def test_a_successor_applies_the_advances_that_were_and_no_others() -> None:
    memory = Memory()
    first = await started(memory)
    await first.crowd.take(events(event(0)))
    await first.crowd.advance(advances(Advance(0, DAY_END), Advance(1, NOON + MINUTE), Advance(3, NOON + HOUR)))
    second = await started(memory)
    await second.crowd.advance(advances(Advance(0, DAY_END), Advance(1, NOON + MINUTE), Advance(3, NOON + HOUR)))
    assert len(notes_of(memory)) == 3
    await second.crowd.take(events(event(0), event(MINUTE), event(MINUTE + 1), event(HOUR), event(HOUR + 1)))
    assert second.metric("foule_records_late_total") == 2
    assert second.metric("foule_records_accepted_total") == 3


async def test_an_advance_that_comes_again_is_dealt_with_once() -> None:
    agent = await started()
    await agent.crowd.take(events(event(0)))
    await agent.crowd.advance(advances(Advance(1, NOON)))
    await agent.crowd.take(events(event(1), start=1))
    await agent.crowd.advance(advances(Advance(1, NOON), Advance(2, NOON + 1)))
    assert notes_of(agent.memory) == [AdvanceNote(0, 0, 1, NOON, True), AdvanceNote(0, 1, 2, NOON + 1, True)]
    assert agent.memory.kinds(TOPICS.checkpoints) == [*TAKEN_OVER, "advance", "advance"]


async def test_what_is_no_advance_is_passed_over() -> None:
    agent = await started()
    records = [Record(0, -1, b"{}"), Record(1, -1, None), Record(2, -1, encode_advance(Advance(0, NOON)))]
    await agent.crowd.advance(fetch_of(0, 0, records))
    assert notes_of(agent.memory) == [AdvanceNote(0, 2, 0, NOON, True)]


async def test_a_successor_does_the_same_with_an_advance_that_its_predecessor_noted_while_it_took_over() -> None:
    memory = Memory()
    first = await started(memory)
    await first.crowd.take(events(event(0)))
    memory.held = {TOPICS.checkpoints}
    taking = asyncio.create_task(started(memory))
    await settled()
    memory.held = set()
    await first.crowd.advance(advances(Advance(1, NOON + HOUR)))
    memory.acknowledge()
    second = await taking
    await second.crowd.take(events(event(0), event(MINUTE)))
    assert (second.metric("foule_records_accepted_total"), second.metric("foule_records_late_total")) == (1, 1)


async def test_an_advance_noted_behind_a_successors_claims_is_nothing_to_the_next_one() -> None:
    memory = Memory()
    first = await started(memory)
    await first.crowd.take(events(event(0)))
    await started(memory)
    await first.crowd.advance(advances(Advance(1, DAY_END)))
    assert notes_of(memory) == []
    last = await started(memory)
    await last.crowd.take(events(event(0), event(MINUTE)))
    assert last.metric("foule_records_accepted_total") == 2


async def test_an_advance_for_another_owner_is_noted_and_not_followed() -> None:
    agent = await started()
    await agent.crowd.advance(advances(Advance(0, DAY_END, 7), Advance(0, NOON + HOUR, 0)))
    assert [(note.token, note.applied) for note in notes_of(agent.memory)] == [(0, False), (0, True)]
