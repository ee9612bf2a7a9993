"""Numbers that part the devices of a cell are published together so that none follows from the others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER, Segment, pooled
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
