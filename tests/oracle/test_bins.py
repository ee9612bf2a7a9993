"""Bins and the names of their runs, and quartiles of published histograms."""

import pytest

from foule.oracle.bins import NUMBER_BINS, number_bin, quartiles, stay_bin, stay_bins
from foule.oracle.parameters import HOUR, MINUTE, SECOND, Parameters

EDGES = Parameters.dwell_edges


def test_bins_of_stays_are_named_by_their_edges() -> None:
    assert stay_bins(EDGES).names == ["0-15m", "15m-30m", "30m-1h", "1h-2h", "2h-4h", "4h-8h", "8h+"]
    assert stay_bins((90 * SECOND, 60 * MINUTE, 24 * HOUR)).names == ["0-90s", "90s-1h", "1h-1d", "1d+"]


def test_runs_are_named_by_where_they_begin_and_end() -> None:
    bins = stay_bins(EDGES)
    assert [bins.run(0, 1), bins.run(1, 3), bins.run(5, 6), bins.run(6, 6), bins.run(0, 6)] == [
        "0-30m",
        "15m-2h",
        "4h+",
        "8h+",
        "0+",
    ]
    numbers = [NUMBER_BINS.run(*run) for run in ((0, 0), (1, 2), (3, 3), (0, 3), (2, 4), (4, 4), (0, 4))]
    assert numbers == ["1", "2-3", "4-7", "1-7", "3+", "8+", "1+"]


def test_a_stay_is_in_the_bin_that_begins_at_it_and_a_number_in_the_one_that_holds_it() -> None:
    assert [stay_bin(EDGES, at) for at in (0, 15 * MINUTE - 1, 15 * MINUTE, 8 * HOUR)] == [
        "0-15m",
        "0-15m",
        "15m-30m",
        "8h+",
    ]
    assert [number_bin(number) for number in (1, 2, 3, 4, 7, 8, 62)] == ["1", "2", "3", "4-7", "4-7", "8+", "8+"]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        # A hundred people evenly over a quarter of an hour, and none in the open bin.
        ({"0-15m": 100, "15m+": 0}, [225, 450, 675]),
        # Of 200, the 50th is halfway through the first 100; exactly where a run ends, it is there.
        ({"0-30m": 100, "30m-1h": 100}, [900, 1800, 2700]),
        ({"0-30m": 100, "30m+": 100}, [900, 1800, None]),
        ({"0-30m": 99, "30m+": 101}, [909, None, None]),
        ({"0+": 40}, [None, None, None]),
        # The order of the runs is that of their times, not of their names.
        ({"2h-4h": 40, "4h+": 40, "0-2h": 80}, [3600, 7200, 14400]),
        # A third of a run: 30 / 90 of 900 s after 900 s of 15 m, rounded.
        ({"0-15m": 30, "15m-30m": 90, "30m+": 30}, [975, 1350, 1725]),
    ],
)
def test_quartiles_are_read_off_a_line_through_the_runs(people: dict[str, int], expected: list[int | None]) -> None:
    assert quartiles(people) == expected


def test_a_quartile_halfway_between_two_seconds_is_the_even_one() -> None:
    assert quartiles({"0-1s": 30, "1s+": 0})[1] == 0
    assert quartiles({"0-3s": 30, "3s+": 0})[1] == 2
    assert quartiles({"0-5s": 30, "5s+": 0})[1] == 2
