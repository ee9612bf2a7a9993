"""Of several release agents one acts; it leaves a bookmark, from which its successor goes on."""

from __future__ import annotations

import asyncio

from anonymizer.keys import DESTROYED, MemoryKeyStore
from streams.wire import Bookmark, Claim, Decision, ReleaseClaim
from tests.damage import NOON
from tests.streams.agents import TOPICS
from tests.streams.memory import Memory, settled
from tests.streams.releasing import EPOCH, FINGERPRINT, WIDTH, Releasing, releasing, said, say, seal, tally

# --- who may


async def test_what_a_former_owner_says_is_dropped_and_counted() -> None:
    memory = Memory()
    one = await releasing(memory)
    say(memory, Claim(FINGERPRINT, 0, 5), tally(token=4, people=99), seal(token=4), tally(token=5))
    await one.read()
    assert (one.metric("foule_stale_messages_total"), one.starts) == (2, [])
    say(memory, seal(token=5))
    await one.read()
    assert dict(one.shelf.taken[0].window.zones["beach"]) == {"people": 30}


async def test_an_agent_that_reads_a_newer_claim_decides_and_bookmarks_nothing_more() -> None:
    memory = Memory()
    first = await releasing(memory)
    say(memory, tally(0), seal(0))
    await first.read()
    second = await releasing(memory)
    say(memory, tally(1), seal(1))
    before = len(memory.sent)
    await first.read()
    await first.agent.tick()
    await first.agent.bookmark()
    assert len(memory.sent) == before
    await second.read()
    assert (first.starts, second.starts) == ([0], [0, 1])


async def test_decisions_that_come_behind_a_newer_claim_are_published_by_nobody() -> None:
    memory = Memory()
    first = await releasing(memory)
    say(memory, tally(), seal())
    await first.read(1)
    second = await releasing(memory)
    await first.agent.take(memory.fetch(TOPICS.tallies, 1, 3))  # it has not read the newer claim yet
    assert [decision.token for decision in said(memory, Decision)] == [0]
    first.position = 3
    await second.read()
    assert [decision.token for decision in said(memory, Decision)] == [0, 3]
    await first.read()
    assert [one.version for one in first.shelf.taken] == [one.version for one in second.shelf.taken] == [5]
    assert (first.metric("foule_stale_messages_total"), second.metric("foule_stale_messages_total")) == (1, 1)


async def test_an_agent_claims_again_if_another_has_claimed_for_long_and_the_log_is_still_its_own() -> None:
    memory = Memory()
    one = await releasing(memory)
    say(memory, ReleaseClaim(FINGERPRINT), tally(), seal())  # of a worker that is no longer in the group
    await one.read()
    for memory.seconds in (1, 20):
        await one.agent.tick()
    assert len(said(memory, ReleaseClaim)) == 2
    memory.seconds = 22
    await one.agent.tick()
    assert len(said(memory, ReleaseClaim)) == 3
    one.position = memory.committed(TOPICS.tallies, 0)
    await one.read()
    assert one.starts == [0]


async def test_an_assignment_that_the_next_one_overtakes_is_given_up() -> None:
    memory = Memory()
    one = Releasing(memory)
    memory.held = {TOPICS.tallies}
    overtaken = asyncio.create_task(one.agent.assign())
    await settled()
    await one.agent.stop()
    memory.acknowledge()
    await overtaken
    say(memory, tally(), seal())
    await one.read()
    assert said(memory, Decision) == []


# --- bookmarks


async def test_a_bookmark_is_left_where_a_successor_begins_and_only_if_there_is_something_new() -> None:
    memory = Memory()
    one = await releasing(memory)
    await one.agent.bookmark()
    assert said(memory, Bookmark) == []  # its claim is not read
    say(memory, tally(0), seal(0), tally(1))
    await one.read()
    await one.agent.bookmark()
    [bookmark] = said(memory, Bookmark)
    where = len(memory.to(TOPICS.tallies)) - 1
    assert memory.commits == [(TOPICS.tallies, where)]
    assert (bookmark.token, bookmark.position, bookmark.claims) == (0, 3, [(None, 0), (0, 0)])
    assert (bookmark.marks, bookmark.epochs) == ([(0, WIDTH, NOON + WIDTH)], [EPOCH.number])
    await one.read()
    await one.agent.bookmark()
    assert memory.commits == [(TOPICS.tallies, where)]


async def test_a_successor_reads_the_bookmark_and_then_from_where_it_says() -> None:
    memory = Memory()
    first = await releasing(memory)
    say(memory, Claim(FINGERPRINT, 0, 5), tally(0, token=5), seal(0, token=5), tally(1, token=5))
    await first.read()
    await first.agent.bookmark()
    second = await releasing(memory)
    say(memory, tally(1, token=4, people=99), tally(0, token=5), seal(1, token=5))
    await second.read()
    assert memory.sought == [(TOPICS.tallies, 4)]
    assert second.starts == [0, 1]  # the first one's decision lies behind its position
    assert dict(second.shelf.taken[-1].window.zones["beach"]) == {"people": 30}
    assert second.metric("foule_stale_messages_total") == 1
    assert second.metric("foule_late_tallies_total") == 1
    assert len(said(memory, Decision)) == 2


async def test_a_bookmark_of_other_settings_is_none() -> None:
    memory = Memory()
    say(memory, Bookmark("other", 0, 0, [(0, 99)], [(0, WIDTH, NOON + 9 * WIDTH)], []), tally(), seal())
    one = await releasing(memory)
    await one.read()
    assert one.starts == [0]


async def test_where_the_log_begins_behind_a_bookmark_the_agent_goes_on_there() -> None:
    memory = Memory()
    one = await releasing(memory)
    say(memory, *[seal()] * 9)
    await one.read(1)
    memory.begin = 8
    await one.agent.take(memory.fetch(TOPICS.tallies, 8))
    say(memory, tally(1), seal(1))
    one.position = 10
    await one.read()
    assert one.starts == [1]


# --- keys, idle shards


async def test_the_keys_of_epochs_in_a_bookmark_are_destroyed_by_the_successor() -> None:
    memory, store = Memory(), MemoryKeyStore()
    first = await releasing(memory, store)
    say(memory, tally(), seal())
    await first.read()
    await first.agent.bookmark()
    second = await releasing(memory, store)
    await second.read()
    await second.agent.tick()
    assert store.get(EPOCH.label) is not None
    say(memory, seal(9, checkpointed=EPOCH.end))
    await second.read()
    await second.agent.tick()
    assert store.get(EPOCH.label) == DESTROYED
    await second.agent.bookmark()
    assert said(memory, Bookmark)[-1].epochs == []
