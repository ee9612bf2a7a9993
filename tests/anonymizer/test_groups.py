"""No remainder of 1 to k - 1 devices is left beside what is published."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.groups import OTHER, Segment, pooled, withheld
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from tests.cells import KEY, counts_of

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


# --- segments


def test_segments_that_may_not_be_published_are_pooled() -> None:
    assert pooled(THRESHOLD, of(fr=50, de=7, it=6), exactly) == {"fr": 50, OTHER: 13}


def test_the_smallest_published_segment_joins_a_pool_that_is_too_small() -> None:
    assert pooled(THRESHOLD, of(fr=50, de=14, it=3), exactly) == {"fr": 50, OTHER: 17}
    assert pooled(THRESHOLD, of(fr=14, de=14, it=3), exactly) == {"fr": 14, OTHER: 17}


def test_a_pool_of_nobody_is_none() -> None:
    assert pooled(THRESHOLD, of(fr=50, de=14), exactly) == {"fr": 50, "de": 14}
    assert pooled(THRESHOLD, {}, exactly) == {}


def test_where_all_together_are_too_few_nothing_is_published() -> None:
    assert pooled(THRESHOLD, of(fr=5, de=6), exactly) == {}


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40)), st.booleans())
def test_what_is_missing_is_nobody_or_could_have_been_published(people: dict[str, int], perturb: bool) -> None:
    found = pooled(THRESHOLD, of(**people), by_key if perturb else exactly)
    assert all(number >= THRESHOLD.least for number in found.values())
    missing = [count for name, count in people.items() if name not in found]
    if OTHER in found:
        assert sum(missing) >= K and abs(found[OTHER] - sum(missing)) <= 2
    elif found:
        assert not missing


# --- zones

PARENTS = (0, 0, 0, 1, 1, 2)
"""The parents of six zones; the third parent is no zone."""


@given(
    st.dictionaries(st.integers(0, 6), st.integers(1, 2 * K)),
    st.sets(st.sampled_from([0, 1])),
    st.sets(st.integers(0, 5)),
)
def test_of_a_published_parent_no_small_remainder_is_left(
    people: dict[int, int], parents: set[int], hidden: set[int]
) -> None:
    published = {zone: n for zone, n in people.items() if n >= K and zone < 6 and zone not in hidden}
    gone = withheld(K, published, counts_of(people), PARENTS, parents)
    assert gone <= published.keys()
    for parent in range(3):
        zones = [zone for zone in range(6) if PARENTS[zone] == parent]
        rest = sum(people.get(zone, 0) for zone in zones if zone not in published)
        there = [zone for zone in zones if zone in published]
        mine = gone & set(zones)
        if parent in parents and 0 < rest < K and there:
            assert mine == {min(there, key=lambda zone: (published[zone], zone))}
        else:
            assert not mine
