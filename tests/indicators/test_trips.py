"""A trip goes from one stop to the next; passing through is no stop."""

from __future__ import annotations

from config.times import MINUTE
from tests.indicators.told import Story, at, plan, seen


def trips(*where: str, day: int = 1, **changes: object) -> dict[tuple[str, ...], int]:
    return Story(seen("A", *where), plan(trips=True, **changes)).of_day("trips", day)


def test_two_stops_in_a_row_in_different_zones_are_a_trip() -> None:
    assert trips("10:00 port", "10:20 port", "10:40 beach", "11:00 beach") == {("port", "beach"): 1}


def test_a_visit_is_a_stop_from_the_least_stay_on_by_its_first_and_last_event() -> None:
    short = ["10:00 port", "10:19 port", "10:40 beach", "11:00 beach"]
    assert trips(*short) == {}
    assert trips(*short, trip_stay=19 * MINUTE) == {("port", "beach"): 1}


def test_passing_through_and_silence_between_two_stops_are_of_no_matter() -> None:
    where = ["10:00 port", "10:20 port", "10:25 station", "10:30 outside", "15:00 beach", "15:20 beach"]
    assert trips(*where) == {("port", "beach"): 1}


def test_back_to_the_same_zone_is_no_trip_without_a_stop_elsewhere() -> None:
    assert trips("10:00 port", "10:20 port", "10:25 beach", "10:30 port", "10:50 port") == {}
    there = ["10:00 port", "10:20 port", "10:25 beach", "10:45 beach", "10:50 port", "11:10 port"]
    assert trips(*there) == {("port", "beach"): 1, ("beach", "port"): 1}


def test_outside_may_be_an_end_and_a_pair_has_a_device_once() -> None:
    once = ["{0}:00 outside", "{0}:20 outside", "{0}:30 beach", "{0}:50 beach"]
    where = [one.format(hour) for hour in (10, 11) for one in once]
    assert trips(*where) == {("outside", "beach"): 1, ("beach", "outside"): 1}


def test_a_visit_that_goes_on_over_the_days_end_is_a_stop_by_its_events_so_far_and_only_one() -> None:
    where = ["2:00 port", "2:20 port", "3:20 beach", "3:45 beach", "2 4:10 beach", "2 4:35 beach", "2 5:00 port"]
    found = [trips(*where, day=day, epoch_days=2) for day in (1, 2)]
    assert found == [{("port", "beach"): 1}, {}]


def test_a_stop_that_is_long_enough_only_on_the_next_day_counts_then() -> None:
    where = ["2:00 port", "2:20 port", "3:50 beach", "2 4:15 beach"]
    found = [trips(*where, day=day, epoch_days=2) for day in (1, 2)]
    assert found == [{}, {("port", "beach"): 1}]


def test_the_end_of_the_epoch_looks_at_open_visits_and_no_trip_goes_over_it() -> None:
    assert trips("2:00 port", "2:20 port", "3:20 beach", "3:45 beach") == {("port", "beach"): 1}
    assert trips("3:00 port", "3:30 port", "2 4:10 beach", "2 4:40 beach") == {}


def test_the_last_stop_and_the_trips_of_the_day_outlive_a_snapshot() -> None:
    where = ["10:00 port", "10:20 port", "10:40 beach", "11:00 beach", "11:30 station", "12:00 station"]
    story = Story(seen("A", *where), plan(trips=True))
    [counts] = [
        tally.counts["trips"].as_dict()
        for tally in story.tallies(copied_at=[at("10:45"), at("11:45"), at("13:00")])
        if "trips" in tally.counts
    ]
    assert counts == story.tallies()[-1].counts["trips"].as_dict()
    assert len(counts) == 2
