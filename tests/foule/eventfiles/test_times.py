"""Times of recorded files: every format, local clocks, damage; columns and single values agree."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.errors import SettingsError
from foule.eventfiles.times import UNREADABLE, TimeReader

UNICOM = "%Y-%m-%d %H:%M:%S.%f"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, zone: str = "UTC") -> int:
    return (datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)) - EPOCH) // timedelta(milliseconds=1)


def read(time_format: str, *texts: str | None, zone: str = "UTC") -> list[int]:
    return [int(moment) for moment in TimeReader(time_format, zone).read(texts)]


def test_milliseconds_and_seconds_are_numbers_since_the_epoch_floored() -> None:
    assert read("ms", "1438525626609", "0", "1438525626609.9", "-1.5", "1.4e12") == [
        1438525626609,
        0,
        1438525626609,
        -2,
        1400000000000,
    ]
    assert read("s", "1438525626", "1438525626.609871", "1438525626.9999999", "-0.0001") == [
        1438525626000,
        1438525626609,
        1438525626999,
        -1,
    ]


@pytest.mark.parametrize("text", ["", " 12", "12ab", "nan", "inf", "1e999999999", "9" * 40, "1_000", None])
@pytest.mark.parametrize("time_format", ["ms", "s"])
def test_what_is_no_number_of_a_sensible_size_cannot_be_read(time_format: str, text: str | None) -> None:
    assert read(time_format, "12", text)[1] == UNREADABLE


def test_iso_times_take_their_offset_or_else_the_zone() -> None:
    texts = [
        "2014-06-28T10:00:00",
        "2014-06-28 10:00:00.5Z",
        "2014-06-28T10:00:00.123456-03:30",
        "2014-06-28",
        "20140628T100000+0200",
    ]
    assert read("iso", *texts, zone="Europe/Paris") == [
        ms(2014, 6, 28, 8),
        ms(2014, 6, 28, 10) + 500,
        ms(2014, 6, 28, 13, 30) + 123,
        ms(2014, 6, 27, 22),
        ms(2014, 6, 28, 8),
    ]


def test_damaged_times_of_the_unicom_file_cannot_be_read_and_harm_no_other() -> None:
    assert read(UNICOM, "2015-08-02 22:27:06.609871", "08:31.0", "", None, zone="Asia/Shanghai") == [
        1438525626609,
        UNREADABLE,
        UNREADABLE,
        UNREADABLE,
    ]


def test_times_before_1970_are_floored_too() -> None:
    assert read(UNICOM, "1969-12-31 23:59:59.999900") == [-1]


@pytest.mark.parametrize(
    "text",
    [
        "2015-02-29 00:00:00.0",
        "2015-13-01 00:00:00.0",
        "2015-00-10 00:00:00.0",
        "2015-01-32 00:00:00.0",
        "2015-01-01 24:00:00.0",
        "2015-01-01 00:60:00.0",
        "0000-01-01 00:00:00.0",
    ],
)
def test_dates_and_clock_times_that_do_not_exist_cannot_be_read(text: str) -> None:
    assert read(UNICOM, text) == [UNREADABLE]


def test_leap_days_exist() -> None:
    assert read(UNICOM, "2016-02-29 00:00:00.0", "2000-02-29 00:00:00.0") == [ms(2016, 2, 29), ms(2000, 2, 29)]


def test_a_local_time_that_occurs_twice_is_the_first() -> None:
    assert read("iso", "2014-10-26T02:30:00", zone="Europe/Paris") == [ms(2014, 10, 26, 0, 30)]


def test_a_local_time_that_is_skipped_takes_the_offset_before_the_change() -> None:
    assert read("iso", "2014-03-30T02:30:00", zone="Europe/Paris") == [ms(2014, 3, 30, 1, 30)]


def test_an_offset_that_changes_within_an_hour_is_right_on_both_sides() -> None:
    # Lord Howe Island goes back half an hour at 02:00; local 01:30 to 02:00 occurs twice
    texts = ["2014-04-06T01:15:00", "2014-04-06T01:45:00", "2014-04-06T02:15:00"]
    expected = [ms(2014, 4, 6, 1, 15, zone="Australia/Lord_Howe")]
    expected += [ms(2014, 4, 6, 1, 45, zone="Australia/Lord_Howe"), ms(2014, 4, 6, 2, 15, zone="Australia/Lord_Howe")]
    assert read("iso", *texts, zone="Australia/Lord_Howe") == expected


def test_a_format_with_names_is_read_one_by_one() -> None:
    assert read("%d %b %Y %I:%M %p", "28 Jun 2014 10:00 PM", "28 Foo 2014 10:00 PM") == [
        ms(2014, 6, 28, 22),
        UNREADABLE,
    ]


@pytest.mark.parametrize("time_format", ["%H:%M", "%Y-%Q", "%Y-%m-%d %d", "%Y-%m", "%"])
def test_a_format_without_a_whole_date_is_refused_with_the_setting_to_change(time_format: str) -> None:
    with pytest.raises(SettingsError, match=r"replay\.time_format"):
        TimeReader(time_format, "UTC")


FORMATS = [UNICOM, "%Y%m%d%H%M%S", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S.%f%z", "at %H h on %Y.%m.%d %%", "iso"]
ODD = st.text(alphabet="0123456789-:./ TZ+%h", max_size=30)


@given(
    st.sampled_from(FORMATS),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe"]),
    st.lists(st.datetimes(min_value=datetime(1960, 1, 1), max_value=datetime(2099, 1, 1)), max_size=8),
    st.lists(ODD, max_size=3),
)
@example("iso", "Europe/Paris", [datetime(2014, 10, 26, 2, 59, 59, 999999)], ["2015-02-30T00:00:00"])
def test_a_column_reads_as_its_values_one_by_one(
    time_format: str, zone: str, clocks: list[datetime], odd: list[str]
) -> None:
    written = [
        clock.isoformat() if time_format == "iso" else clock.replace(tzinfo=UTC).strftime(time_format)
        for clock in clocks
    ]
    texts = written + odd
    found = TimeReader(time_format, zone).read(texts).tolist()
    for text, value in zip(texts, found, strict=True):
        try:
            clock = datetime.fromisoformat(text) if time_format == "iso" else datetime.strptime(text, time_format)
        except ValueError:
            assert value == UNREADABLE
            continue
        moment = clock if clock.tzinfo else clock.replace(tzinfo=ZoneInfo(zone))
        assert value == (moment - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_columns_are_floored_and_local_unless_they_have_a_zone(unit: str) -> None:
    clocks = [datetime(2014, 6, 28, 10), None, datetime(1969, 12, 31, 23)]
    reader = TimeReader("ms", "Europe/Paris")
    assert reader.read_typed(pa.array(clocks, pa.timestamp(unit))).tolist() == [
        ms(2014, 6, 28, 8),
        UNREADABLE,
        ms(1969, 12, 31, 22),
    ]
    aware = pa.array(clocks, pa.timestamp(unit, "Asia/Tokyo"))
    assert reader.read_typed(aware).tolist() == [ms(2014, 6, 28, 10), UNREADABLE, ms(1969, 12, 31, 23)]


def test_typed_dates_begin_at_local_midnight() -> None:
    dates = pa.array([datetime(2014, 6, 28).date()], pa.date32())
    assert TimeReader("ms", "Europe/Paris").read_typed(dates).tolist() == [ms(2014, 6, 27, 22)]


def test_typed_times_beyond_every_calendar_stay_beyond() -> None:
    far = pa.array(np.array([2**62, -(2**62)]), pa.timestamp("s"))
    high, low = TimeReader("ms", "Asia/Shanghai").read_typed(far).tolist()
    assert high > 253402300800000
    assert low < 0
