"""Visits and what they are counted in, against numbers worked out by hand (docs/indicators.md)."""

from datetime import date

import pytest

from foule.oracle.days import Span
from foule.oracle.oracle import Rules, run
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from foule.oracle.result import Figures, add
from tests.oracle.cases import ALL, DAY_END, TEN, ZONES, cells, count, event, locate, log, minutes, settings


def test_a_visit_of_one_event_is_present_until_it_has_lingered() -> None:
    # Last event 10:01, so the visit ends at 10:31.
    assert cells(count(event(MINUTE)), "presence") == minutes(0, 5, 10, 15, 20, 25, 30)


def test_a_visit_that_ends_at_a_windows_start_is_present_in_it() -> None:
    assert cells(count(event(0)), "presence") == minutes(0, 5, 10, 15, 20, 25, 30)
    assert cells(count(event(-1)), "presence") == minutes(-5, 0, 5, 10, 15, 20, 25)


def test_a_visit_that_begins_at_a_windows_end_is_not_present_in_it() -> None:
    assert min(cells(count(event(5 * MINUTE)), "presence")) == (5, "beach")
    assert min(cells(count(event(5 * MINUTE - 1)), "presence")) == (0, "beach")


def test_a_visit_goes_on_with_each_event_in_its_zone() -> None:
    result = count(event(0), event(20 * MINUTE, cell="beach-2"), event(40 * MINUTE))
    assert [(visit.first - TEN, visit.last - TEN) for visit in result.visits["spot"]] == [(0, 40 * MINUTE)]
    assert cells(result, "presence") == minutes(*range(0, 75, 5))
    assert cells(result, "appeared") == {(0, "beach"): 1}
    assert cells(result, "vanished") == {(70, "beach"): 1}


def test_a_visit_ends_at_the_first_event_in_another_zone() -> None:
    result = count(event(0), event(7 * MINUTE, cell="port-1"))
    assert cells(result, "presence") == minutes(0, 5) | minutes(5, 10, 15, 20, 25, 30, 35, zone="port")
    assert cells(result, "departures") == {(5, "beach"): 1}
    assert cells(result, "arrivals") == {(5, "port"): 1}
    assert cells(result, "flows") == {(5, ("beach", "port")): 1}
    assert cells(result, "appeared") == {(0, "beach"): 1}
    assert cells(result, "vanished") == {(35, "port"): 1}


def test_a_move_at_a_windows_start_leaves_the_device_present_in_both_zones() -> None:
    result = count(event(0), event(5 * MINUTE, cell="port-1"))
    present = cells(result, "presence")
    assert (5, "beach") in present and (10, "beach") not in present
    assert cells(result, "departures") == {(5, "beach"): 1}


@pytest.mark.parametrize("cell", ["beach-2", "port-1"])
def test_an_event_exactly_at_the_end_of_linger_continues_or_moves(cell: str) -> None:
    result = count(event(0), event(30 * MINUTE, cell=cell))
    assert cells(result, "appeared") == {(0, "beach"): 1}
    assert cells(result, "flows") == ({(30, ("beach", "port")): 1} if cell == "port-1" else {})
    assert cells(result, "vanished") == {(60, "port" if cell == "port-1" else "beach"): 1}


@pytest.mark.parametrize("cell", ["beach-2", "port-1"])
def test_an_event_after_the_end_of_linger_comes_after_silence(cell: str) -> None:
    result = count(event(0), event(30 * MINUTE + 1, cell=cell))
    zone = ZONES[cell]
    assert cells(result, "vanished") == {(30, "beach"): 1, (60, zone): 1}
    assert cells(result, "appeared") == {(0, "beach"): 1, (30, zone): 1}
    assert cells(result, "flows") == cells(result, "arrivals") == cells(result, "departures") == {}


def test_silence_is_counted_in_the_window_that_holds_its_last_instant() -> None:
    assert cells(count(event(5 * MINUTE - 1)), "vanished") == {(30, "beach"): 1}
    assert cells(count(event(5 * MINUTE)), "vanished") == {(35, "beach"): 1}


def test_events_of_one_instant_are_taken_in_the_order_of_their_offsets() -> None:
    there = count(event(0), event(0, cell="port-1"))
    assert cells(there, "flows") == {(0, ("beach", "port")): 1}
    assert cells(there, "presence") == minutes(0) | minutes(0, 5, 10, 15, 20, 25, 30, zone="port")
    back = count(event(0, cell="port-1"), event(0))
    assert cells(back, "flows") == {(0, ("port", "beach")): 1}


def test_events_are_applied_in_order_of_time_however_they_lie_in_the_log() -> None:
    early, later, last = event(0), event(MINUTE, cell="port-1"), event(90 * SECOND)
    assert count(later, early, last).tallies == count(early, later, last).tallies
    assert cells(count(later, early, last), "flows") == {(0, ("beach", "port")): 1, (0, ("port", "beach")): 1}


# --- 5: outside


def test_outside_is_a_zone_from_which_people_arrive_and_to_which_they_leave() -> None:
    result = count(event(0, cell="sea-1"), event(MINUTE), event(2 * MINUTE, cell="sea-2"))
    assert cells(result, "flows") == {(0, ("outside", "beach")): 1, (0, ("beach", "outside")): 1}
    assert cells(result, "arrivals") == {(0, "beach"): 1, (0, "outside"): 1}
    assert cells(result, "departures") == {(0, "outside"): 1, (0, "beach"): 1}
    assert cells(result, "appeared") == {(0, "outside"): 1}
    assert cells(result, "vanished") == {(30, "outside"): 1}


def test_a_point_is_located_as_a_cell_is() -> None:
    values = [event(0, cell=None, lat=46.1, lon=-1.1), event(MINUTE, cell=None, lat=45, lon=0)]
    assert cells(count(*values), "flows") == {(0, ("beach", "outside")): 1}


# --- 5: distinct devices, and figures of visits


def test_a_device_counts_once_however_often_it_comes_and_goes() -> None:
    cells_seen = ["beach-1", "port-1", "beach-2", "port-1", "beach-1"]
    result = count(*(event(SECOND * n, cell=cell) for n, cell in enumerate(cells_seen)))
    assert cells(result, "presence")[0, "beach"] == cells(result, "presence")[0, "port"] == 1
    assert cells(result, "arrivals") == {(0, "beach"): 1, (0, "port"): 1}
    assert cells(result, "departures") == {(0, "beach"): 1, (0, "port"): 1}
    assert cells(result, "flows") == {(0, ("beach", "port")): 1, (0, ("port", "beach")): 1}
    assert result.moves["spot"] == {("beach", "port"): 2, ("port", "beach"): 2}


def test_the_same_device_counts_in_each_window_it_is_in() -> None:
    result = count(event(0), event(6 * MINUTE, cell="port-1"), event(12 * MINUTE))
    assert cells(result, "arrivals") == {(5, "port"): 1, (10, "beach"): 1}
    hour = count(event(0), event(6 * MINUTE, cell="port-1"), event(12 * MINUTE), parameters=settings(widths=(HOUR,)))
    assert cells(hour, "presence", width=HOUR) == {(0, "beach"): 1, (0, "port"): 1}


def test_visits_are_kept_per_layer() -> None:
    result = count(event(0), event(MINUTE, cell="port-1"), event(2 * MINUTE, cell="town-1"))
    assert cells(result, "flows") == {(0, ("beach", "port")): 1, (0, ("port", "town")): 1}
    assert cells(result, "flows", layer=ALL) == {(0, ("coast", "town")): 1}
    assert len(result.visits[ALL]) == 2


def test_the_whole_is_the_sum_of_the_shards() -> None:
    logs = {0: log(event(0, "a")), 1: log(event(0, "b"), event(0, "c", "port-1"))}
    result = run(settings(), logs, {0: [(1, DAY_END)], 1: [(2, DAY_END)]}, locate)
    assert cells(result, "appeared") == {(0, "beach"): 2, (0, "port"): 1}
    assert result.tallies == add([result.complete(0), result.complete(1)])


def test_visits_and_moves_of_a_window_by_hand() -> None:
    result = count(
        event(0),
        event(6 * MINUTE, "b", "port-1"),
        event(6 * MINUTE, cell="port-1"),
        event(7 * MINUTE),
        event(8 * MINUTE, cell="port-1"),
    )
    figures = result.figures("spot", 5 * MINUTE)[Span(TEN + 5 * MINUTE, TEN + 10 * MINUTE)]
    assert +figures.open_at_start == {"beach": 1}
    assert +figures.begun == {"port": 3, "beach": 1}
    assert +figures.ended == {"port": 1, "beach": 2}
    assert +figures.open_at_end == {"port": 2}
    assert figures.moves == {("beach", "port"): 2, ("port", "beach"): 1}


def assert_identity(figures: Figures) -> None:
    for zone in figures.open_at_start | figures.begun | figures.ended | figures.open_at_end:
        change = figures.begun[zone] - figures.ended[zone]
        assert figures.open_at_end[zone] == figures.open_at_start[zone] + change


def test_visits_open_at_the_end_are_those_open_at_the_start_and_begun_less_ended() -> None:
    values = [
        event(minute * MINUTE, subscriber, cell)
        for minute in range(0, 1430, 13)
        for subscriber, cell in (("a", "beach-1"), ("b", "port-1"), ("c", ("town-1", "sea-1")[minute % 2]))
        if (minute * 7 + ord(subscriber)) % 5 > 1
    ]
    for width in (5 * MINUTE, HOUR, 7 * HOUR, DAY):
        found = count(*values, parameters=settings(lateness=DAY), end=DAY_END + DAY).figures("spot", width)
        assert sum(sum(figures.begun.values()) for figures in found.values()) > 50
        for figures in found.values():
            assert_identity(figures)


# --- 5: the end of an epoch


def test_a_visit_open_at_the_end_of_the_epoch_is_cut_and_neither_vanishes_nor_leaves() -> None:
    result = count(event(18 * HOUR - MINUTE), end=DAY_END + DAY)
    assert [(visit.end, visit.ended_by) for visit in result.visits["spot"]] == [(DAY_END, "cut")]
    assert cells(result, "presence") == {(1075, "beach"): 1}
    assert cells(result, "vanished") == cells(result, "departures") == {}


def test_a_silence_that_would_end_exactly_at_the_epochs_end_is_a_cut() -> None:
    at_the_end = count(event(18 * HOUR - 30 * MINUTE), end=DAY_END + DAY)
    assert cells(at_the_end, "vanished") == {}
    just_before = count(event(18 * HOUR - 30 * MINUTE - 1), end=DAY_END + DAY)
    assert cells(just_before, "vanished") == {(1075, "beach"): 1}
    assert max(cells(at_the_end, "presence")) == max(cells(just_before, "presence")) == (1075, "beach")


@pytest.mark.parametrize("cell", ["beach-1", "port-1"])
def test_a_device_appears_anew_with_its_first_event_of_an_epoch(cell: str) -> None:
    result = count(event(18 * HOUR - MINUTE), event(18 * HOUR, cell=cell), end=DAY_END + DAY)
    zone = ZONES[cell]
    assert cells(result, "appeared") == {(1075, "beach"): 1, (1080, zone): 1}
    assert cells(result, "arrivals") == cells(result, "departures") == cells(result, "flows") == {}
    assert cells(result, "presence") == minutes(1075) | minutes(*range(1080, 1115, 5), zone=zone)


def test_an_epoch_of_two_days_goes_on_over_the_night_between_them() -> None:
    two_days = settings(epoch_days=2, epoch_start=date(2014, 6, 28), widths=(5 * MINUTE, DAY))
    result = count(event(18 * HOUR - MINUTE), event(18 * HOUR), parameters=two_days, end=DAY_END + DAY)
    assert cells(result, "appeared") == {(1075, "beach"): 1}
    assert cells(result, "presence", width=DAY) == {(-360, "beach"): 1, (1080, "beach"): 1}
    cut = settings(widths=(DAY,))
    alone = count(event(18 * HOUR - MINUTE), parameters=cut, end=DAY_END + DAY)
    assert cells(alone, "presence", width=DAY) == {(-360, "beach"): 1}


# --- 7: what may be released


def test_released_cells_have_at_least_k_devices_and_none_is_of_outside() -> None:
    crowd = [event(n, f"device-{n}") for n in range(3)] + [event(n, f"sea-{n}", "sea-1") for n in range(3)]
    crowd += [event(n, f"port-{n}", "port-1") for n in range(2)]
    released = count(*crowd).released(Rules(3, 0))
    first = next(counts for key, counts in released.items() if key.layer == "spot" and key.start == TEN)
    assert first == {"presence": {"beach": 3}, "appeared": {"beach": 3}}
    assert count(*crowd).released(Rules(6, 0)) == {}
