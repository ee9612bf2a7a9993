"""How long devices dwelt where, by the longest of their visits that ended in a window."""

from datetime import date
from typing import Any

import pytest

from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, HOUR, MINUTE
from tests.oracle.cases import DAY_END, cells, count, event, settings

DWELL = settings(widths=(HOUR,), dwell=(HOUR,), linger=9 * HOUR)


def dwell(*values: bytes, parameters: Parameters = DWELL, end: int = DAY_END) -> dict[Any, Any]:
    return cells(count(*values, parameters=parameters, end=end), "dwell", width=parameters.widths[0])


@pytest.mark.parametrize(
    ("stay", "name"),
    [
        (0, "0-15m"),
        (15 * MINUTE - 1, "0-15m"),
        (15 * MINUTE, "15m-30m"),
        (30 * MINUTE, "30m-1h"),
        (2 * HOUR - 1, "1h-2h"),
        (2 * HOUR, "2h-4h"),
        (8 * HOUR - 1, "4h-8h"),
        (8 * HOUR, "8h+"),
        (8 * HOUR + 1, "8h+"),
    ],
)
def test_a_stay_from_the_first_event_to_the_last_is_in_the_bin_that_begins_at_or_below_it(stay: int, name: str) -> None:
    moved = 9 * HOUR
    assert dwell(event(0), event(stay), event(moved, cell="port-1")) == {(540, ("beach", name)): 1}


def test_of_several_visits_that_end_in_a_window_the_longest_counts() -> None:
    short = [event(0), event(MINUTE, cell="port-1"), event(2 * MINUTE), event(18 * MINUTE, cell="town-1")]
    long = [event(20 * MINUTE), event(40 * MINUTE), event(50 * MINUTE, cell="port-1")]
    found = dwell(*short, *long)
    assert found[0, ("beach", "15m-30m")] == 1
    first = [*long, event(51 * MINUTE), event(52 * MINUTE, cell="port-1")]
    assert {cell for at, cell in dwell(*first) if at == 0} == {("beach", "15m-30m"), ("port", "0-15m")}
    assert {cell for at, cell in found if at == 0} == {("beach", "15m-30m"), ("port", "0-15m"), ("town", "0-15m")}


def test_a_visit_counts_in_the_window_in_which_it_ends_however_long_before_it_began() -> None:
    two = [event(0), event(HOUR + 20 * MINUTE), event(2 * HOUR, cell="port-1")]
    assert dwell(*two) == {(120, ("beach", "1h-2h")): 1, (11 * 60, ("port", "0-15m")): 1}


def test_silence_ends_a_visit_linger_after_its_last_event_and_cuts_end_none() -> None:
    half = settings(widths=(HOUR,), dwell=(HOUR,))
    assert dwell(event(0), event(20 * MINUTE), parameters=half) == {(0, ("beach", "15m-30m")): 1}
    assert dwell(event(0), event(30 * MINUTE), parameters=half) == {(60, ("beach", "30m-1h")): 1}
    assert dwell(event(17 * HOUR + 30 * MINUTE), parameters=half, end=DAY_END + DAY) == {}
    assert dwell(event(17 * HOUR + 30 * MINUTE - 1), parameters=half) == {(17 * 60, ("beach", "0-15m")): 1}


def test_a_silence_that_ends_with_a_day_within_an_epoch_counts_in_the_next_window() -> None:
    long = settings(widths=(HOUR,), dwell=(HOUR,), epoch_days=2, epoch_start=date(2014, 6, 28))
    found = dwell(event(17 * HOUR + 30 * MINUTE), parameters=long, end=DAY_END + DAY)
    assert found == {(18 * 60, ("beach", "0-15m")): 1}


def test_outside_has_no_dwell_and_only_the_widths_that_are_asked_for_have() -> None:
    both = settings(widths=(HOUR, DAY), dwell=(DAY,))
    result = count(event(0, cell="sea-1"), event(MINUTE), parameters=both)
    assert cells(result, "dwell", width=HOUR) == {}
    assert cells(result, "dwell", width=DAY) == {(-360, ("beach", "0-15m")): 1}


def test_bins_are_those_of_the_settings() -> None:
    own = settings(widths=(HOUR,), dwell=(HOUR,), dwell_edges=(90_000, 90 * MINUTE))
    assert dwell(event(0), event(89_999), parameters=own) == {(0, ("beach", "0-90s")): 1}
    assert dwell(event(0), event(90_000), parameters=own) == {(0, ("beach", "90s-90m")): 1}
