"""Nights: in which zone a device stayed longest between two times of a local day."""

from datetime import date, time
from typing import Any

import pytest

from foule.oracle.days import Days, Span
from foule.oracle.oracle import Parameters, run
from foule.oracle.parameters import DAY, HOUR, MINUTE
from tests.oracle.cases import DAY_END, DAY_START, by_day, cells, count, daily, event, locate, log, there
from tests.oracle.test_days import instant

EIGHT = 10 * HOUR
"""Eight in the evening, after ten o'clock: the night begins."""
FOUR = 18 * HOUR


def nights(*values: bytes, **changes: Any) -> dict[Any, Any]:
    return by_day(daily(nights=True, **changes), "nights", *values)


def test_a_night_stay_of_an_hour_is_enough_and_one_of_less_is_none() -> None:
    # A visit ends half an hour after its last event.
    assert nights(event(EIGHT), event(EIGHT + 30 * MINUTE)) == {(0, "beach"): 1}
    assert nights(event(EIGHT), event(EIGHT + 30 * MINUTE - 1)) == {}
    assert nights(event(EIGHT), event(EIGHT + 10 * MINUTE), night_stay=40 * MINUTE) == {(0, "beach"): 1}


def test_only_what_lies_in_the_night_is_a_night_stay() -> None:
    assert nights(*there(EIGHT - 3 * HOUR, EIGHT + 30 * MINUTE)) == {(0, "beach"): 1}
    assert nights(*there(EIGHT - 3 * HOUR, EIGHT + 30 * MINUTE - 1)) == {}
    for least in (0, 1):
        assert nights(*there(EIGHT - 3 * HOUR, EIGHT - 30 * MINUTE), night_stay=least) == {}
    assert nights(*there(EIGHT - 3 * HOUR, EIGHT - 30 * MINUTE + 1), night_stay=1) == {(0, "beach"): 1}


def test_a_visit_that_is_open_at_the_days_end_counts_up_to_it() -> None:
    late = there(FOUR - HOUR, FOUR - 20 * MINUTE)
    assert nights(*late) == {(0, "beach"): 1}
    assert nights(*late, epoch_days=1) == {(0, "beach"): 1}
    assert nights(*there(FOUR - HOUR + 1, FOUR - 20 * MINUTE)) == {}
    over = there(FOUR - HOUR, FOUR + 5 * HOUR)
    assert nights(*over) == {(0, "beach"): 1}


def test_a_silence_that_ends_exactly_with_the_day_counts_up_to_it() -> None:
    assert nights(*there(FOUR - HOUR, FOUR - 30 * MINUTE)) == {(0, "beach"): 1}
    assert nights(*there(FOUR - HOUR, FOUR - 30 * MINUTE - 1)) == {}


def test_the_visits_of_a_zone_are_added_up_and_the_longest_stay_counts() -> None:
    twice = [event(EIGHT), event(EIGHT + 2 * HOUR)]
    port = there(EIGHT + 4 * HOUR, EIGHT + 4 * HOUR + 29 * MINUTE, "port-1")
    assert nights(*twice, *port) == {(0, "beach"): 1}
    longer = there(EIGHT + 4 * HOUR, EIGHT + 4 * HOUR + 31 * MINUTE, "port-1")
    assert nights(*twice, *longer) == {(0, "port"): 1}


def test_of_stays_of_the_same_length_the_first_zone_of_the_layer_counts_and_outside_last() -> None:
    an_hour_each = [*there(EIGHT, EIGHT + 40 * MINUTE), *there(EIGHT + HOUR, EIGHT + 90 * MINUTE, "port-1")]
    assert nights(*an_hour_each) == {(0, "port"): 1}
    unordered = run(daily(nights=True), {0: log(*an_hour_each)}, {0: [(9, DAY_END)]}, locate)
    assert cells(unordered, "nights", width=DAY) == {(-360, "beach"): 1}
    half_out = [*there(EIGHT, EIGHT + 40 * MINUTE, "sea-1"), *there(EIGHT + HOUR, EIGHT + 90 * MINUTE)]
    assert nights(*half_out) == {(0, "beach"): 1}


def test_who_is_outside_longest_spends_the_night_in_no_zone() -> None:
    out = [*there(EIGHT, EIGHT + 100 * MINUTE, "sea-1"), *there(EIGHT + 2 * HOUR, EIGHT + 3 * HOUR)]
    assert nights(*out) == {}


def test_a_stay_over_several_days_is_a_night_on_each() -> None:
    assert nights(*there(EIGHT - HOUR, EIGHT + DAY + 30 * MINUTE)) == {(0, "beach"): 1, (1, "beach"): 1}
    assert nights(*there(EIGHT - HOUR, EIGHT + DAY + 30 * MINUTE - 1)) == {(0, "beach"): 1}


def test_every_layer_has_its_own_nights() -> None:
    both = [*there(EIGHT, EIGHT + 40 * MINUTE), *there(EIGHT + HOUR, EIGHT + 90 * MINUTE, "port-1")]
    assert by_day(daily(nights=True), "nights", *both, layer="area") == {(0, "coast"): 1}


def test_a_device_counts_once_and_several_add_up() -> None:
    two = [one for name in "ab" for one in there(EIGHT, EIGHT + 90 * MINUTE, subscriber=name)]
    logs = sorted(two, key=lambda value: value.split(b",")[0])
    assert nights(*logs) == {(0, "beach"): 2}
    assert cells(count(*logs, parameters=daily()), "nights", width=DAY) == {}


# --- when a night is


def night(day: str, zone: str = "Europe/Paris", **changes: Any) -> Span:
    days = Days(Parameters(zone=zone, **changes))
    return days.night(days.window(DAY, instant(day)))


def span(begin: str, end: str) -> Span:
    return Span(instant(begin), instant(end))


def test_a_night_lies_in_one_local_day() -> None:
    noon = "2014-06-28T12:00:00+02:00"
    assert night(noon) == (DAY_START + 16 * HOUR, DAY_END)
    assert night(noon, night_from=time(22), night_until=time(2)) == (DAY_START + 18 * HOUR, DAY_START + 22 * HOUR)
    assert night(noon, night_from=time(0, 30), night_until=time(3)) == (
        DAY_START + 20 * HOUR + 30 * MINUTE,
        DAY_START + 23 * HOUR,
    )
    assert night(noon, night_from=time(4), night_until=time(5)) == (DAY_START, DAY_START + HOUR)
    assert night(noon, day_start=time(0), night_from=time(20), night_until=time(0)) == span(
        "2014-06-28T20:00:00+02:00", "2014-06-29T00:00:00+02:00"
    )
    assert night(noon, day_start=time(0), night_from=time(1), night_until=time(5)) == span(
        "2014-06-28T01:00:00+02:00", "2014-06-28T05:00:00+02:00"
    )


@pytest.mark.parametrize(
    ("noon", "begin", "end", "hours"),
    [
        ("2014-03-29T12:00:00+01:00", "2014-03-29T20:00:00+01:00", "2014-03-30T04:00:00+02:00", 7),
        ("2014-10-25T12:00:00+02:00", "2014-10-25T20:00:00+02:00", "2014-10-26T04:00:00+01:00", 9),
    ],
)
def test_the_night_in_which_clocks_change_is_an_hour_shorter_or_longer(
    noon: str, begin: str, end: str, hours: int
) -> None:
    found = night(noon)
    assert found == span(begin, end)
    assert found.end - found.start == hours * HOUR


def test_a_time_that_the_clock_skips_or_repeats_begins_a_night_as_it_would_a_day() -> None:
    skipped = night("2014-03-29T12:00:00+01:00", night_from=time(2, 30))
    assert skipped == span("2014-03-30T02:30:00+01:00", "2014-03-30T04:00:00+02:00")
    before_the_day = night("2014-03-30T12:00:00+02:00", day_start=time(2, 30), night_from=time(3), night_until=time(5))
    assert before_the_day == span("2014-03-30T03:30:00+02:00", "2014-03-30T05:00:00+02:00")
    repeated = night("2014-10-25T12:00:00+02:00", night_from=time(2, 30))
    assert repeated == span("2014-10-26T02:30:00+02:00", "2014-10-26T04:00:00+01:00")


def test_a_night_of_seven_hours_holds_a_stay_of_seven_hours_and_no_more() -> None:
    parameters = {"epoch_start": date(2014, 3, 29), "epoch_days": 2, "widths": (DAY,), "nights": True}
    begin, end = instant("2014-03-29T12:00:00+01:00"), instant("2014-03-30T12:00:00+02:00")
    values = [event(at - instant("2014-06-28T10:00:00+02:00")) for at in range(begin, end, 20 * MINUTE)]
    for least, zones in ((7 * HOUR, {"beach"}), (7 * HOUR + 1, set[str]())):
        found = count(*values, parameters=daily(**parameters, night_stay=least), end=end + 2 * DAY)
        days = [day for key, day in found.complete().items() if key.layer == "spot" and "nights" in day]
        assert [set(day["nights"]) for day in days] == [zones] * len(days) and len(days) == len(zones)
