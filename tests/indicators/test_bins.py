"""Values fall into bins from their lower ends on, and a run of bins is named by where it begins and ends."""

from __future__ import annotations

import numpy as np
import pytest

from config.times import HOUR, MINUTE
from indicators.bins import DAYS, Bins

STAYS = Bins.of_durations([15 * MINUTE, 30 * MINUTE, HOUR, 90 * MINUTE])


def test_a_value_at_an_edge_is_in_the_bin_that_begins_there() -> None:
    values = np.array([0, 15 * MINUTE - 1, 15 * MINUTE, HOUR - 1, HOUR, 90 * MINUTE, 1 << 50])
    assert STAYS.of(values).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert len(STAYS) == 5


def test_numbers_of_days_have_bins_of_their_own_up_to_three() -> None:
    assert DAYS.of(np.arange(1, 11)).tolist() == [0, 1, 2, 3, 3, 3, 3, 4, 4, 4]


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [(0, 0, "0-15m"), (0, 1, "0-30m"), (1, 2, "15m-1h"), (3, 3, "1h-90m"), (4, 4, "90m+"), (0, 4, "0+")],
)
def test_runs_of_durations_are_named_as_settings_write_them(first: int, last: int, name: str) -> None:
    assert STAYS.name(first, last) == name


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [(0, 0, "1"), (1, 2, "2-3"), (3, 3, "4-7"), (2, 3, "3-7"), (4, 4, "8+"), (3, 4, "4+"), (0, 4, "1+")],
)
def test_runs_of_numbers_are_named_by_the_first_and_the_last(first: int, last: int, name: str) -> None:
    assert DAYS.name(first, last) == name
