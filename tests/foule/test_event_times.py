"""The range of event times and what lies far from the rest."""

import numpy as np

from config.times import DAY, HOUR
from foule.event_times import EventTimes

JUNE = 1_403_949_600_000


def of(*parts: np.ndarray | list[int]) -> EventTimes:
    times = EventTimes()
    for part in parts:
        times.add(np.array(part, dtype=np.int64))
    return times


def test_without_times_there_is_no_range_and_no_outlier() -> None:
    times = of([], [-1, -1])
    assert (times.first, times.last) == (-1, -1)
    assert times.outliers() == (0, [])


def test_the_range_leaves_out_what_is_no_time() -> None:
    times = of([-1, JUNE + 5], [JUNE, -1])
    assert (times.first, times.last) == (JUNE, JUNE + 5)


def test_a_damaged_year_is_an_outlier_and_shown_exactly() -> None:
    century = JUNE + 86 * 365 * DAY + 123
    times = of(JUNE + np.arange(0, 2 * DAY, 60_000), [century, 7])
    assert times.outliers() == (2, [century, 7])


def test_a_quiet_month_has_no_outliers() -> None:
    assert of(JUNE + np.arange(0, 31 * DAY, HOUR // 2)).outliers().number == 0


def test_hours_around_a_short_burst_are_no_outliers() -> None:
    assert of([JUNE] * 1000, [JUNE - 20 * HOUR, JUNE + 20 * HOUR]).outliers().number == 0


def test_times_spread_over_centuries_take_bounded_memory() -> None:
    spread = np.random.default_rng(1).integers(0, 253_402_300_800_000, 300_000)
    times = of(*np.array_split(spread, 10))
    assert len(times._counts) <= 50_000
    assert sum(times._counts.values()) == 300_000
    assert (times.first, times.last) == (spread.min(), spread.max())
