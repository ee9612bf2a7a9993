"""An idle shard is told to advance to where the others are, and nobody else is told anything."""

from __future__ import annotations

import pytest

from streams.frontier import Frontier
from streams.watermark import BEGINNING
from streams.wire import Advance, Seal

IDLE = 30_000

TOKEN = 3


def seal(shard: int, watermark: int, next_offset: int = 5, at_end: bool = True, token: int = TOKEN) -> Seal:
    return Seal("s", token, shard, watermark, next_offset, at_end, BEGINNING)


def test_a_shard_at_its_end_for_long_enough_is_told_the_least_watermark_of_the_others() -> None:
    frontier = Frontier(3, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 9_000, at_end=False), 0)
    frontier.seal(seal(2, 7_000, at_end=False), 0)
    assert frontier.advances(IDLE - 1) == []
    assert frontier.advances(IDLE) == [(0, Advance(5, 7_000, TOKEN))]


def test_an_advance_is_told_once_and_again_when_the_others_have_moved_on() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    assert len(frontier.advances(IDLE)) == 1
    assert frontier.advances(IDLE + 1_000) == []
    frontier.seal(seal(1, 8_000, at_end=False), IDLE + 2_000)
    assert frontier.advances(IDLE + 2_000) == [(0, Advance(5, 8_000, TOKEN))]


def test_a_shard_that_is_as_far_as_the_others_is_told_nothing() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 7_000), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    assert frontier.advances(IDLE) == []


def test_a_shard_that_reads_something_is_idle_no_more() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    frontier.seal(seal(0, 1_000, next_offset=6), IDLE - 1)
    assert frontier.advances(IDLE) == []
    frontier.seal(seal(0, 1_000, next_offset=6), IDLE)
    assert frontier.advances(2 * IDLE - 2) == []
    assert frontier.advances(2 * IDLE - 1) == [(0, Advance(6, 7_000, TOKEN))]


def test_a_shards_new_owner_is_idle_when_it_has_been_at_the_end_for_long_enough_itself() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    assert frontier.advances(IDLE) == [(0, Advance(5, 7_000, TOKEN))]
    frontier.seal(seal(0, 1_000, token=9), IDLE)
    assert frontier.advances(2 * IDLE - 1) == []
    assert frontier.advances(2 * IDLE) == [(0, Advance(5, 7_000, 9))]


def test_a_shard_that_is_behind_is_not_idle_and_holds_the_idle_ones_back() -> None:
    frontier = Frontier(3, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 2_000, at_end=False), 0)
    frontier.seal(seal(2, 99_000, at_end=False), 0)
    assert frontier.advances(10 * IDLE) == [(0, Advance(5, 2_000, TOKEN))]
    frontier.seal(seal(0, 1_000, at_end=False), IDLE)
    assert frontier.advances(10 * IDLE) == []


def test_a_busy_shard_without_any_record_yet_holds_all_back() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, BEGINNING, 0, at_end=False), 0)
    assert frontier.advances(IDLE) == []


def test_a_shard_without_any_record_is_idle_and_told_to_advance() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, BEGINNING, 0), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    assert frontier.advances(IDLE) == [(0, Advance(0, 7_000, TOKEN))]


def test_when_the_whole_feed_stops_nobody_is_told_anything() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 7_000), 0)
    assert len(frontier.advances(IDLE - 1)) == 0
    assert frontier.advances(10 * IDLE) == []


def test_a_shard_that_nobody_has_heard_of_may_be_behind_all_others() -> None:
    frontier = Frontier(3, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 9_000, at_end=False), 0)
    assert frontier.advances(10 * IDLE) == []
    frontier.seal(seal(2, 4_000, at_end=False), 0)
    assert frontier.advances(10 * IDLE) == [(0, Advance(5, 4_000, TOKEN))]


@pytest.mark.parametrize("heard", [[], [0], [1]])
def test_before_every_shard_has_been_heard_nobody_is_told_anything(heard: list[int]) -> None:
    frontier = Frontier(2, IDLE)
    for shard in heard:
        frontier.seal(seal(shard, 1_000 * shard, at_end=shard == 0), 0)
    assert frontier.advances(10 * IDLE) == []


def test_a_new_owner_at_the_same_place_is_told_anew_once_it_has_been_idle_for_as_long() -> None:
    frontier = Frontier(2, IDLE)
    frontier.seal(seal(0, 1_000), 0)
    frontier.seal(seal(1, 7_000, at_end=False), 0)
    assert frontier.advances(IDLE) == [(0, Advance(5, 7_000, TOKEN))]
    frontier.seal(Seal("s", TOKEN + 1, 0, 1_000, 5, True, BEGINNING), IDLE)
    assert frontier.advances(2 * IDLE - 1) == []
    assert frontier.advances(2 * IDLE) == [(0, Advance(5, 7_000, TOKEN + 1))]
