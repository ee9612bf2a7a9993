"""What an epoch of several days tells: on how many days, how many nights in a row, and where most nights."""

from __future__ import annotations

from tests.indicators.told import Story, plan, seen

DAYS = 9


def night(day: int, zone: str) -> list[str]:
    return [f"{day} 22:00 {zone}", f"{day} 22:30 {zone}"]


def found(indicator: str, day: int, *where: str, **changes: object) -> dict[tuple[str, ...], int]:
    given = {indicator: True, "epoch_days": DAYS} | changes
    return Story(seen("A", *where), plan(**given)).of_day(indicator, day)


def test_recurrence_is_the_number_of_days_on_which_a_device_was_in_the_zone_so_far() -> None:
    where = [f"{day} 10:00 beach" for day in range(1, 10)]
    bins = [list(found("recurrence", day, *where)) for day in range(1, 10)]
    names = ["1", "2", "3", "4-7", "4-7", "4-7", "4-7", "8+", "8+"]
    assert bins == [[("beach", name)] for name in names]


def test_days_elsewhere_do_not_count_and_days_between_do_not_matter() -> None:
    where = ["1 10:00 beach", "2 10:00 port", "4 10:00 beach", "4 18:00 beach"]
    assert found("recurrence", 4, *where) == {("beach", "2"): 1}
    assert found("recurrence", 2, *where) == {("port", "1"): 1}
    assert found("recurrence", 3, *where) == {}


def test_lingering_into_a_day_is_being_there_on_it() -> None:
    assert found("recurrence", 2, "1 3:50 beach") == {("beach", "2"): 1}


def test_sojourns_are_nights_in_a_row() -> None:
    where = [one for day in (1, 2, 3, 4) for one in night(day, "port")]
    assert [found("sojourns", day, *where) for day in (1, 2, 3, 4)] == [
        {("port", name): 1} for name in ("1", "2", "3", "4-7")
    ]


def test_a_night_elsewhere_or_none_begins_a_sojourn_anew() -> None:
    elsewhere = [*night(1, "port"), *night(2, "port"), *night(3, "beach"), *night(4, "port")]
    assert found("sojourns", 4, *elsewhere) == {("port", "1"): 1}
    assert found("sojourns", 3, *elsewhere) == {("beach", "1"): 1}
    nowhere = [*night(1, "port"), "2 12:00 port", *night(3, "port")]
    assert found("sojourns", 3, *nowhere) == {("port", "1"): 1}
    assert found("sojourns", 2, *nowhere) == {}


def test_the_usual_zone_is_where_most_nights_were_and_at_least_so_many() -> None:
    where = [*night(1, "port"), *night(2, "port"), *night(3, "beach"), *night(4, "port"), "5 12:00 station"]
    assert [found("usual", day, *where) for day in (3, 4, 5)] == [{}, {("port",): 1}, {("port",): 1}]
    assert found("usual", 3, *where, usual_nights=2) == {("port",): 1}
    assert found("usual", 6, *where) == {}


def test_of_two_zones_with_as_many_nights_the_first_of_the_layer_is_usual() -> None:
    where = [*night(1, "port"), *night(2, "beach")]
    assert found("usual", 2, *where, usual_nights=1) == {("beach",): 1}


def test_who_sleeps_outside_most_often_has_no_usual_zone() -> None:
    where = [*night(1, "outside"), *night(2, "outside"), *night(3, "port")]
    assert found("usual", 3, *where, usual_nights=1) == {}


def test_in_an_epoch_of_one_day_nothing_is_remembered() -> None:
    for indicator in ("recurrence", "sojourns", "usual"):
        assert found(indicator, 1, *night(1, "port"), epoch_days=1, usual_nights=1) == {}
