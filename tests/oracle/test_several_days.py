"""Who comes again, who stays on, and where devices usually sleep, in epochs of several days."""

from datetime import date
from typing import Any

from foule.oracle.parameters import DAY, HOUR, MINUTE
from tests.oracle.cases import TEN, by_day, count, daily, event, there
from tests.oracle.test_days import instant

EIGHT = 10 * HOUR
FOUR = 18 * HOUR


def night(day: int, cell: str = "beach-1", subscriber: str = "a") -> list[bytes]:
    """Events of a night of an hour and a half."""
    return there(EIGHT + day * DAY, EIGHT + day * DAY + HOUR, cell, subscriber)


def recurrence(*values: bytes, **changes: Any) -> dict[Any, Any]:
    return by_day(daily(recurrence=True, **changes), "recurrence", *values)


def sojourns(*values: bytes, **changes: Any) -> dict[Any, Any]:
    return by_day(daily(sojourns=True, **changes), "sojourns", *values)


def usual(*values: bytes, **changes: Any) -> dict[Any, Any]:
    return by_day(daily(usual=True, **changes), "usual", *values)


def test_recurrence_is_on_how_many_days_a_device_was_in_a_zone_so_far() -> None:
    nine = recurrence(*[event(day * DAY) for day in range(9)], epoch_days=9)
    bins = ["1", "2", "3", "4-7", "4-7", "4-7", "4-7", "8+", "8+"]
    assert nine == {(day, ("beach", name)): 1 for day, name in enumerate(bins)}


def test_days_of_absence_and_of_other_zones_do_not_count_for_recurrence() -> None:
    some = recurrence(event(0), event(DAY, cell="port-1"), event(3 * DAY), event(4 * DAY, cell="sea-1"))
    assert some == {(0, ("beach", "1")): 1, (1, ("port", "1")): 1, (3, ("beach", "2")): 1}


def test_a_silence_that_ends_exactly_with_a_day_recurs_on_the_next_and_an_epoch_begins_anew() -> None:
    assert recurrence(event(FOUR - 30 * MINUTE)) == {(0, ("beach", "1")): 1, (1, ("beach", "2")): 1}
    assert recurrence(event(FOUR - 30 * MINUTE - 1)) == {(0, ("beach", "1")): 1}
    two_epochs = count(
        event(0), event(DAY), event(2 * DAY), parameters=daily(recurrence=True, epoch_days=2), end=4 * DAY + TEN
    )
    found = [day["recurrence"] for key, day in sorted(two_epochs.complete().items()) if key.layer == "spot"]
    assert found == [{("beach", "1"): 1}, {("beach", "2"): 1}, {("beach", "1"): 1}]


def test_a_day_on_which_clocks_change_is_one_day_of_recurrence_however_long_it_is() -> None:
    for noon, late, early, hours in (
        ("2014-10-25T12:00:00+02:00", "2014-10-26T03:20:00+01:00", "2014-10-26T04:00:00+01:00", 25),
        ("2014-03-29T12:00:00+01:00", "2014-03-30T03:20:00+02:00", "2014-03-30T04:00:00+02:00", 23),
    ):
        parameters = daily(recurrence=True, epoch_start=date.fromisoformat(noon[:10]), epoch_days=2)
        found = []
        for second in (late, early):
            values = [event(instant(at) - TEN) for at in (noon, second)]
            complete = count(*values, parameters=parameters, end=instant(noon) + 5 * DAY).complete()
            spots = {key: counts["recurrence"] for key, counts in complete.items() if key.layer == "spot"}
            found.append({(key.end - key.start) // HOUR: counts for key, counts in spots.items()})
        assert found == [
            {hours: {("beach", "1"): 1}},
            {hours: {("beach", "1"): 1}, 24: {("beach", "2"): 1}},
        ]


def test_sojourns_are_nights_in_a_row_in_a_zone() -> None:
    three = sojourns(*night(0), *night(1), *night(2))
    assert three == {(0, ("beach", "1")): 1, (1, ("beach", "2")): 1, (2, ("beach", "3")): 1}
    long = sojourns(*[one for day in range(9) for one in night(day)], epoch_days=9)
    assert [next(cell for at, cell in long if at == day)[1] for day in (3, 6, 7, 8)] == ["4-7", "4-7", "8+", "8+"]


def test_a_night_elsewhere_or_nowhere_begins_a_sojourn_anew() -> None:
    elsewhere = sojourns(*night(0), *night(1, "port-1"), *night(2), *night(3))
    assert elsewhere == {
        (0, ("beach", "1")): 1,
        (1, ("port", "1")): 1,
        (2, ("beach", "1")): 1,
        (3, ("beach", "2")): 1,
    }
    assert sojourns(*night(0), *night(2)) == {(0, ("beach", "1")): 1, (2, ("beach", "1")): 1}
    outside = sojourns(*night(0), *night(1, "sea-1"), *night(2))
    assert outside == {(0, ("beach", "1")): 1, (2, ("beach", "1")): 1}
    day_only = sojourns(*night(0), event(DAY), *night(2))
    assert day_only == {(0, ("beach", "1")): 1, (2, ("beach", "1")): 1}


def test_a_visit_over_days_is_a_sojourn_that_goes_on() -> None:
    over = sojourns(*there(EIGHT, EIGHT + 2 * DAY + HOUR))
    assert over == {(0, ("beach", "1")): 1, (1, ("beach", "2")): 1, (2, ("beach", "3")): 1}


def test_the_usual_zone_is_that_of_most_nights_so_far_from_the_third_on() -> None:
    assert usual(*night(0), *night(1)) == {}
    assert usual(*night(0), *night(1), *night(2)) == {(2, "beach"): 1}
    assert usual(*night(0), *night(2), usual_nights=2) == {(2, "beach"): 1}
    assert usual(*night(0), usual_nights=1) == {(0, "beach"): 1}


def test_the_usual_zone_counts_on_days_on_which_the_device_is_anywhere() -> None:
    three = [*night(0), *night(1), *night(2)]
    assert usual(*three, event(3 * DAY, cell="town-1")) == {(2, "beach"): 1, (3, "beach"): 1}
    assert usual(*three, event(4 * DAY, cell="sea-1")) == {(2, "beach"): 1, (4, "beach"): 1}
    # A silence that ends at four in the morning is present on the day that begins then.
    still = usual(*night(0), *night(1), *there(FOUR + 2 * DAY - 2 * HOUR, FOUR + 2 * DAY - 30 * MINUTE))
    assert still == {(2, "beach"): 1, (3, "beach"): 1}


def test_between_zones_of_as_many_nights_the_first_of_the_layer_is_the_usual_one() -> None:
    turns = [*night(0), *night(1, "port-1"), *night(2), *night(3, "port-1"), *night(4)]
    assert usual(*turns, usual_nights=1) == {
        (0, "beach"): 1,
        (1, "port"): 1,
        (2, "beach"): 1,
        (3, "port"): 1,
        (4, "beach"): 1,
    }


def test_who_sleeps_outside_most_often_has_no_usual_zone() -> None:
    out = [*night(0, "sea-1"), *night(1, "sea-1"), *night(2), *night(3), *night(4, "sea-1")]
    assert usual(*out, usual_nights=1) == {(3, "beach"): 1}
