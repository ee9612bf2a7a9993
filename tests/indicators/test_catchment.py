"""From where those come who are in a zone: where their day began."""

from __future__ import annotations

from tests.indicators.told import Story, plan, seen


def catchment(*where: str, day: int = 1, days: int = 1) -> dict[tuple[str, ...], int]:
    return Story(seen("A", *where), plan(catchment=True, epoch_days=days)).of_day("catchment", day)


def test_a_day_begins_in_the_zone_of_its_first_event() -> None:
    assert catchment("10:00 port", "10:10 beach", "15:00 port") == {("port", "port"): 1, ("beach", "port"): 1}


def test_the_first_event_decides_also_if_several_come_at_once() -> None:
    assert catchment("10:00 port", "10:00 beach") == {("port", "port"): 1, ("beach", "port"): 1}


def test_a_day_may_begin_outside_which_has_no_catchment_of_its_own() -> None:
    assert catchment("10:00 outside", "10:10 beach") == {("beach", "outside"): 1}


def test_who_is_in_a_visit_when_the_day_begins_begins_it_there() -> None:
    assert catchment("3:50 port", "2 4:10 beach", day=2, days=2) == {("port", "port"): 1, ("beach", "port"): 1}


def test_a_silence_that_ends_exactly_when_the_day_begins_is_open_then() -> None:
    assert catchment("3:30 port", "2 10:00 beach", day=2, days=2) == {("port", "port"): 1, ("beach", "port"): 1}
    assert catchment("3:29 port", "2 10:00 beach", day=2, days=2) == {("beach", "beach"): 1}


def test_an_event_at_the_very_beginning_of_a_day_is_its_first_unless_a_visit_is_open() -> None:
    assert catchment("2 4:00 beach", "2 4:10 port", day=2, days=2) == {("beach", "beach"): 1, ("port", "beach"): 1}
    assert catchment("3:45 port", "2 4:00 beach", day=2, days=2) == {("port", "port"): 1, ("beach", "port"): 1}


def test_each_epoch_begins_anew() -> None:
    assert catchment("3:50 port", "2 4:10 beach", day=1) == {("port", "port"): 1}
