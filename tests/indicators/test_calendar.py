"""Days, epochs and windows as the oracle finds them, on days of 23 and 25 hours and in the last years there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foule.oracle.days import Days
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, HOUR, MINUTE
from indicators.calendar import Calendar, label_of_start, label_of_width, next_boundary, width_of_label
from tests.generators import parameters
from tests.streams.shards import settings_of

LAST = 253_402_300_799_999
PARIS = Calendar("Europe/Paris", time(4), [5 * MINUTE, HOUR, DAY])


def ms(*moment: int, zone: str = "Europe/Paris") -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type,misc]


def calendar_of(parameters: Parameters) -> Calendar:
    return Calendar.of(settings_of(parameters).time)


INSTANTS = st.one_of(
    st.integers(0, LAST),
    st.integers(1_388_534_400_000, 1_420_070_400_000),
    st.sampled_from([1_396_140_000_000, 1_396_141_200_000, 1_414_285_200_000, 1_396_712_700_000, 0, LAST]).flatmap(
        lambda at: st.integers(max(0, at - 3), min(LAST, at + 3))
    ),
)


@settings(deadline=None)
@given(parameters(), INSTANTS)
@example(Parameters(), LAST)
@example(Parameters(epoch_days=62), LAST)
@example(Parameters(zone="America/New_York", day_start=time(23, 59)), 0)
def test_days_epochs_and_windows_are_those_of_the_oracle(parameters: Parameters, ts: int) -> None:
    calendar, days = calendar_of(parameters), Days(parameters)
    assert calendar.day_of(ts) == days.day(ts)
    epoch, expected = calendar.epoch_of(ts), days.epoch(ts)
    assert (epoch.number, epoch.start, epoch.end) == tuple(expected)
    assert calendar.epoch(epoch.number) == epoch
    for width in parameters.widths:
        window = calendar.window_of(width, ts)
        assert (window.width, window.start, window.end) == (width, *days.window(width, ts))
        assert window.start <= ts < window.end


@settings(deadline=None, max_examples=40)
@given(parameters(), INSTANTS)
def test_the_boundaries_of_an_epoch_are_the_ends_of_its_windows(parameters: Parameters, ts: int) -> None:
    calendar = calendar_of(parameters)
    epoch = calendar.epoch_of(ts)
    ends: set[int] = set()
    for width in parameters.widths:
        at = epoch.start
        while at < epoch.end:
            at = calendar.window_of(width, at).end
            ends.add(at)
    boundaries = calendar.boundaries(epoch)
    assert boundaries == sorted(ends | {epoch.end})
    assert next_boundary(boundaries, ts) == min(end for end in boundaries if end > ts)


@pytest.mark.parametrize(("day", "hours"), [((2014, 3, 29), 23), ((2014, 10, 25), 25), ((2014, 6, 28), 24)])
def test_a_local_day_has_23_24_or_25_hours(day: tuple[int, int, int], hours: int) -> None:
    noon = ms(*day, 12)
    window = PARIS.window_of(DAY, noon)
    assert (window.start, window.end) == (ms(*day, 4), ms(*day, 4) + hours * HOUR)
    assert PARIS.epoch_of(noon)[2:] == (window.start, window.end)
    assert len(PARIS.boundaries(PARIS.epoch_of(noon))) == hours * 12


def test_the_last_window_of_a_day_is_cut_at_its_end() -> None:
    calendar = Calendar("Europe/Paris", time(4), [7 * HOUR])
    short, long = ms(2014, 3, 29, 4), ms(2014, 10, 25, 4)
    assert calendar.window_of(7 * HOUR, short + 23 * HOUR - 1)[1:] == (short + 21 * HOUR, short + 23 * HOUR)
    assert calendar.window_of(7 * HOUR, long + 25 * HOUR - 1)[1:] == (long + 21 * HOUR, long + 25 * HOUR)
    assert calendar.window_of(7 * HOUR, long + 25 * HOUR)[1:] == (long + 25 * HOUR, long + 32 * HOUR)


def test_an_epoch_is_a_run_of_days_counted_from_its_start() -> None:
    calendar = Calendar("Europe/Paris", time(4), [HOUR], 7, date(2014, 6, 2))
    before = calendar.epoch_of(ms(2014, 6, 2, 3, 59))
    first = calendar.epoch_of(ms(2014, 6, 2, 4))
    assert (before.number, before.label, before.end) == (-1, "20140526", first.start)
    assert (first.number, first.label, first.end) == (0, "20140602", ms(2014, 6, 9, 4))
    assert calendar.epoch_of(ms(2014, 6, 9, 3, 59)) == first
    assert calendar.epoch_of(ms(2014, 6, 9, 4)).number == 1


def test_epochs_have_labels_of_their_own() -> None:
    labels = [PARIS.epoch(number).label for number in range(-400, 4000)]
    assert len(set(labels)) == len(labels)


def test_the_last_day_there_is_ends_in_the_year_10000() -> None:
    epoch = PARIS.epoch_of(LAST)
    assert epoch.start <= LAST < epoch.end
    assert epoch.end - epoch.start == DAY
    assert PARIS.boundaries(epoch)[-1] == epoch.end


@pytest.mark.parametrize(
    ("width", "label"),
    [
        (300_000, "5m"),
        (HOUR, "1h"),
        (DAY, "1d"),
        (90_000, "90s"),
        (90 * MINUTE, "90m"),
        (61_000, "61s"),
        (7 * HOUR, "7h"),
    ],
)
def test_a_width_has_a_label_and_back(width: int, label: str) -> None:
    assert label_of_width(width) == label
    assert width_of_label(label) == width


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        ((2014, 6, 28, 10), "20140628T1000Z"),
        ((2014, 6, 28, 10, 5), "20140628T1005Z"),
        ((2014, 6, 28, 10, 5, 30), "20140628T100530Z"),
        ((1970, 1, 1), "19700101T0000Z"),
        ((9999, 12, 31, 23, 59), "99991231T2359Z"),
    ],
)
def test_a_start_is_written_in_utc(moment: tuple[int, ...], label: str) -> None:
    start = int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]
    assert label_of_start(start) == label


def test_calendars_that_differ_say_so() -> None:
    """What a calendar says of itself is part of the fingerprint under which snapshots and tallies are kept."""
    same = [Calendar("Europe/Paris", time(4), [DAY, HOUR]), Calendar("Europe/Paris", time(4), [HOUR, DAY])]
    other = [
        Calendar("Europe/Berlin", time(4), [HOUR, DAY]),
        Calendar("Europe/Paris", time(5), [HOUR, DAY]),
        Calendar("Europe/Paris", time(4), [HOUR]),
        Calendar("Europe/Paris", time(4), [HOUR, DAY], 2),
        Calendar("Europe/Paris", time(4), [HOUR, DAY], 1, date(2014, 1, 2)),
    ]
    assert repr(same[0]) == repr(same[1])
    assert len({repr(calendar) for calendar in [*same, *other]}) == 6


def test_a_window_has_its_widths_of_which_the_end_of_the_day_makes_several() -> None:
    calendar = Calendar("Europe/Paris", time(4), [7 * HOUR, 9 * HOUR, DAY])
    begin = calendar.day_start(date(2014, 6, 28).toordinal())
    end = calendar.day_start(date(2014, 6, 29).toordinal())
    assert calendar.widths_of(begin, end) == [DAY]
    assert calendar.widths_of(begin, begin + 7 * HOUR) == [7 * HOUR]
    assert calendar.widths_of(begin + 21 * HOUR, end) == [7 * HOUR]
    assert calendar.widths_of(begin + 18 * HOUR, end) == [9 * HOUR]
    assert calendar.widths_of(begin + HOUR, begin + 8 * HOUR) == []
    cut = Calendar("Europe/Paris", time(4), [11 * MINUTE, 13 * MINUTE])
    assert cut.widths_of(end - 10 * MINUTE, end) == [11 * MINUTE, 13 * MINUTE]
