"""Numbers that part the devices of a cell are published together so that none follows from the others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.groups import proven
from anonymizer.perturbation import Perturbation
from anonymizer.segments import NOBODY, OTHER, Group, Run, Segment, contradicting, grouped, merged, pooled
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


# --- with pools of their own


POOLS = dict.fromkeys("abcd", "national") | dict.fromkeys("efg", "foreign")


def together(segments: dict[str, Segment], perturb: bool = False) -> dict[str, Group]:
    """What is published, with :data:`POOLS`; h has none."""
    if perturb:
        return grouped(THRESHOLD, segments, by_key, POOLS)
    return grouped(Threshold(K, 0), segments, exactly, POOLS)


def people(groups: dict[str, Group]) -> dict[str, int]:
    return {name: group.people for name, group in groups.items()}


def test_small_segments_of_a_class_are_published_as_it() -> None:
    assert people(together(of(a=5, b=6, c=40, e=3, f=20, h=8))) == {"national": 11, "c": 40, "f": 20, "other": 11}


def test_a_class_that_is_too_small_is_in_the_pool_of_all() -> None:
    assert people(together(of(a=5, c=40, e=4, h=1))) == {"c": 40, "other": 10}


def test_a_class_that_is_published_joins_the_pool_if_it_is_the_smallest() -> None:
    assert people(together(of(a=5, b=6, c=40, e=1))) == {"c": 40, "other": 12}
    assert people(together(of(a=5, b=6, c=40))) == {"c": 40, "other": 11}


@given(PEOPLE, st.booleans())
def test_all_devices_are_in_published_groups_or_none(of_each: dict[str, int], perturb: bool) -> None:
    groups = together(of(**of_each), perturb)
    if groups:
        members = [name for group in groups.values() for name in group.members]
        assert sorted(members) == sorted(of_each)
        assert sum(group.segment.people for group in groups.values()) == sum(of_each.values())
        assert OTHER in groups
    for group in groups.values():
        whole = NOBODY
        for name in group.members:
            whole = whole.plus(Segment(of_each[name], 7 * of_each[name]))
        assert group.segment == whole and whole.people >= K


@given(PEOPLE)
def test_what_is_published_follows_from_perturbed_numbers_alone(of_each: dict[str, int]) -> None:
    """Whoever knows the perturbed number of each group that is tried decides as the gate does."""
    segments, asked = of(**of_each), dict[str, int]()

    def remembered(name: str, segment: Segment) -> int:
        asked[f"{name}{segment}"] = by_key(name, segment)
        return asked[f"{name}{segment}"]

    groups = grouped(THRESHOLD, segments, remembered, POOLS)
    # a count below k is never asked for; with any error it would be below the least number
    told = grouped(Threshold(0, K + 2), segments, lambda name, one: asked.get(f"{name}{one}", 0), POOLS)
    assert groups == told


@given(PEOPLE)
def test_segments_below_the_threshold_may_be_given_together(of_each: dict[str, int]) -> None:
    segments = of(**of_each)
    small: dict[str, Segment] = {}
    for name, segment in segments.items():
        if segment.people < K:
            pool = POOLS.get(name, OTHER)
            small[pool] = small.get(pool, NOBODY).plus(segment)
    large = {name: segment for name, segment in segments.items() if segment.people >= K}
    each, some = together(segments, True), grouped(THRESHOLD, large, by_key, POOLS, small)
    assert {name: group[:2] for name, group in some.items()} == {name: group[:2] for name, group in each.items()}


@given(PEOPLE, st.permutations("abcdefgh"))
def test_the_order_in_which_segments_come_decides_nothing(of_each: dict[str, int], order: list[str]) -> None:
    segments = of(**of_each)
    assert together(segments, True) == together({name: segments[name] for name in order if name in segments}, True)


# --- bins


def runs(*of_bins: int, perturb: bool = False) -> dict[str, int]:
    """The published runs of four bins and an open one, by name."""
    found = _runs([Segment(count, 7 * count) for count in of_bins], perturb)
    return {_name(run.first, run.last): run.people for run in found}


def _name(first: int, last: int) -> str:
    return f"{first}-{last}"


def _runs(bins: list[Segment], perturb: bool) -> list[Run]:
    return merged(THRESHOLD, bins, by_key, _name) if perturb else merged(Threshold(K, 0), bins, exactly, _name)


def test_bins_that_may_be_published_are_so_alone() -> None:
    assert runs(10, 20, 30, 40, 50) == {"0-0": 10, "1-1": 20, "2-2": 30, "3-3": 40, "4-4": 50}


def test_a_bin_joins_those_behind_it_until_it_may() -> None:
    assert runs(4, 5, 1, 40, 50) == {"0-2": 10, "3-3": 40, "4-4": 50}
    assert runs(0, 12, 0, 0, 10) == {"0-1": 12, "2-4": 10}


def test_what_is_left_at_the_end_joins_the_last_run_also_if_nobody_is_in_it() -> None:
    assert runs(10, 20, 30, 2, 3) == {"0-0": 10, "1-1": 20, "2-4": 35}
    assert runs(10, 20, 30, 0, 0) == {"0-0": 10, "1-1": 20, "2-4": 30}


def test_bins_of_too_few_devices_are_not_published() -> None:
    assert runs(1, 2, 3, 2, 1) == {}
    assert runs(0, 0, 0, 0, 0) == {}
    assert runs(1, 2, 3, 2, 2) == {"0-4": 10}


def test_a_last_run_that_with_its_error_is_too_small_takes_the_run_before_it() -> None:
    errors = {"0-0": 0, "1-1": 0, "1-2": -2, "0-2": 1}
    found = merged(
        THRESHOLD,
        [Segment(15, 0), Segment(13, 0), Segment(0, 0)],
        lambda name, one: one.people + errors[name],
        _name,
    )
    assert found == [Run(0, 2, 29, Segment(28, 0))]


BIN_PEOPLE = st.lists(st.integers(0, 30), min_size=1, max_size=7)


@given(BIN_PEOPLE, st.booleans())
def test_runs_follow_on_each_other_from_the_first_bin_to_the_last(of_bins: list[int], perturb: bool) -> None:
    bound = 2 if perturb else 0
    bins = [Segment(count, 7 * count) for count in of_bins]
    found = _runs(bins, perturb)
    ends = [-1, *(run.last for run in found)]
    assert [run.first for run in found] == [end + 1 for end in ends[:-1]]
    if found:
        assert found[-1].last == len(bins) - 1
    for run in found:
        true = sum(of_bins[run.first : run.last + 1])
        assert run.segment == Segment(true, 7 * true) and true >= K
        assert run.people >= K + bound and abs(run.people - true) <= bound


@given(BIN_PEOPLE)
def test_runs_follow_from_perturbed_numbers_alone(of_bins: list[int]) -> None:
    bins = [Segment(count, 7 * count) for count in of_bins]
    # the same least number, and no raw count is asked for
    assert merged(THRESHOLD, bins, by_key, _name) == merged(Threshold(0, K + 2), bins, by_key, _name)


# --- bins of segments beside those of all


def run(first: int, last: int, people: int) -> Run:
    """A run; who decides on it knows nothing but its perturbed number."""
    return Run(first, last, people, NOBODY)


def test_a_segment_whose_runs_leave_a_small_rest_is_taken_out() -> None:
    whole = [run(0, 1, 100), run(2, 4, 60)]
    # 98 at least, less 52 and 37 at most: 9 that are in no other segment, or more
    parts = {"fr": [run(0, 1, 50), run(2, 4, 40)], "de": [run(0, 1, 35)]}
    assert contradicting(THRESHOLD, whole, parts) == {"de"}
    assert contradicting(THRESHOLD, whole, {"fr": [run(0, 1, 50)], "de": [run(0, 1, 30)]}) == set()
    assert contradicting(THRESHOLD, whole, {"fr": [run(0, 1, 50)], "de": [run(0, 1, 42)]}) == set()


def test_only_runs_that_lie_within_the_run_of_all_prove_something() -> None:
    assert contradicting(THRESHOLD, [run(0, 1, 100)], {"fr": [run(0, 1, 89)]}) == {"fr"}
    assert contradicting(THRESHOLD, [run(0, 1, 100)], {"fr": [run(0, 2, 89)]}) == set()
    assert contradicting(THRESHOLD, [run(0, 1, 100)], {"fr": [run(0, 0, 45), run(1, 1, 42)]}) == {"fr"}


SEGMENT_RUNS = st.lists(st.tuples(st.booleans(), st.integers(K, 40)), min_size=5, max_size=5).map(
    lambda rows: [run(at, at, people) for at, (there, people) in enumerate(rows) if there]
)


@given(
    st.lists(st.integers(K, 120), min_size=2, max_size=2),
    st.dictionaries(st.sampled_from(["fr", "de", "it", "local"]), SEGMENT_RUNS),
)
def test_of_what_is_left_no_small_rest_can_be_proven(wholes: list[int], parts: dict[str, list[Run]]) -> None:
    whole = [run(0, 2, wholes[0]), run(3, 4, wholes[1])]
    gone = contradicting(THRESHOLD, whole, parts)
    assert gone <= set(parts)
    kept = {name: of_name for name, of_name in parts.items() if name not in gone}
    assert contradicting(THRESHOLD, whole, kept) == set()
    for each in whole:
        inside = [one.people for of_name in kept.values() for one in of_name if each.first <= one.first <= each.last]
        rest = proven(THRESHOLD.bound, each.people, inside)
        assert not inside or not 2 * THRESHOLD.bound < rest < K
