"""Differences between counts are found, counted by kind and named."""

import pytest

from foule.oracle.oracle import Tallies, WindowKey
from foule.proof.differences import compare
from tests.sinks.released import FIVE_MINUTES, NOON

WINDOW = WindowKey("places", FIVE_MINUTES, NOON, NOON + FIVE_MINUTES)
TALLIES: Tallies = {WINDOW: {"presence": {"beach": 30, "station": 12}, "flows": {("beach", "station"): 11}}}


def test_the_same_counts_differ_in_nothing() -> None:
    assert compare(TALLIES, {WINDOW: dict(reversed(TALLIES[WINDOW].items()))}) == ""


def test_differences_are_counted_by_kind() -> None:
    assert compare({"a": 1, "b": 2, "d": 4}, {"b": 3, "c": 4}) == (
        "2 missing (a: nothing instead of 1), 1 that must not be there (c: 4 instead of nothing),"
        " 1 with another value (b: 3 instead of 2)"
    )


def test_a_difference_is_named_by_shard_window_indicator_and_cell() -> None:
    found: Tallies = {WINDOW: {"presence": {"beach": 30, "station": 12}, "flows": {("beach", "station"): 10}}}
    assert compare({2: TALLIES}, {2: found}) == (
        "1 with another value (shard 2 places 5m 20140628T1000Z flows beach>station: 10 instead of 11)"
    )


@pytest.mark.parametrize("empty", [{}, {"presence": {}}])
def test_a_window_without_numbers_is_a_difference_from_none(empty: dict[str, dict[str, int]]) -> None:
    assert compare({}, {WINDOW: empty}).startswith("1 that must not be there (places 5m 20140628T1000Z")
    assert compare({WINDOW: empty}, {}).startswith("1 missing")
    assert compare({WINDOW: empty}, {WINDOW: empty}) == ""
