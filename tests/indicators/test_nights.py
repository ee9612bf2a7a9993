"""A night is where a device stayed longest between two local times, if it was long enough."""

from __future__ import annotations

from datetime import time

import pytest

from config.times import DAY, HOUR, MINUTE
from tests.indicators.told import Seen, Story, plan, seen

PLAN = plan(nights=True)


def nights(*events: list[Seen], **changes: object) -> dict[tuple[str, ...], int]:
    return Story([one for of_phone in events for one in of_phone], plan(nights=True, **changes)).of_day("nights")


def test_the_longest_stay_of_the_night_makes_it() -> None:
    assert nights(seen("A", "20:00 port", "20:30 port", "21:00 port", "21:10 beach", "21:35 beach")) == {("port",): 1}


def test_a_visit_counts_until_it_has_lingered_as_for_presence() -> None:
    assert nights(seen("A", "22:00 port", "22:29 port")) == {}
    assert nights(seen("A", "22:00 port", "22:30 port")) == {("port",): 1}


@pytest.mark.parametrize(("stay", "made"), [(30 * MINUTE, 1), (30 * MINUTE + 1, 0)])
def test_a_stay_makes_a_night_from_the_least_one_on(stay: int, made: int) -> None:
    assert nights(seen("A", "22:00 port"), night_stay=stay) == ({("port",): 1} if made else {})


def test_only_what_lies_between_the_two_local_times_counts() -> None:
    early = seen("A", "18:00 beach", "18:30 beach", "19:00 beach", "19:30 beach", "20:10 port", "20:40 port")
    assert nights(early) == {("port",): 1}
    assert nights(early, night_from=time(17), night_until=time(20)) == {("beach",): 1}


def test_a_night_may_begin_with_the_local_day_and_end_with_it() -> None:
    late = seen("A", "4:00 beach", "4:30 beach", "5:00 beach", "3:00 port", "3:30 port")
    assert nights(late, night_from=time(4), night_until=time(6)) == {("beach",): 1}
    assert nights(late, night_from=time(2), night_until=time(4)) == {("port",): 1}


def test_of_two_equal_stays_the_first_zone_of_the_layer_is_it() -> None:
    assert nights(seen("A", "20:00 port", "20:30 port", "22:00 beach", "22:30 beach")) == {("beach",): 1}


def test_who_is_outside_longest_has_no_night_in_any_zone() -> None:
    outside = seen("A", "20:00 outside", "20:30 outside", "21:00 outside", "21:10 beach", "21:40 beach")
    assert nights(outside) == {}


def test_several_visits_to_a_zone_add_up() -> None:
    there = seen("A", "20:00 beach", "20:25 port", "20:55 port", "21:00 beach", "22:30 beach", "22:35 beach")
    assert nights(there, night_stay=90 * MINUTE) == {("beach",): 1}


def test_a_visit_over_the_end_of_a_day_counts_on_each_with_its_own_part() -> None:
    events = seen("A", "3:00 beach", "3:30 beach", "2 4:00 beach", "2 4:20 beach", "2 4:50 port")
    story = Story(
        events, plan(nights=True, epoch_days=2, night_from=time(4), night_until=time(4), night_stay=40 * MINUTE)
    )
    assert [story.of_day("nights", day) for day in (1, 2)] == [{("beach",): 1}, {("beach",): 1}]


def test_nights_are_told_apart_by_origin_where_the_day_has_origins() -> None:
    events = [*seen("A", "22:00 port", "22:30 port"), *seen("B", "22:00 station", "22:30 station")]
    origins = {"A": "national:17", "B": "national:17"}
    story = Story(events, plan(nights=True, by_origin=frozenset([DAY])), origins)
    assert story.of_day("night_origins") == {("port", "local"): 1, ("station", "national:17"): 1}
    assert Story(events, plan(nights=True, by_origin=frozenset([HOUR])), origins).of_day("night_origins") == {}
