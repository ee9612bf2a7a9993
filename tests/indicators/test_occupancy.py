"""Peak, mean and turnover of a zone and its flows, from released numbers alone."""

import pytest

from indicators.occupancy import Occupancy, Through, flows_through, occupancy, top_flows

FLOWS = {("beach", "port"): 40, ("port", "beach"): 30, ("outside", "port"): 40, ("port", "outside"): 25}


def test_peak_mean_and_turnover_are_of_the_published_windows() -> None:
    assert occupancy({600: 30, 0: 60, 300: 90}, 240) == Occupancy(90, 300, 60.0, 3, 4.0)


def test_of_equal_peaks_the_first_counts_whatever_the_order() -> None:
    found = occupancy({900: 50, 300: 50, 600: 40}, None)
    assert found is not None
    assert (found.peak, found.peak_start) == (50, 300)


def test_without_the_number_of_the_day_there_is_no_turnover() -> None:
    assert occupancy({0: 30}, None) == Occupancy(30, 0, 30.0, 1, None)


def test_without_a_window_there_is_nothing() -> None:
    assert occupancy({}, 500) is None


def test_the_largest_flows_come_first_and_equal_ones_by_name() -> None:
    assert top_flows(FLOWS, 3) == [(("beach", "port"), 40), (("outside", "port"), 40), (("port", "beach"), 30)]
    assert top_flows(FLOWS, 0) == []
    assert len(top_flows(FLOWS, 99)) == 4


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("port", Through(80, 55)), ("beach", Through(30, 40)), ("outside", Through(25, 40))],
)
def test_flows_of_a_zone_are_summed_both_ways(zone: str, expected: Through) -> None:
    assert flows_through(FLOWS)[zone] == expected


def test_a_zone_with_flows_one_way_has_none_the_other_way() -> None:
    assert flows_through({("a", "b"): 30}) == {"a": Through(None, 30), "b": Through(30, None)}
