"""Segments that are too small are published together: by class, then all that are left."""

from collections.abc import Mapping

from foule.oracle.pooling import pooled
from foule.oracle.rules import Group

LEAST = 20


def people(segments: Mapping[str, int], again: Mapping[str, int] | None = None, **errors: int) -> dict[str, int]:
    """What is published with these errors of names, and none of others; k is 20, and noise 0 but for them. ``again``:
    the second errors, by class."""

    def passing(group: Group, name: str) -> int | None:
        perturbed = group.people + errors.get(name.replace(":", "_"), 0)
        return perturbed if group.people >= LEAST and perturbed >= LEAST else None

    def passes(group: Group, whole: Group, name: str) -> bool:
        assert whole.people == sum(count for segment, count in segments.items() if segment.startswith(f"{name}:"))
        return group.people + (again or {}).get(name, 0) >= LEAST

    found = pooled({name: Group(count, 0) for name, count in segments.items()}, passing, passes)
    published = {name: pool.people for name, pool in found.items()}
    members = [member for pool in found.values() for member in pool.members]
    assert not found or sorted(members) == sorted(segments)
    return published


def test_small_countries_are_published_as_foreign_and_small_areas_as_national() -> None:
    small = {"foreign:DE": 12, "foreign:GB": 9, "national:75": 15, "national:33": 5, "unknown": 20, "local": 90}
    assert people(small | {"transit": 7, "others": 13}) == {
        "local": 90,
        "unknown": 20,
        "foreign": 21,
        "national": 20,
        "other": 20,
    }


def test_a_class_that_is_too_small_goes_into_other_with_all_the_rest() -> None:
    assert people({"foreign:DE": 19, "national:75": 8, "unknown": 4, "local": 90}) == {"local": 90, "other": 31}


def test_large_segments_of_a_class_stay_alone_and_local_is_of_no_class() -> None:
    found = people({"foreign:DE": 40, "foreign:GB": 21, "foreign:US": 3, "foreign:CH": 17, "local": 19, "unknown": 5})
    assert found == {"foreign:DE": 40, "foreign:GB": 21, "foreign": 20, "other": 24}


def test_while_the_pool_is_too_small_the_smallest_joins_it_also_if_it_is_empty() -> None:
    assert people({"local": 30, "unknown": 40}) == {"unknown": 40, "other": 30}
    assert people({"local": 30, "unknown": 40, "national:75": 1}) == {"unknown": 40, "other": 31}
    assert people({"unknown": 30, "local": 30}) == {"unknown": 30, "other": 30}
    assert people({"local": 25}) == {"other": 25}


def test_pools_of_classes_join_as_other_published_segments_do() -> None:
    found = people({"foreign:DE": 12, "foreign:GB": 9, "local": 90, "unknown": 3})
    assert found == {"local": 90, "other": 24}


def test_where_not_even_all_together_pass_nothing_is_published() -> None:
    assert people({"local": 10, "unknown": 9}) == {}
    assert people({"local": 25, "unknown": 1}, other=-7) == {}
    assert people({}) == {}


def test_numbers_with_their_errors_decide_what_passes_and_what_is_smallest() -> None:
    assert people({"local": 30, "unknown": 40}, local=12) == {"local": 42, "other": 40}
    assert people({"local": 50, "unknown": 22, "transit": 19}, unknown=-3) == {"local": 50, "other": 41}
    assert people({"local": 50, "unknown": 40, "transit": 19}, transit=5) == {"local": 50, "other": 59}


def test_the_pool_is_drawn_anew_each_time_one_joins_it() -> None:
    found = people({"a": 20, "b": 21, "c": 60}, other=-15)
    assert found == {"c": 60, "other": 26}


def test_a_segment_of_a_class_and_the_class_must_pass_with_the_second_error_of_the_class() -> None:
    many = {"local": 90, "unknown": 40, "foreign:DE": 22, "foreign:GB": 30}
    assert people(many) == {"local": 90, "unknown": 40, "foreign:GB": 30, "other": 22}
    assert people(many, again={"foreign": -3}) == {"local": 90, "unknown": 40, "foreign:GB": 30, "other": 22}
    assert people(many, again={"foreign": -11}) == {"local": 90, "foreign": 52, "other": 40}
    assert people({"local": 90, "unknown": 40, "foreign:DE": 22}, again={"foreign": -3}) == {
        "local": 90,
        "unknown": 40,
        "other": 22,
    }
