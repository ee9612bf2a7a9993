"""What is published beside a number proves of the rest that it is nobody, or may be, or could be published."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.groups import OTHER, Level, Segment, pooled, proven, withheld_in_chain
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from tests.cells import KEY

K = 10
THRESHOLD = Threshold(K, 2)


def exactly(name: str, segment: Segment) -> int:
    """Without an error."""
    return segment.people


def by_key(name: str, segment: Segment) -> int:
    """With the error of its devices."""
    return segment.people + int(Perturbation(KEY, 2).errors([name], np.array([segment.key], np.uint32))[0])


def of(**people: int) -> dict[str, Segment]:
    return {name: Segment(count, 7 * count) for name, count in people.items()}


def test_what_is_proven_of_the_rest_holds_whatever_the_errors_are() -> None:
    assert proven(5, 100, [60, 20]) == 5  # 95 or more, less 65 and 25 or less
    assert proven(0, 100, [60, 20]) == 20
    assert proven(5, 100, []) == 95


# --- segments


def shown(segments: dict[str, Segment], perturb: bool = False) -> dict[str, int]:
    """What is published."""
    return pooled(THRESHOLD, segments, by_key) if perturb else pooled(Threshold(K, 0), segments, exactly)


def test_segments_that_may_not_be_published_are_pooled() -> None:
    assert shown(of(fr=50, de=7, it=6)) == {"fr": 50, OTHER: 13}


def test_the_smallest_published_segment_joins_a_pool_that_is_too_small() -> None:
    assert shown(of(fr=50, de=14, it=3)) == {"fr": 50, OTHER: 17}
    assert shown(of(fr=14, de=14, it=3)) == {"fr": 14, OTHER: 17}


def test_it_also_joins_a_pool_of_nobody_so_that_its_absence_says_nothing() -> None:
    assert shown(of(fr=50, de=14)) == {"fr": 50, OTHER: 14}
    assert shown({}) == {}


def test_where_all_together_are_too_few_nothing_is_published() -> None:
    assert shown(of(fr=4, de=5)) == {}


PEOPLE = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40))


@given(PEOPLE, st.booleans())
def test_what_is_missing_could_have_been_published(people: dict[str, int], perturb: bool) -> None:
    bound = 2 if perturb else 0
    found = shown(of(**people), perturb)
    assert all(number >= K + bound for number in found.values())
    missing = sum(count for name, count in people.items() if name not in found)
    if found:
        assert missing >= K and abs(found[OTHER] - missing) <= bound


@given(PEOPLE, st.integers(0, K - 1), st.integers(0, K - 1))
def test_which_segments_are_published_does_not_show_how_few_are_not(people: dict[str, int], one: int, two: int) -> None:
    large = {name: 10 + count for name, count in people.items()}
    seen = [set(shown(of(**large) | {"last": Segment(rest, 0)} if rest else of(**large))) for rest in (one, two)]
    assert seen[0] == seen[1]


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
