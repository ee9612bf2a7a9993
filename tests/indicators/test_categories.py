"""Everybody who was in a zone that day is of one category there: the first whose rule holds."""

from __future__ import annotations

import pytest

from config.times import MINUTE
from tests.indicators.told import Story, plan, seen

STAY = ("10:00 {0}", "10:30 {0}", "11:00 {0}", "11:30 {0}")
NIGHT = ("22:00 {0}", "22:30 {0}")


def places(zone: str, *templates: str, day: int = 1) -> list[str]:
    return [f"{day} {template.format(zone)}" for template in templates]


def categories(*where: str, origin: str = "foreign:DE", day: int = 1, **changes: object) -> dict[tuple[str, ...], int]:
    return Story(seen("A", *where), plan(categories=True, **changes), {"A": origin}).of_day("categories", day)


def test_a_short_stay_is_transit_and_one_of_two_hours_a_visit() -> None:
    assert categories("10:00 beach") == {("beach", "transit"): 1}
    assert categories(*places("beach", *STAY)) == {("beach", "visitor"): 1}
    assert categories(*places("beach", *STAY), visit_stay=120 * MINUTE + 1) == {("beach", "transit"): 1}


def test_stays_of_a_day_add_up() -> None:
    twice = ["10:00 beach", "10:30 beach", "14:00 beach", "14:30 beach"]
    assert categories(*twice) == {("beach", "visitor"): 1}


def test_who_spends_the_night_is_a_tourist_there_only() -> None:
    assert categories(*places("beach", *STAY), *places("port", *NIGHT)) == {
        ("beach", "visitor"): 1,
        ("port", "tourist"): 1,
    }


def test_who_has_a_home_area_there_is_a_resident_whatever_else_holds() -> None:
    assert categories(*places("port", *NIGHT), origin="national:17") == {("port", "resident"): 1}
    assert categories("10:00 station", origin="national:17") == {("station", "transit"): 1}
    assert categories("10:00 beach", origin="unknown") == {("beach", "transit"): 1}


@pytest.mark.parametrize(("days", "name"), [(2, "transit"), (3, "habitual")])
def test_who_came_on_enough_earlier_days_is_habitual(days: int, name: str) -> None:
    where = [f"{day} 10:00 beach" for day in range(1, days + 1)]
    assert categories(*where, day=days, epoch_days=5, habitual_days=2) == {("beach", name): 1}


def test_habit_comes_before_the_night_and_home_before_habit() -> None:
    where = [one for day in (1, 2) for one in places("port", *NIGHT, day=day)]
    assert categories(*where, day=2, epoch_days=2, habitual_days=1) == {("port", "habitual"): 1}
    resident = categories(*where, day=2, epoch_days=2, habitual_days=1, origin="national:17")
    assert resident == {("port", "resident"): 1}


def test_an_epoch_of_one_day_has_nobody_habitual_and_outside_has_no_categories() -> None:
    assert categories("10:00 outside") == {}
    where = ["1 10:00 beach", "1 18:00 beach"]
    assert categories(*where, habitual_days=1) == {("beach", "transit"): 1}
