"""What is published beside a number proves of the rest that it is nobody, or may be, or could be published."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anonymizer.groups import Level, proven, withheld_in_chain
from anonymizer.threshold import Threshold

K = 10
THRESHOLD = Threshold(K, 2)


def test_what_is_proven_of_the_rest_holds_whatever_the_errors_are() -> None:
    assert proven(5, 100, [60, 20]) == 5  # 95 or more, less 65 and 25 or less
    assert proven(0, 100, [60, 20]) == 20
    assert proven(5, 100, []) == 95


# --- zones


def withheld(published: dict[int, int], parents: tuple[int, ...], wholes: dict[int, int]) -> set[int]:
    """What is withheld of a layer beside its parent layer alone."""
    return withheld_in_chain(THRESHOLD, [Level(published, parents), Level(wholes, ())])


def test_as_many_as_could_be_published_may_be_missing() -> None:
    for rest, gone in [(2 * 2 + 1, {1}), (2 * 2, set()), (K - 1, {1}), (K, set())]:
        published = {0: 40, 1: 30}
        assert withheld(published, (0, 0), {0: 40 + 30 + 3 * 2 + rest}) == gone


def test_a_zone_that_is_withheld_does_not_come_back_by_those_within_it() -> None:
    quarters, communes, department = (0, 1), (0, 0, 0), {0: 300 + 60 + 19 + 3 * 2}
    numbers = {0: 300, 1: 60}
    outer = [Level(numbers, communes), Level(department, ())]
    assert withheld_in_chain(Threshold(20, 2), outer) == {1}
    inner = [Level({0: 299, 1: 61}, quarters), Level({0: 300}, communes), Level(department, ())]
    assert withheld_in_chain(Threshold(20, 2), inner) == {1}


def test_of_zones_one_in_the_other_the_outer_one_says_more() -> None:
    chain = [Level({0: 30, 1: 30}, (0, 0)), Level({0: 100}, (0,)), Level({0: 110}, ())]
    assert withheld_in_chain(Threshold(20, 0), chain) == set()
    chain = [Level({0: 30, 1: 59}, (0, 0)), Level({0: 100}, (0,)), Level({0: 110}, ())]
    assert withheld_in_chain(Threshold(20, 0), chain) == {0}


PARENTS = (0, 0, 0, 1, 1, 2)
"""The parents of six zones; the third parent is no zone."""


@given(
    st.dictionaries(st.integers(0, 5), st.integers(K, 3 * K)),
    st.dictionaries(st.sampled_from([0, 1]), st.integers(K, 6 * K)),
)
def test_of_a_published_parent_no_small_rest_can_be_proven(published: dict[int, int], wholes: dict[int, int]) -> None:
    gone = withheld(published, PARENTS, wholes)
    assert gone <= published.keys()
    for parent in range(3):
        there = [zone for zone in published if PARENTS[zone] == parent]
        mine = gone & set(there)
        rest = proven(2, wholes[parent], [published[zone] for zone in there]) if parent in wholes else 0
        if there and 2 * THRESHOLD.bound < rest < K:
            assert mine == {min(there, key=lambda zone: (published[zone], zone))}
        else:
            assert not mine
