"""A number that is tried several times passes no more often than one that is tried once."""

from __future__ import annotations

from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER, Run, Segment, contradicting, merged, pooled
from anonymizer.threshold import Threshold
from tests.cells import KEY

K = 10


def names(first: int, last: int) -> str:
    return f"{first}-{last}"


def runs(bins: list[int], key: bytes = KEY, bound: int = 0) -> list[tuple[int, int]]:
    """The first and the last bin of each published run; every bin has devices of its own."""
    errors = Perturbation(key, bound)
    segments = [Segment(people, 7 * at + 1 if people else 0) for at, people in enumerate(bins)]
    found = merged(Threshold(K, bound), segments, lambda name, one: one.people + errors.error(name, one.key), names)
    return [(run.first, run.last) for run in found]


def test_bins_join_until_they_may_be_published_and_those_left_join_the_last_run() -> None:
    assert runs([4, 7, 30, 2, 1]) == [(0, 1), (2, 4)]
    assert runs([4, 7, 30, 0, 0]) == [(0, 1), (2, 4)]
    assert runs([4, 5, 0]) == []


def test_a_group_beside_empty_bins_is_not_tried_again_with_each_of_them() -> None:
    trials, bound = 1_000, 2
    keys = [trial.to_bytes(32, "little") for trial in range(trials)]
    alone = sum(runs([K, 0, 0, 0, 0, 300], key, bound)[0] != (0, 5) for key in keys) / trials
    # tried once, it passes with one error of five; with each of the empty bins it would in two cases of three
    assert 0 < alone <= 1 / (2 * bound + 1)


def test_a_segment_alone_in_its_pool_is_not_tried_again_with_it() -> None:
    trials, bound = 1_000, 2
    segments = {"a": Segment(200, 1), "b": Segment(8, 2), "c": Segment(9, 3), "de": Segment(K, 4)}
    seen = 0
    for trial in range(trials):
        errors = Perturbation(trial.to_bytes(32, "little"), bound)
        shown = pooled(
            Threshold(K, bound),
            segments,
            lambda name, one, errors=errors: one.people + errors.error(name, one.key),  # type: ignore[misc]
            {"de": "foreign"},
        )
        seen += bool({"de", "foreign"} & shown.keys())
    assert 0 < seen / trials <= 1.15 / (2 * bound + 1)


def run(first: int, last: int, people: int) -> Run:
    return Run(first, last, people, Segment(people, 0))


def test_stays_by_origin_are_not_told_where_few_others_are_known_to_have_stayed_so_long() -> None:
    threshold = Threshold(20, 5)
    whole = [run(0, 0, 200), run(1, 2, 92)]
    assert contradicting(threshold, whole, {"local": [run(0, 0, 120), run(1, 2, 93)], OTHER: [run(0, 2, 80)]}) == {
        "local"
    }
    assert contradicting(threshold, whole, {"local": [run(0, 0, 120), run(1, 2, 80)], OTHER: [run(0, 2, 90)]}) == set()


def test_nothing_is_missing_where_all_segments_tell_the_same_bins() -> None:
    whole = [run(0, 2, 92)]
    parts = {"local": [run(0, 0, 40), run(1, 2, 30)], OTHER: [run(0, 2, 60)]}
    assert contradicting(Threshold(20, 5), whole, parts) == set()
