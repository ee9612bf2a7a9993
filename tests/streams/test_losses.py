"""Windows that were open in a shard when a key was lost are not released; all others are, each with what was told
first."""

from __future__ import annotations

import pytest

from streams.losses import Loss, Losses
from streams.release import Release
from streams.wire import Bookmark, Claim, EarlyEnd, SourceLoss
from tests.streams.windows import BEACH, HOUR, PORT, WIDTH, Log, early_end, people, release, seal, tally

LOSS = Loss(0, watermark=10 * WIDTH, until=10 * WIDTH, reported=12 * WIDTH, offset=50)

# --- one loss


@pytest.mark.parametrize(
    ("start", "end", "spoilt"),
    [
        (0, 12 * WIDTH, False),  # reported
        (0, 12 * WIDTH + 1, True),
        (10 * WIDTH, 13 * WIDTH, True),
        (10 * WIDTH + 1, 13 * WIDTH, False),  # began later
        (9 * WIDTH, 10 * WIDTH, False),  # was over
    ],
)
def test_a_loss_spoils_what_was_open_at_its_watermark_and_not_reported(start: int, end: int, spoilt: bool) -> None:
    losses = Losses()
    losses.add(LOSS)
    assert losses.spoil(start, end) is spoilt


@pytest.mark.parametrize(
    ("shard", "window", "offset", "outdated"),
    [
        (0, 11, 51, True),
        (0, 11, 49, False),  # said before the loss
        (1, 11, 51, False),  # another shard's
        (0, 9, 51, False),  # the snapshot knew it to be over
        (0, 12, 51, False),  # not reported
    ],
)
def test_what_a_shard_says_again_of_a_window_that_it_had_reported_is_outdated(
    shard: int, window: int, offset: int, outdated: bool
) -> None:
    losses = Losses()
    losses.add(LOSS)
    assert losses.outdate(tally(shard, window * WIDTH, {BEACH: 1}), offset) is outdated


def test_a_loss_that_is_said_twice_is_the_first_one() -> None:
    losses = Losses()
    for loss in (
        LOSS,
        Loss(0, 10 * WIDTH, 10 * WIDTH, 20 * WIDTH, 99),
        Loss(1, 10 * WIDTH, 10 * WIDTH, 0, 60),
        Loss(0, 11 * WIDTH, 11 * WIDTH, 0, 70),
    ):
        losses.add(loss)
    assert losses.all() == [LOSS, Loss(1, 10 * WIDTH, 10 * WIDTH, 0, 60), Loss(0, 11 * WIDTH, 11 * WIDTH, 0, 70)]


# --- in the release


def lost_in_the_fourth_window() -> Log:
    """Shard 0 reports two windows, checkpoints in the second, and loses its key; shard 1 reports none of them yet.

    Its predecessor had begun to tell of a third window; ``people`` are 12 a window before the loss, 3 behind it.
    """
    log = Log()
    log.append(
        *(tally(0, at * WIDTH, {BEACH: 12}) for at in (0, 1)), seal(0, 2 * WIDTH), tally(0, 2 * WIDTH, {PORT: 9})
    )
    log.append(Claim("settings", 0, 5), early_end(0, WIDTH + 1, 5))
    log.append(*(tally(0, at * WIDTH, {BEACH: 3}, token=5) for at in (1, 2, 3)), seal(0, 4 * WIDTH, token=5))
    return log


def beach_by_window(log: Log) -> dict[int, int]:
    """The people at the beach in each published window, by its number."""
    log.read()
    assert len({one.window.start for one in log.published}) == len(log.published)
    return {one.window.start // WIDTH: people(one)["beach"]["people"] for one in log.published}


def test_reported_windows_are_released_as_they_were_reported_and_later_ones_with_who_came_after() -> None:
    log = lost_in_the_fourth_window()
    log.append(*(tally(1, at * WIDTH, {BEACH: 10}) for at in range(4)), seal(1, 4 * WIDTH))
    assert beach_by_window(log) == {0: 22, 1: 22, 2: 13, 3: 13}
    assert (log.release.late_tallies, log.release.spoilt) == (0, 0)


def test_a_window_that_was_open_is_released_by_nobody_whoever_has_told_of_it_and_whenever() -> None:
    log = Log()
    log.append(tally(1, 0, {BEACH: 30}, width=HOUR), tally(1, 0, {BEACH: 30}), tally(0, 0, {BEACH: 12}, layer=1))
    log.append(Claim("settings", 0, 5), early_end(0, WIDTH - 1, 5))
    log.append(tally(0, 0, {BEACH: 30}, token=5), tally(1, 0, {PORT: 30}, indicator="arrivals"))
    log.append(tally(1, WIDTH, {BEACH: 30}), seal(0, HOUR, token=5), seal(1, HOUR))
    assert beach_by_window(log) == {1: 30}
    assert log.release.spoilt == 3  # an hour, and five minutes of two layers
    assert log.release.oldest_open is None


def test_a_window_that_has_been_decided_without_the_shard_stays_decided() -> None:
    log = Log()
    log.append(tally(1, 0, {BEACH: 30}))
    while not log.tick(5_000, seal(1, WIDTH)):
        pass
    log.append(Claim("settings", 0, 5), early_end(0, 1, 5), tally(0, 0, {BEACH: 30}, token=5), seal(0, WIDTH, token=5))
    assert beach_by_window(log) == {0: 30}
    assert (log.release.late_tallies, log.release.spoilt) == (1, 0)


def test_a_decision_that_is_under_way_when_a_loss_is_read_is_published() -> None:
    agent = release(2)
    agent.take(0, tally(1, 0, {BEACH: 30}))
    agent.take(1, seal(1, WIDTH))
    for _ in range(5):
        agent.reports.seal(seal(1, WIDTH))
        agent.reports.tick(5_000, at_end=True)
    [decision] = agent.decide()
    agent.take(2, Claim("settings", 0, 5))
    agent.take(3, early_end(0, 1, 5))
    assert agent.spoilt == 0
    assert agent.take(4, decision) is not None


def test_a_loss_that_the_next_owner_says_again_changes_nothing() -> None:
    log = lost_in_the_fourth_window()
    log.append(Claim("settings", 0, 9), early_end(0, WIDTH + 1, 9))
    log.append(*(tally(0, at * WIDTH, {BEACH: 3}, token=9) for at in (1, 2, 3)), seal(0, 4 * WIDTH, token=9))
    log.append(*(tally(1, at * WIDTH, {BEACH: 10}) for at in range(4)), seal(1, 4 * WIDTH))
    assert beach_by_window(log) == {0: 22, 1: 22, 2: 13, 3: 13}


def test_a_loss_that_a_former_owner_tells_of_is_none() -> None:
    log = Log(1)
    log.append(tally(0, 0, {BEACH: 12}, token=5), Claim("settings", 0, 5), early_end(0, 1, 4), seal(0, WIDTH, token=5))
    assert beach_by_window(log) == {0: 12}
    assert (log.release.stale, log.release.spoilt) == (1, 0)


# --- handed on


def resumed(log: Log) -> Release:
    """A successor that has gone on at a bookmark of all that the log says, and read what lies behind it."""
    log.read()
    bookmark = log.release.bookmark([])
    successor = release()
    successor.resume(bookmark)
    log.release, log.next = successor, bookmark.position
    return successor


def test_a_successor_knows_of_a_loss_and_takes_what_was_reported_before_it() -> None:
    log = lost_in_the_fourth_window()
    successor = resumed(log)
    assert successor.position == 0
    log.append(*(tally(1, at * WIDTH, {BEACH: 10}) for at in range(4)), seal(1, 4 * WIDTH))
    assert beach_by_window(log) == {0: 22, 1: 22, 2: 13, 3: 13}


def test_a_successor_that_begins_behind_a_loss_releases_no_window_that_was_open_then() -> None:
    log = Log()
    log.append(Claim("settings", 0, 5), early_end(0, WIDTH - 1, 5), seal(0, WIDTH, token=5))
    assert resumed(log).position == 3
    log.append(tally(1, 0, {BEACH: 30}), tally(1, WIDTH, {BEACH: 30}), seal(0, 2 * WIDTH, token=5), seal(1, 2 * WIDTH))
    assert beach_by_window(log) == {1: 30}
    assert log.release.spoilt == 1


def test_a_bookmark_hands_all_losses_on() -> None:
    agent = release()
    losses = [(0, WIDTH, WIDTH, 2 * WIDTH, 7), (1, WIDTH, 3 * WIDTH, 0, 9)]
    spoilt = [(0, WIDTH, 5 * WIDTH, 6 * WIDTH)]
    agent.resume(Bookmark("settings", 0, 20, [], [], [], losses, spoilt))
    assert (agent.bookmark([]).losses, agent.bookmark([]).spoilt) == (losses, spoilt)


def test_windows_that_lack_events_are_not_released() -> None:
    log = Log()
    log.append(Claim("settings", 0, 5), Claim("settings", 1, 6))
    log.append(EarlyEnd("settings", 5, 0, WIDTH + 3, 3 * WIDTH - 1))
    for window in range(4):
        log.append(tally(1, window * WIDTH, {BEACH: 30}, token=6))
    log.append(seal(0, 4 * WIDTH, token=5), seal(1, 4 * WIDTH, token=6))
    assert beach_by_window(log) == {0: 30, 3: 30}


def test_windows_that_may_lack_events_of_a_source_are_not_released_though_a_shard_has_reported_them() -> None:
    log = Log()
    log.append(*[tally(shard, window * WIDTH, {BEACH: 30}) for shard in range(2) for window in range(4)])
    log.append(seal(0, 4 * WIDTH), SourceLoss("settings", 1, WIDTH + 3, 3 * WIDTH - 1), seal(1, 4 * WIDTH))
    assert beach_by_window(log) == {0: 60, 3: 60}
    assert log.release.spoilt == 2


def test_a_window_whose_shards_tell_devices_apart_by_different_keys_is_not_released() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 30}), tally(1, 0, {BEACH: 30}))
    for shard, key in ((0, "a"), (1, "a.1")):
        log.append(tally(shard, WIDTH, {BEACH: 30}, key=key))
    log.append(seal(0, 2 * WIDTH), seal(1, 2 * WIDTH))
    assert beach_by_window(log) == {0: 60}
    assert log.release.spoilt == 1
