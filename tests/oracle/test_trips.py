"""Trips: from one stop to the next, on the day on which the second is found to be one."""

from typing import Any

from foule.oracle.parameters import DAY, HOUR, MINUTE
from tests.oracle.cases import by_day, daily, event, there

FOUR = 18 * HOUR
STOP = 20 * MINUTE


def trips(*values: bytes, layer: str = "spot", **changes: Any) -> dict[Any, Any]:
    return by_day(daily(trips=True, **changes), "trips", *values, layer=layer)


def test_two_stops_in_a_row_in_different_zones_are_a_trip() -> None:
    assert trips(*there(0, STOP), *there(HOUR, HOUR + STOP, "port-1")) == {(0, ("beach", "port")): 1}


def test_a_stop_lasts_as_long_as_the_settings_say_from_first_to_last_event() -> None:
    assert trips(*there(0, STOP - 1), *there(HOUR, HOUR + STOP, "port-1")) == {}
    assert trips(*there(0, STOP), *there(HOUR, HOUR + STOP - 1, "port-1")) == {}
    assert trips(*there(0, HOUR), *there(2 * HOUR, 3 * HOUR, "port-1"), trip_stay=HOUR) == {(0, ("beach", "port")): 1}
    assert trips(*there(0, HOUR - 1), *there(2 * HOUR, 3 * HOUR, "port-1"), trip_stay=HOUR) == {}


def test_short_visits_and_silence_between_two_stops_are_of_no_matter() -> None:
    passed = [*there(0, STOP), event(STOP + MINUTE, cell="town-1"), *there(4 * HOUR, 5 * HOUR, "port-1")]
    assert trips(*passed) == {(0, ("beach", "port")): 1}


def test_back_to_the_same_zone_is_no_trip_unless_there_was_a_stop_elsewhere() -> None:
    brief = [*there(0, STOP), event(STOP + MINUTE, cell="town-1"), *there(HOUR, 2 * HOUR)]
    assert trips(*brief) == {}
    apart = [*there(0, STOP), *there(4 * HOUR, 5 * HOUR)]
    assert trips(*apart) == {}
    both = [*there(0, STOP), *there(HOUR, HOUR + STOP, "town-1"), *there(2 * HOUR, 3 * HOUR)]
    assert trips(*both) == {(0, ("beach", "town")): 1, (0, ("town", "beach")): 1}


def test_outside_is_a_zone_of_trips_and_a_device_adds_one_to_a_pair_and_day() -> None:
    out = [*there(0, STOP, "sea-1"), *there(HOUR, HOUR + STOP), *there(2 * HOUR, 2 * HOUR + STOP, "sea-1")]
    again = [
        *there(3 * HOUR, 3 * HOUR + STOP),
        *there(5 * HOUR, 6 * HOUR, "sea-2", "b"),
        *there(7 * HOUR, 8 * HOUR, subscriber="b"),
    ]
    assert trips(*out, *again) == {(0, ("outside", "beach")): 2, (0, ("beach", "outside")): 1}


def test_a_visit_that_is_open_when_a_day_ends_is_a_stop_by_its_last_event_so_far() -> None:
    first = there(FOUR - 3 * HOUR, FOUR - 2 * HOUR)
    assert trips(*first, *there(FOUR - STOP - 1, FOUR - 1, "port-1")) == {(0, ("beach", "port")): 1}
    assert trips(*first, *there(FOUR - STOP, FOUR - 1, "port-1")) == {}
    goes_on = [*there(FOUR - STOP - 1, FOUR - 1, "port-1"), *there(FOUR + MINUTE, FOUR + HOUR, "port-1")]
    assert trips(*first, *goes_on) == {(0, ("beach", "port")): 1}
    grows = [*there(FOUR - STOP, FOUR - 1, "port-1"), *there(FOUR, FOUR + HOUR, "port-1")]
    assert trips(*first, *grows) == {(1, ("beach", "port")): 1}


def test_an_event_at_the_very_end_of_a_day_is_of_the_next() -> None:
    first = there(FOUR - 3 * HOUR, FOUR - 2 * HOUR)
    assert trips(*first, *there(FOUR - STOP, FOUR, "port-1")) == {(1, ("beach", "port")): 1}


def test_a_stop_that_ends_with_a_day_or_later_is_found_on_the_day_of_its_last_event() -> None:
    first = there(FOUR - 3 * HOUR, FOUR - 2 * HOUR)
    at_the_end = [*there(FOUR - 50 * MINUTE, FOUR - 30 * MINUTE, "port-1")]
    assert trips(*first, *at_the_end) == {(0, ("beach", "port")): 1}
    after = [*there(FOUR - 21 * MINUTE, FOUR - MINUTE, "port-1"), event(FOUR + 5 * MINUTE)]
    assert trips(*first, *after) == {(0, ("beach", "port")): 1}


def test_a_visit_that_ends_at_the_very_end_of_a_day_with_an_event_of_its_own_is_a_stop_of_the_next() -> None:
    moved = [*there(FOUR - HOUR, FOUR - MINUTE - STOP), event(FOUR - MINUTE, cell="port-1"), event(FOUR, cell="port-1")]
    assert trips(*moved, event(FOUR, cell="town-1"), epoch_days=2, trip_stay=MINUTE) == {(1, ("beach", "port")): 1}


def test_a_stop_over_several_days_is_one_stop() -> None:
    long = [*there(FOUR - HOUR, FOUR + DAY + HOUR, "port-1"), *there(FOUR + DAY + 2 * HOUR, FOUR + DAY + 3 * HOUR)]
    assert trips(*there(0, HOUR), *long) == {(0, ("beach", "port")): 1, (2, ("port", "beach")): 1}


def test_trips_do_not_go_from_one_epoch_to_the_next() -> None:
    over = [*there(0, HOUR), *there(FOUR + HOUR, FOUR + 2 * HOUR, "port-1")]
    assert trips(*over) == {(1, ("beach", "port")): 1}
    cut = [*there(0, HOUR), *there(FOUR - 40 * MINUTE, FOUR - STOP, "port-1")]
    assert trips(*cut, epoch_days=1) == {(0, ("beach", "port")): 1}


def test_layers_have_trips_of_their_own() -> None:
    assert trips(*there(0, HOUR), *there(2 * HOUR, 3 * HOUR, "port-1"), layer="area") == {}
    short = [*there(0, 10 * MINUTE), *there(12 * MINUTE, STOP, "port-1"), *there(HOUR, 2 * HOUR, "town-1")]
    assert trips(*short) == {}
    assert trips(*short, layer="area") == {(0, ("coast", "town")): 1}
