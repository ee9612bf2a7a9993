"""What was written by somebody who no longer owned it is passed over and counted."""

from __future__ import annotations

import pytest

from streams.claims import Claims
from streams.wire import Bookmark, Claim, ReleaseClaim
from tests.streams.windows import BEACH, PORT, WIDTH, Log, people, release, seal, tally

# --- who owns what


def test_the_newest_claim_is_the_owners() -> None:
    claims = Claims()
    assert (claims.token(0), claims.token(None)) == (-1, -1)
    claims.add(0, 3, 10)
    claims.add(0, 7, 11)
    claims.add(0, 5, 12)  # of one who was overtaken while it took over
    claims.add(None, 13, 13)
    assert (claims.token(0), claims.token(1), claims.token(None)) == (7, -1, 13)


def test_only_the_owners_token_is_admitted() -> None:
    claims = Claims()
    claims.add(0, 7, 10)
    assert [claims.admits(0, token, 11) for token in (6, 7)] == [False, True]
    assert claims.admits(1, 0, 11)


def test_a_newer_token_is_a_claim_whose_own_record_was_not_read() -> None:
    claims = Claims()
    claims.add(0, 7, 10)
    assert claims.admits(0, 9, 11)
    assert not claims.admits(0, 7, 12)


def test_the_owners_as_of_a_position_are_those_of_the_claims_before_it() -> None:
    claims = Claims()
    for shard, token, offset in ((0, 1, 10), (1, 2, 11), (0, 3, 20), (0, 5, 30)):
        claims.add(shard, token, offset)
    claims.add(None, 12, 12)
    assert claims.before(10) == []
    assert claims.before(11) == [(0, 1)]
    assert dict(claims.before(20)) == {0: 1, 1: 2, None: 12}
    assert dict(claims.before(30)) == {0: 3, 1: 2, None: 12}
    assert dict(claims.before(31)) == {0: 5, 1: 2, None: 12}
    assert claims.token(0) == 5


def test_what_was_forgotten_is_never_asked_for_again_and_what_follows_still_is() -> None:
    claims = Claims()
    for token in range(100):
        claims.add(0, token, 10 * token)
    for position in range(1, 1000, 7):
        assert claims.before(position) == [(0, (position - 1) // 10)]


# --- shards


def test_tallies_and_seals_of_a_former_owner_are_dropped_and_counted() -> None:
    log = Log()
    log.append(Claim("settings", 0, 5), Claim("settings", 1, 6), Claim("settings", 0, 9))
    log.append(tally(0, 0, {BEACH: 99}, token=5), seal(0, 5 * WIDTH, token=5), seal(1, WIDTH, token=6))
    assert log.read() == []
    assert log.release.stale == 2
    log.append(tally(0, 0, {PORT: 10}, indicator="arrivals", token=9), seal(0, WIDTH, token=9))
    assert [people(one) for one in log.read()] == [{"port": {"arrivals": 10}}]
    assert log.release.late_tallies == 0


@pytest.mark.parametrize("sealed", [True, False])
def test_what_a_former_owner_said_in_time_counts_if_it_sealed_it_else_its_successor_says_it_again(sealed: bool) -> None:
    log = Log()
    log.append(Claim("settings", 0, 5), tally(0, 0, {BEACH: 12}, token=5), tally(1, 0, {BEACH: 20}))
    if sealed:
        log.append(seal(0, WIDTH, token=5))
    log.append(Claim("settings", 0, 9), tally(0, 0, {PORT: 10}, indicator="arrivals", token=9))
    log.append(seal(0, WIDTH, token=9), seal(1, WIDTH))
    total = 32 if sealed else 20
    assert [people(one) for one in log.read()] == [{"beach": {"people": total}, "port": {"arrivals": 10}}]


def test_a_claim_that_comes_again_makes_nothing_be_forgotten() -> None:
    log = Log(1)
    log.append(Claim("settings", 0, 5), tally(0, 0, {BEACH: 12}, token=5), Claim("settings", 0, 5))
    log.append(seal(0, WIDTH, token=5))
    assert [people(one) for one in log.read()] == [{"beach": {"people": 12}}]


def test_a_claim_under_other_settings_is_none() -> None:
    log = Log(1)
    log.append(Claim("other", 0, 9), tally(0, 0, {BEACH: 12}, token=5), seal(0, WIDTH, token=5))
    assert len(log.read()) == 1
    assert (log.release.foreign, log.release.stale) == (1, 0)


# --- the release


def test_decisions_of_a_former_release_agent_are_dropped_and_counted() -> None:
    agent = release(1)
    agent.take(0, ReleaseClaim("settings"))
    agent.take(1, tally(0, 0, {BEACH: 12}))
    agent.take(2, seal(0, WIDTH))
    [stale] = agent.decide()
    assert (agent.owner, stale.token) == (0, 0)
    agent.take(3, ReleaseClaim("settings"))
    assert agent.take(4, stale) is None
    assert (agent.owner, agent.stale, agent.oldest_open) == (3, 1, 0)


def test_a_decision_that_was_handed_out_but_not_appended_in_time_is_decided_again_under_the_new_claim() -> None:
    agent = release(1)
    agent.take(0, ReleaseClaim("settings"))
    agent.take(1, tally(0, 0, {BEACH: 12}))
    agent.take(2, seal(0, WIDTH))
    [lost] = agent.decide()
    assert agent.decide() == []
    agent.take(3, ReleaseClaim("settings"))
    [again] = agent.decide()
    assert (again.token, again.window) == (3, lost.window)
    published = agent.take(4, again)
    assert published is not None
    assert published.version == 4


def test_a_decision_that_came_before_the_newer_claim_holds() -> None:
    agent = release(1)
    agent.take(0, ReleaseClaim("settings"))
    agent.take(1, tally(0, 0, {BEACH: 12}))
    agent.take(2, seal(0, WIDTH))
    [decision] = agent.decide()
    assert agent.take(3, decision) is not None
    agent.take(4, ReleaseClaim("settings"))
    assert agent.decide() == []
    assert agent.oldest_open is None


@pytest.mark.parametrize("resumed", [True, False])
def test_a_bookmark_that_is_read_on_the_way_changes_nothing(resumed: bool) -> None:
    agent = release(1)
    agent.take(0, tally(0, 0, {BEACH: 12}))
    bookmark = Bookmark("settings", 99, 0, [(0, 99), (None, 99)], [(0, WIDTH, 10 * WIDTH)], [])
    if resumed:
        agent.resume(Bookmark("settings", -1, 0, [], [], []))
    agent.take(1, bookmark)
    agent.take(2, seal(0, WIDTH))
    assert len(agent.decide()) == 1
    assert (agent.owner, agent.stale) == (-1, 0)
