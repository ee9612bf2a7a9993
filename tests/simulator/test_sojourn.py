"""Stays cover every minute of everybody, and what is asked of them is what the minutes say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.sojourn import Stays

WIDTH = 4

ROWS = np.array([[2, 2, 2, 0, 0, 2], [1, 1, 1, 1, 1, 1], [0, 3, 0, 3, 0, 3]])


def test_a_stay_lasts_until_the_first_minute_in_another_zone() -> None:
    stays = Stays.of(ROWS, WIDTH)
    rows = zip(stays.person, stays.zone, stays.begin, stays.end, strict=True)
    assert [tuple(map(int, row)) for row in rows][:4] == [(0, 2, 0, 3), (0, 0, 3, 5), (0, 2, 5, 6), (1, 1, 0, 6)]
    assert len(stays.zone) == 10


def test_time_is_counted_within_bounds() -> None:
    stays = Stays.of(ROWS, WIDTH)
    assert stays.spent(2, 6).tolist() == [[2, 0, 2, 0], [0, 4, 0, 0], [2, 0, 0, 2]]
    assert stays.spent(6, 6).sum() == 0


def test_the_longest_stay_is_without_a_break() -> None:
    assert Stays.of(ROWS, WIDTH).longest().tolist() == [[2, 0, 3, 0], [0, 6, 0, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize("minute", range(6))
def test_everybody_is_somewhere(minute: int) -> None:
    assert Stays.of(ROWS, WIDTH).at(minute).tolist() == ROWS[:, minute].tolist()


@given(
    st.integers(1, 30).flatmap(
        lambda minutes: st.lists(
            st.lists(st.integers(0, WIDTH - 1), min_size=minutes, max_size=minutes), min_size=1, max_size=4
        )
    ),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_stays_say_what_the_minutes_say(rows: list[list[int]], first: int, last: int) -> None:
    stays = Stays.of(np.array(rows), WIDTH)
    assert stays.spent(first, last).tolist() == [[row[first:last].count(zone) for zone in range(WIDTH)] for row in rows]
    again = np.repeat(stays.zone, stays.minutes).reshape(len(rows), -1)
    assert again.tolist() == rows
    assert np.all((stays.zone[1:] != stays.zone[:-1]) | (stays.person[1:] != stays.person[:-1]))
