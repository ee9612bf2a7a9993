"""Stays of a day are what of visits lies in it, and the longest zone is a rule without chance."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indicators.stays import Span, add_stays, longest_zone, stays_of
from indicators.sums import Sums
from indicators.visits import Ended

DAY = Span(start=100, end=200, dusk=150, dawn=180)
ZONES = 3


def stays(*visits: tuple[int, int, int, int]) -> dict[tuple[int, int], tuple[int, int]]:
    """By slot and zone: ms in the day and in the night, of visits as slot, zone, first and end."""
    sums = Sums(2)
    slot, zone, first, end = (np.array(column, np.int64) for column in zip(*visits, strict=True))
    add_stays(sums, Ended(slot, zone.astype(np.int32), first, first, end), ZONES, DAY)
    found = stays_of(sums, ZONES)
    rows = zip(*(column.tolist() for column in found), strict=True)
    return {(one, other): (stay, night) for one, other, stay, night in rows}


def test_only_what_lies_in_the_day_and_in_its_night_is_added_up() -> None:
    assert stays((0, 1, 120, 160)) == {(0, 1): (40, 10)}
    assert stays((0, 1, 20, 500)) == {(0, 1): (100, 30)}
    assert stays((0, 1, 110, 140), (0, 1, 170, 300), (0, 2, 140, 170)) == {(0, 1): (60, 10), (0, 2): (30, 20)}


def test_a_visit_of_no_length_and_one_that_ends_with_the_days_start_are_there_with_0() -> None:
    assert stays((4, 2, 120, 120), (5, 0, 50, 100)) == {(4, 2): (0, 0), (5, 0): (0, 0)}


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 3)), st.integers(0, 4)), st.integers(0, 3))
def test_the_longest_zone_is_the_lowest_of_those_with_the_largest_weight(
    weights: dict[tuple[int, int], int], least: int
) -> None:
    rows = sorted(weights.items())
    slots, zones = (np.array([pair[at] for pair, _ in rows], np.int64) for at in range(2))
    found = longest_zone(slots, zones, np.array([weight for _, weight in rows], np.int64), least, 5)
    for slot in range(5):
        of_slot = {zone: weight for (one, zone), weight in weights.items() if one == slot}
        largest = max(of_slot.values(), default=0)
        enough = largest >= max(least, 1)
        assert found[slot] == (min(z for z, weight in of_slot.items() if weight == largest) if enough else -1)
