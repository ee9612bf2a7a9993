"""Residents, habitual and other visitors: as what devices are in a zone on a day."""

from typing import Any

from foule.oracle.parameters import DAY, HOUR, MINUTE
from tests.oracle.cases import by_day, daily, event, there

EIGHT = 10 * HOUR


def categories(*values: bytes, layer: str = "spot", **changes: Any) -> dict[Any, Any]:
    parameters = daily(**({"categories": True, "areas": {"17", "33"}} | changes))
    return by_day(parameters, "categories", *values, layer=layer)


def test_a_stay_of_two_hours_makes_a_visitor_and_a_shorter_one_is_transit() -> None:
    # A visit ends half an hour after its last event.
    assert categories(*there(0, 90 * MINUTE)) == {(0, ("beach", "visitor")): 1}
    assert categories(*there(0, 90 * MINUTE - 1)) == {(0, ("beach", "transit")): 1}
    assert categories(event(0), event(4 * HOUR), event(5 * HOUR), event(6 * HOUR)) == {(0, ("beach", "visitor")): 1}
    assert categories(event(0), event(4 * HOUR), event(5 * HOUR)) == {(0, ("beach", "transit")): 1}
    assert categories(event(0), visit_stay=30 * MINUTE) == {(0, ("beach", "visitor")): 1}


def test_who_spends_the_night_is_a_tourist_there_and_not_elsewhere() -> None:
    day = [*there(0, 3 * HOUR, "port-1"), *there(EIGHT, EIGHT + 40 * MINUTE)]
    assert categories(*day) == {(0, ("beach", "tourist")): 1, (0, ("port", "visitor")): 1}


def test_who_has_its_home_area_there_is_a_resident_whatever_else_it_is() -> None:
    day = [
        *there(0, 3 * HOUR, "port-1", home="17"),
        *there(EIGHT, EIGHT + 40 * MINUTE),
        event(EIGHT + HOUR, cell="sea-1"),
    ]
    assert categories(*day) == {(0, ("beach", "resident")): 1, (0, ("port", "visitor")): 1}
    assert categories(*day, layer="area") == {(0, ("coast", "resident")): 1}
    assert categories(*day, areas={"33"}) == {(0, ("beach", "tourist")): 1, (0, ("port", "visitor")): 1}


def test_who_was_there_on_enough_earlier_days_is_habitual() -> None:
    visits = [event(day * DAY) for day in range(5)]
    found = categories(*visits)
    assert found == {(day, ("beach", "transit")): 1 for day in range(4)} | {(4, ("beach", "habitual")): 1}
    assert (4, ("beach", "transit")) in categories(*visits[1:])
    assert (1, ("beach", "habitual")) in categories(*visits, habitual_days=1)
    other = [event(day * DAY, cell="port-1" if day == 1 else "beach-1") for day in range(5)]
    assert (4, ("beach", "transit")) in categories(*other)


def test_habit_comes_before_the_night_and_home_before_habit() -> None:
    nights = [one for day in range(5) for one in there(EIGHT + day * DAY, EIGHT + day * DAY + HOUR)]
    found = categories(*nights)
    assert [found.get((day, ("beach", "tourist"))) for day in range(5)] == [1, 1, 1, 1, None]
    assert found[4, ("beach", "habitual")] == 1
    at_home = [event(-HOUR, cell="port-1", home="17"), *nights]
    assert categories(*at_home)[4, ("beach", "resident")] == 1


def test_a_visit_over_the_days_end_is_present_on_both_days_each_with_its_own_stay() -> None:
    # Two hours before four in the morning and, with half an hour of silence, one hour after it.
    found = categories(*there(16 * HOUR, 18 * HOUR + 30 * MINUTE))
    assert found == {(0, ("beach", "tourist")): 1, (1, ("beach", "transit")): 1}
    longer = categories(*there(16 * HOUR, 19 * HOUR + 30 * MINUTE))
    assert longer[1, ("beach", "visitor")] == 1


def test_a_silence_that_ends_exactly_with_the_day_is_present_on_the_next_in_transit() -> None:
    found = categories(event(17 * HOUR + 30 * MINUTE))
    assert found == {(0, ("beach", "transit")): 1, (1, ("beach", "transit")): 1}
    assert set(categories(event(17 * HOUR + 30 * MINUTE - 1))) == {(0, ("beach", "transit"))}
    assert set(categories(event(17 * HOUR + 30 * MINUTE), epoch_days=1)) == {(0, ("beach", "transit"))}


def test_such_days_count_for_the_habit() -> None:
    found = categories(event(17 * HOUR + 30 * MINUTE), event(2 * DAY), habitual_days=2)
    assert found[2, ("beach", "habitual")] == 1


def test_habits_end_with_the_epoch_and_outside_has_no_categories() -> None:
    assert set(categories(event(0), event(DAY), epoch_days=1, habitual_days=1)) == {(0, ("beach", "transit"))}
    assert categories(event(0, cell="sea-1")) == {}


def test_each_device_is_one_thing_in_a_zone_on_a_day() -> None:
    two = sorted([*there(0, 2 * HOUR), *there(0, HOUR, subscriber="b"), *there(0, 2 * HOUR, subscriber="c")])
    assert categories(*two) == {(0, ("beach", "visitor")): 2, (0, ("beach", "transit")): 1}
