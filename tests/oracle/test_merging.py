"""Bins that are too small are published in runs, of which the last reaches the last bin."""

from collections.abc import Mapping, Sequence

from foule.oracle.bins import NUMBER_BINS
from foule.oracle.merging import merged
from foule.oracle.rules import Group

LEAST = 20


def runs(
    counts: Sequence[int], errors: Mapping[str, int] | None = None, again: Mapping[str, int] | None = None
) -> dict[str, int]:
    """What is published of the five bins of numbers with these errors of names, and none of others. ``again``: of the
    second errors, by the name of the bins from a run's first on."""

    def passing(group: Group, name: str) -> int | None:
        perturbed = group.people + (errors or {}).get(name, 0)
        return perturbed if group.people >= LEAST and perturbed >= LEAST else None

    def passes(group: Group, everybody: Group, name: str) -> bool:
        assert everybody.people == sum(counts)
        return group.people + (again or {}).get(name, 0) >= LEAST

    groups = {name: Group(count, 0) for name, count in zip(NUMBER_BINS.names, counts, strict=True) if count}
    return {NUMBER_BINS.run(*run): people for run, people in merged(NUMBER_BINS, groups, passing, passes).items()}


def test_bins_that_pass_alone_are_published_alone() -> None:
    assert runs([20, 30, 40, 50, 60]) == {"1": 20, "2": 30, "3": 40, "4-7": 50, "8+": 60}


def test_bins_join_a_run_until_it_passes() -> None:
    assert runs([19, 1, 40, 10, 15]) == {"1-2": 20, "3": 40, "4+": 25}
    assert runs([5, 5, 5, 5, 20]) == {"1-7": 20, "8+": 20}


def test_bins_that_are_left_at_the_end_join_the_last_run_also_if_they_are_empty() -> None:
    assert runs([30, 30, 30, 10, 5]) == {"1": 30, "2": 30, "3+": 45}
    assert runs([30, 40, 0, 0, 0]) == {"1": 30, "2+": 40}
    assert runs([30, 0, 0, 0, 0]) == {"1+": 30}
    assert runs([0, 0, 0, 0, 30]) == {"1+": 30}


def test_a_last_run_that_does_not_pass_under_its_new_name_takes_the_run_before() -> None:
    counts = [30, 25, 22, 1, 0]
    assert runs(counts) == {"1": 30, "2": 25, "3+": 23}
    assert runs(counts, {"3+": -4}) == {"1": 30, "2+": 48}
    assert runs(counts, {"3+": -4, "2+": -29}) == {"1+": 78}
    assert runs(counts, {"3+": -4, "2+": -29, "1+": -59}) == {}


def test_where_no_run_passes_there_is_nothing() -> None:
    assert runs([5, 5, 5, 2, 2]) == {}
    assert runs([0, 0, 0, 0, 0]) == {}


def test_numbers_with_their_errors_decide() -> None:
    assert runs([22, 30, 30, 30, 30], {"1": -3}) == {"1-2": 52, "3": 30, "4-7": 30, "8+": 30}
    assert runs([19, 30, 30, 30, 30], {"1": 5}) == {"1-2": 49, "3": 30, "4-7": 30, "8+": 30}


def test_a_run_must_pass_with_the_second_error_of_all_that_its_first_bin_begins() -> None:
    counts = [20, 20, 20, 20, 20]
    assert runs(counts, again={"1+": -1}) == {"1-2": 40, "3": 20, "4-7": 20, "8+": 20}
    assert runs(counts, again={"2+": -21}) == {"1": 20, "2-7": 60, "8+": 20}
    assert runs(counts, again={"8+": -1}) == {"1": 20, "2": 20, "3": 20, "4+": 40}
