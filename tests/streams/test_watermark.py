"""The watermark moves record by record: a running maximum of the trusted times, never by how a fetch was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.watermark import BEGINNING, Watermark

TIMES = st.integers(0, 20_000)
EVENTS = st.lists(st.tuples(TIMES, st.one_of(st.just(-1), TIMES)), max_size=30)
LATENESS = st.sampled_from([0, 500, 1_000, 7_300])


def pass_over(watermark: Watermark, events: list[tuple[int, int]]) -> list[bool]:
    times = np.array([ts for ts, _ in events], np.int64)
    stamps = np.array([stamp for _, stamp in events], np.int64)
    late: list[bool] = watermark.pass_over(times, stamps).tolist()
    return late


def plainly(events: list[tuple[int, int]], lateness: int, frontier: int = BEGINNING) -> tuple[list[bool], int]:
    """The same, one event after the other: which are late, and where the watermark ends."""
    late, mark = [], frontier
    for ts, stamp in events:
        late.append(ts <= mark)
        if not late[-1]:
            seen = ts if stamp < 0 else min(ts, stamp)
            mark = max(mark, (seen - lateness) // 1000 * 1000)
    return late, mark


@given(EVENTS, LATENESS, st.one_of(st.just(BEGINNING), TIMES))
def test_it_is_the_same_as_going_record_by_record(events: list[tuple[int, int]], lateness: int, frontier: int) -> None:
    watermark = Watermark(lateness, frontier=frontier)
    assert (pass_over(watermark, events), watermark.value) == plainly(events, lateness, frontier)


@given(EVENTS, LATENESS, st.integers(0, 30))
def test_a_cut_changes_nothing(events: list[tuple[int, int]], lateness: int, cut: int) -> None:
    whole, parts = Watermark(lateness), Watermark(lateness)
    late = pass_over(parts, events[:cut]) + pass_over(parts, events[cut:])
    assert late == pass_over(whole, events)
    assert (parts.highest, parts.value) == (whole.highest, whole.value)


@given(EVENTS, EVENTS, LATENESS)
def test_late_events_move_nothing(before: list[tuple[int, int]], after: list[tuple[int, int]], lateness: int) -> None:
    watermark = Watermark(lateness)
    pass_over(watermark, before)
    reached = watermark.value
    late = [(min(ts, reached), stamp) for ts, stamp in after]
    assert pass_over(watermark, late) == [True] * len(late) or reached == BEGINNING
    if reached != BEGINNING:
        assert watermark.value == reached


def test_the_first_event_is_never_late_and_nothing_is_late_by_itself() -> None:
    watermark = Watermark(0)
    assert watermark.value == BEGINNING
    assert pass_over(watermark, [(0, -1), (5_000, -1), (5_000, -1), (5_001, -1)]) == [False, False, True, False]


@pytest.mark.parametrize(("lateness", "value"), [(0, 5_000), (999, 5_000), (1_000, 4_000), (1_500, 4_000)])
def test_it_is_the_maximum_less_the_lateness_floored_to_a_second(lateness: int, value: int) -> None:
    watermark = Watermark(lateness)
    pass_over(watermark, [(5_999, -1), (3_000, -1)])
    assert watermark.value == value


def test_a_fast_clock_moves_it_only_to_the_kafka_timestamp() -> None:
    watermark = Watermark(0)
    pass_over(watermark, [(9_000, 2_000)])
    assert watermark.value == 2_000
    pass_over(watermark, [(9_500, -1)])
    assert watermark.value == 9_000


def test_a_time_at_the_watermark_is_late_and_one_above_it_is_not() -> None:
    watermark = Watermark(1_000)
    pass_over(watermark, [(6_500, -1)])
    assert pass_over(watermark, [(5_000, -1), (5_001, -1)]) == [True, False]
    watermark.advance(7_000)
    assert pass_over(watermark, [(7_000, -1), (7_001, -1)]) == [True, False]


def test_an_advance_moves_it_up_and_never_back() -> None:
    watermark = Watermark(0)
    watermark.advance(1_500)
    assert watermark.value == 1_500
    watermark.advance(1_000)
    assert watermark.value == 1_500
    pass_over(watermark, [(3_000, -1)])
    watermark.advance(2_500)
    assert watermark.value == 3_000


def test_a_copy_goes_its_own_way() -> None:
    watermark = Watermark(0)
    pass_over(watermark, [(3_000, -1)])
    watermark.advance(4_000)
    copy = watermark.copy()
    assert (copy.value, copy.highest, copy.frontier, copy.lateness) == (4_000, 3_000, 4_000, 0)
    pass_over(copy, [(9_000, -1)])
    assert watermark.value == 4_000


def test_no_events_move_nothing() -> None:
    watermark = Watermark(0)
    assert pass_over(watermark, []) == []
    assert watermark.value == BEGINNING
