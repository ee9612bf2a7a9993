"""How long people stayed: the longest visit that ended in the window, and quartiles of what was released."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.times import DAY, HOUR
from indicators.dwell import longest, quartiles
from tests.indicators.told import Seen, Story, plan, seen

PLAN = plan(dwell=frozenset([HOUR, DAY]))


def dwell(*events: list[Seen], start: str = "10:00") -> dict[tuple[str, ...], int]:
    return Story([one for of_phone in events for one in of_phone], PLAN).of_hour("dwell", start)


@pytest.mark.parametrize(
    ("last", "name"), [("10:05", "0-15m"), ("10:19", "0-15m"), ("10:20", "15m-30m"), ("10:35", "30m-1h")]
)
def test_a_stay_lasts_from_the_first_event_to_the_last_not_to_the_move(last: str, name: str) -> None:
    assert dwell(seen("A", "10:05 beach", f"{last} beach", "10:55 port")) == {("beach", name): 1}


def test_a_visit_counts_in_the_window_in_which_it_ends() -> None:
    long = seen("A", *(f"{8 + at // 2}:{at % 2 * 30:02} beach" for at in range(5)), "10:40 port")
    assert dwell(long) == {("beach", "1h+"): 1}
    assert dwell(long, start="9:00") == {}


def test_silence_ends_a_visit_linger_after_its_last_event() -> None:
    quiet = seen("A", "10:05 beach", "10:35 beach")
    assert dwell(quiet) == {}
    assert dwell(quiet, start="11:00") == {("beach", "30m-1h"): 1}


def test_of_several_visits_that_end_in_a_window_the_longest_counts_once() -> None:
    often = seen(
        "A", "10:00 beach", "10:05 port", "10:06 beach", "10:24 beach", "10:25 port", "10:26 beach", "10:27 port"
    )
    assert dwell(often) == {("beach", "15m-30m"): 1, ("port", "0-15m"): 1}


def test_the_widths_that_are_not_asked_for_have_none_and_outside_has_none() -> None:
    story = Story(seen("A", "10:05 beach", "10:10 outside", "10:40 port"), plan(dwell=frozenset([HOUR])))
    assert story.of_hour("dwell", "10:00") == {("beach", "0-15m"): 1}
    assert story.of_day("dwell") == {}


def test_a_visit_that_the_epochs_end_cuts_is_no_stay() -> None:
    cut = Story(seen("A", "3:10 beach", "3:30 beach"), PLAN)
    assert cut.of_day("presence") == {("beach",): 1}
    assert cut.of_day("dwell") == {}


def test_the_day_has_the_longest_stay_of_the_day() -> None:
    story = Story(seen("A", "10:05 beach", "10:30 beach", "12:00 beach", "12:05 beach"), PLAN)
    assert story.of_day("dwell") == {("beach", "15m-30m"): 1}


def test_origins_part_the_devices_of_each_length() -> None:
    by_origin = plan(dwell=frozenset([HOUR]), by_origin=frozenset([HOUR, DAY]))
    events = [*seen("A", "10:05 beach", "10:34 port"), *seen("B", "10:05 beach", "10:30 beach", "10:40 port")]
    story = Story(events, by_origin, {"A": "national:17", "B": "foreign:DE"})
    assert story.of_hour("dwell_origins", "10:00") == {
        ("beach", "local", "0-15m"): 1,
        ("beach", "foreign:DE", "15m-30m"): 1,
    }
    assert story.of_day("dwell_origins") == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3))))
def test_the_longest_is_the_last_bin_of_each_cell(rows: list[tuple[int, int]]) -> None:
    pairs = np.unique(np.array([cell * 4 + bin_ for cell, bin_ in rows], np.int64))
    last = {cell: max(bin_ for one, bin_ in rows if one == cell) for cell, _ in rows}
    assert longest(pairs, 4).tolist() == sorted(cell * 4 + bin_ for cell, bin_ in last.items())


# --- quartiles


def test_quartiles_lie_where_a_quarter_half_and_three_quarters_are_below() -> None:
    assert quartiles({"0-15m": 100, "15m-30m": 100}) == [450, 900, 1350]
    assert quartiles({"0-15m": 50, "15m-1h": 150}) == [900, 1800, 2700]


def test_one_that_lies_in_the_open_run_is_not_known() -> None:
    assert quartiles({"0-1h": 30, "1h+": 30}) == [1800, 3600, None]
    assert quartiles({"0+": 40}) == [None, None, None]


def test_runs_are_taken_in_order_of_their_lengths_not_of_their_names() -> None:
    assert quartiles({"30m-1h": 100, "15m-30m": 100, "0-15m": 200}) == [450, 900, 1800]


@given(st.lists(st.integers(25, 500), min_size=4, max_size=4))
def test_quartiles_rise_and_the_share_below_each_is_as_it_says(people: list[int]) -> None:
    runs = [(0, 900), (900, 1800), (1800, 3600)]
    names = ["0-15m", "15m-30m", "30m-1h", "1h+"]
    found = quartiles(dict(zip(names, people, strict=True)))
    known = [one for one in found if one is not None]
    assert known == sorted(known)
    for share, one in zip((0.25, 0.5, 0.75), found, strict=True):
        if one is None:
            assert sum(people[:3]) < share * sum(people)
        else:
            below = sum(
                number * min(max(one - low, 0) / (high - low), 1)
                for (low, high), number in zip(runs, people[:3], strict=True)
            )
            # a second, to which it is rounded, is at most 1/900 of a run
            assert abs(below - share * sum(people)) <= max(people) / 900
