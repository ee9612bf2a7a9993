"""Local days, epochs and windows against instants written with their offset (docs/indicators.md)."""

from datetime import UTC, date, datetime, time

import pytest

from foule.oracle.days import Days
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from tests.oracle.cases import DAY_END, DAY_START


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def test_windows_are_aligned_to_the_local_day() -> None:
    days = Days(Parameters(zone="Asia/Kolkata", day_start=time(4)))
    midnight = instant("2014-06-28T04:00:00+05:30")
    assert days.window(HOUR, midnight) == (midnight, midnight + HOUR)
    assert days.window(HOUR, midnight - 1) == (midnight - HOUR, midnight)
    assert days.window(DAY, midnight - 1) == (midnight - DAY, midnight)


def test_the_last_window_of_a_local_day_is_cut_at_its_end() -> None:
    days = Days(Parameters())
    assert days.window(7 * HOUR, DAY_END - 1) == (DAY_START + 21 * HOUR, DAY_END)
    assert days.window(7 * HOUR, DAY_END) == (DAY_END, DAY_END + 7 * HOUR)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2014-03-29T04:00:00+01:00", "2014-03-30T04:00:00+02:00", 23),
        ("2014-10-25T04:00:00+02:00", "2014-10-26T04:00:00+01:00", 25),
        ("2014-06-28T04:00:00+02:00", "2014-06-29T04:00:00+02:00", 24),
    ],
)
def test_a_day_of_23_or_25_hours_is_one_window_of_a_day_and_as_many_of_an_hour(
    start: str, end: str, hours: int
) -> None:
    days, first, last = Days(Parameters()), instant(start), instant(end)
    assert last - first == hours * HOUR
    assert days.window(DAY, first) == days.window(DAY, last - 1) == (first, last)
    hourly = {days.window(HOUR, ts) for ts in range(first, last, 10 * MINUTE)}
    assert hourly == {(first + n * HOUR, first + (n + 1) * HOUR) for n in range(hours)}
    assert days.window(2 * HOUR, last - 1) == (first + (hours - 1) // 2 * 2 * HOUR, last)


def test_a_day_start_that_the_clock_skips_or_repeats() -> None:
    days = Days(Parameters(day_start=time(2, 30)))
    skipped, repeated = date(2014, 3, 30).toordinal(), date(2014, 10, 26).toordinal()
    assert days.start(skipped) == instant("2014-03-30T02:30:00+01:00")
    assert days.start(repeated) == instant("2014-10-26T02:30:00+02:00")


def test_a_date_that_a_zone_skips_has_no_instant() -> None:
    days = Days(Parameters(zone="Pacific/Apia"))
    last = instant("2011-12-30T03:59:59-10:00")
    assert days.day(last) == date(2011, 12, 29).toordinal()
    assert days.day(last + SECOND) == date(2011, 12, 31).toordinal()
    assert days.window(DAY, last + SECOND).end == last + SECOND + DAY


def test_the_last_day_of_the_year_9999_has_an_end() -> None:
    days = Days(Parameters())
    last = 253_402_300_799_999
    assert days.window(DAY, last) == (last + 1 - 21 * HOUR, last + 1 + 3 * HOUR)
    assert days.epoch(last).end == last + 1 + 3 * HOUR


def test_epochs_are_counted_from_their_start_date_also_backwards() -> None:
    days = Days(Parameters(zone="UTC", epoch_days=7, epoch_start=date(2014, 6, 30)))
    start = instant("2014-06-30T04:00:00+00:00")
    assert days.epoch(start) == (0, start, start + 7 * DAY)
    assert days.epoch(start + 7 * DAY) == (1, start + 7 * DAY, start + 14 * DAY)
    assert days.epoch(start - 1) == (-1, start - 7 * DAY, start)
    assert days.epoch(start - 7 * DAY - 1).number == -2


def test_an_epoch_of_several_days_with_a_change_of_the_clock_ends_with_its_last_local_day() -> None:
    days = Days(Parameters(epoch_days=2, epoch_start=date(2014, 3, 29)))
    found = days.epoch(instant("2014-03-30T12:00:00+02:00"))
    assert found == (0, instant("2014-03-29T04:00:00+01:00"), instant("2014-03-31T04:00:00+02:00"))
