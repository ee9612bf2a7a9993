"""A release agent decides once its own claim is read, in order, and publishes what it reads back."""

from __future__ import annotations

import asyncio

import pytest

from streams import releaser
from streams.wire import Decision, ReleaseClaim
from tests.damage import NOON
from tests.streams.agents import TOPICS
from tests.streams.memory import Memory, settled
from tests.streams.releasing import FINGERPRINT, WIDTH, releasing, said, say, seal, tally


async def test_an_agent_decides_nothing_before_its_own_claim_is_read_and_publishes_what_it_reads_back() -> None:
    memory = Memory()
    say(memory, tally(), seal())
    one = await releasing(memory)
    assert said(memory, ReleaseClaim) == [ReleaseClaim(FINGERPRINT)]
    await one.read(2)
    await one.agent.tick()
    assert said(memory, Decision) == []
    await one.read(3)
    [decision] = said(memory, Decision)
    assert (decision.token, one.starts) == (2, [])
    await one.read()
    assert (one.starts, one.shelf.taken[0].version) == ([0], 3)
    assert one.metric("foule_released_windows_total", width="5m") == 1


async def test_what_a_predecessor_decided_is_published_and_not_decided_again() -> None:
    memory = Memory()
    first = await releasing(memory)
    say(memory, tally(), seal())
    await first.read(3)
    assert (len(said(memory, Decision)), first.starts) == (1, [])
    second = await releasing(memory)
    await second.read()
    assert (len(said(memory, Decision)), second.starts) == (1, [0])


async def test_decisions_of_a_later_end_are_appended_once_the_earlier_ones_are_acknowledged() -> None:
    memory = Memory()
    agent = (await releasing(memory)).agent
    say(memory, tally(2), tally(0), tally(1), seal(2))
    memory.held = {TOPICS.tallies}
    reading = asyncio.create_task(agent.take(memory.fetch(TOPICS.tallies)))
    for window in range(3):
        await settled()
        assert [decision.start for decision in said(memory, Decision)] == [
            NOON + at * WIDTH for at in range(window + 1)
        ]
        memory.acknowledge()
    await reading


async def test_after_a_decision_that_was_not_taken_no_later_one_is_appended() -> None:
    memory = Memory()
    one = await releasing(memory)
    say(memory, tally(0), tally(1), seal(1))
    memory.refused = {TOPICS.tallies}
    with pytest.raises(ConnectionError):
        await one.read()
    memory.refused = set()
    await one.agent.tick()
    assert said(memory, Decision) == []
    second = await releasing(memory)
    await second.read()
    assert second.starts == [0, 1]


async def test_windows_wait_for_a_sink_that_takes_none_and_are_left_to_others_when_the_agent_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(releaser, "_RETRY_AFTER", 0.0)
    memory = Memory()
    one = await releasing(memory)
    say(memory, tally(), seal())
    one.shelf.refusals = 2
    await one.read()
    assert (one.shelf.asked, one.starts) == (3, [0])
    assert one.metric("foule_sink_errors_total", sink="Shelf") == 2
    say(memory, tally(1), seal(1))
    one.shelf.refusals = 1_000_000
    reading = asyncio.create_task(one.read())
    await settled()
    await one.agent.stop()
    await reading
    assert one.starts == [0]


@pytest.mark.parametrize("first", [True, False])
async def test_a_record_that_is_none_of_foule_is_passed_over(first: bool) -> None:
    memory = Memory()
    if first:  # where a bookmark might be
        memory.put(TOPICS.tallies, None, b"something")
    one = await releasing(memory)
    memory.put(TOPICS.tallies, None, b"something")
    say(memory, tally(), seal())
    await one.read()
    assert one.starts == [0]


async def test_an_agent_of_a_worker_without_the_log_claims_and_says_nothing() -> None:
    memory = Memory()
    memory.owned = set()
    one = await releasing(memory)
    await one.agent.take(memory.fetch(TOPICS.tallies))
    await one.agent.tick()
    await one.agent.bookmark()
    await one.agent.prod()
    assert memory.sent == []
