"""An epoch's crowd closes its windows as time comes to their ends, and ends with the epoch."""

from __future__ import annotations

from datetime import date, time

import numpy as np
import pytest
from numpy.typing import NDArray

from indicators.calendar import Calendar
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd

MINUTE = 60_000
HOUR = 60 * MINUTE
LINGER = 30 * MINUTE
CALENDAR = Calendar("Europe/Paris", time(4), [5 * MINUTE, HOUR, 24 * HOUR])
TEN = 1_403_942_400_000  # 28 June 2014, 10:00 in Paris
EPOCH = CALENDAR.epoch_of(TEN)
BEACH, PORT = 0, 1


def crowd(calendar: Calendar = CALENDAR) -> EpochCrowd:
    return EpochCrowd(calendar, calendar.epoch_of(TEN), [3, 2], LINGER)


def record_keys_of(pseudonyms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Record keys by which sums tell who is in them."""
    return (np.uint64(1) << (pseudonyms % np.uint64(32))).astype(np.uint32)


def apply(one: EpochCrowd, upto: int, *events: tuple[int, int, int]) -> list[Tally]:
    """Apply events (ms after ten, pseudonym, zone of the first layer) and close what ends up to ``upto`` after ten."""
    pseudonyms = np.array([pseudonym for _, pseudonym, _ in events], np.uint64)
    slots = one.slots_of(pseudonyms, record_keys_of(pseudonyms))
    times = np.array([TEN + at for at, _, _ in events], np.int64)
    zones = np.array([[zone, zone > 0] for _, _, zone in events], np.int32).reshape(-1, 2)
    return one.apply(slots, times, zones, TEN + upto)


def shown(tallies: list[Tally]) -> list[tuple[int, int, int, object]]:
    """Layer, width and start in minutes (after ten), and the counts."""
    return [
        (
            tally.layer,
            tally.width // MINUTE,
            (tally.start - TEN) // MINUTE,
            {name: counts.as_dict() for name, counts in tally.counts.items()},
        )
        for tally in tallies
    ]


def test_a_window_closes_when_time_comes_to_its_end_and_not_before() -> None:
    one = crowd()
    assert apply(one, 5 * MINUTE - 1, (0, 7, BEACH), (MINUTE, 8, BEACH)) == []
    closed = shown(apply(one, 5 * MINUTE))
    counts = {"presence": {BEACH: 2}, "appeared": {BEACH: 2}}
    assert closed == [(0, 5, 0, counts), (1, 5, 0, counts)]
    assert one.next_boundary == TEN + 10 * MINUTE


def test_each_cell_has_the_sum_of_the_record_keys_of_its_devices_also_of_a_restored_crowd() -> None:
    one, writer = crowd(), Writer()
    apply(one, MINUTE, (0, 7, BEACH), (0, 8, BEACH), (MINUTE, 7, BEACH), (MINUTE, 9, PORT))
    one.write(writer)
    restored = EpochCrowd.restored(CALENDAR, [3, 2], LINGER, Reader(writer.encode()))
    for each in (one, restored):
        tally, _ = apply(each, 5 * MINUTE, (2 * MINUTE, 8, PORT), (3 * MINUTE, 3, PORT))
        keys = {
            name: dict(zip(found.cells.tolist(), found.keys.tolist(), strict=True))
            for name, found in tally.counts.items()
        }
        assert keys == {
            "presence": {BEACH: 2**7 + 2**8, PORT: 2**3 + 2**8 + 2**9},
            "arrivals": {PORT: 2**8},
            "departures": {BEACH: 2**8},
            "flows": {BEACH * 3 + PORT: 2**8},
            "appeared": {BEACH: 2**7 + 2**8, PORT: 2**3 + 2**9},
        }


def test_events_at_a_windows_end_belong_to_the_next() -> None:
    one = crowd()
    closed = shown(apply(one, 10 * MINUTE, (0, 7, BEACH), (5 * MINUTE, 7, PORT)))
    spots = [(start, counts) for layer, _, start, counts in closed if layer == 0]
    assert spots == [
        (0, {"presence": {BEACH: 1}, "appeared": {BEACH: 1}}),
        (5, {"presence": {BEACH: 1, PORT: 1}, "arrivals": {PORT: 1}, "departures": {BEACH: 1}, "flows": {1: 1}}),
    ]


def test_tallies_come_in_order_of_their_end() -> None:
    closed = apply(crowd(), 12 * HOUR, (0, 7, BEACH), (2 * HOUR, 8, PORT), (9 * HOUR, 7, PORT))
    ends = [tally.end for tally in closed]
    assert ends == sorted(ends)
    assert {tally.width for tally in closed} == {5 * MINUTE, HOUR}


def test_windows_of_all_widths_have_their_presence_while_a_visit_is_open() -> None:
    closed = shown(apply(crowd(), 18 * HOUR, (50 * MINUTE, 7, BEACH)))
    first = [(width, start) for layer, width, start, _ in closed if layer == 0]
    assert sorted(first) == [*((5, at) for at in range(50, 85, 5)), (60, 0), (60, 60), (1440, -360)]


def test_windows_in_which_nobody_is_are_not_enumerated() -> None:
    month = Calendar("Europe/Paris", time(4), [MINUTE], epoch_days=62)
    one = crowd(month)
    closed = apply(one, 50 * 24 * HOUR, (0, 7, BEACH))
    assert [tally.start for tally in closed if tally.layer == 0] == [TEN + at * MINUTE for at in range(31)]
    assert apply(one, 90 * 24 * HOUR) == []
    assert one.is_over


def test_the_epochs_end_cuts_every_visit_without_a_departure_or_a_silence() -> None:
    one = crowd()
    end = EPOCH.end - TEN
    closed = shown(apply(one, end, (end - LINGER, 7, BEACH), (end - LINGER - 1, 8, PORT)))
    [(_, _, _, day)] = [tally for tally in closed if tally[:2] == (0, 1440)]
    assert day == {
        "presence": {BEACH: 1, PORT: 1},
        "appeared": {BEACH: 1, PORT: 1},
        "vanished": {PORT: 1},
    }
    assert one.is_over
    assert apply(one, end + 24 * HOUR) == []


@pytest.mark.parametrize(("day", "hours"), [(date(2014, 3, 29), 23), (date(2014, 10, 25), 25)])
def test_a_short_and_a_long_day_close_all_their_windows(day: date, hours: int) -> None:
    start = CALENDAR.day_start(day.toordinal())
    one = EpochCrowd(CALENDAR, CALENDAR.epoch_of(start), [2], 26 * HOUR)
    slots = one.slots.slots_of(np.array([9], np.uint64))
    closed = one.apply(slots, np.array([start]), np.zeros((1, 1), np.int32), start + hours * HOUR)
    assert [sum(tally.width == width for tally in closed) for width in CALENDAR.widths] == [12 * hours, hours, 1]
    assert closed[-1].end == start + hours * HOUR
    assert one.is_over


@pytest.mark.parametrize("at", [0, MINUTE, 5 * MINUTE, 20 * MINUTE, 3 * HOUR])
def test_a_crowd_that_is_written_and_read_goes_on_as_if_nothing_had_been(at: int) -> None:
    before = [(0, 7, BEACH), (0, 8, PORT), (MINUTE, 7, PORT), (4 * MINUTE, 9, BEACH), (20 * MINUTE, 7, BEACH)]
    after = [(3 * HOUR + 1, 8, BEACH), (3 * HOUR + 2, 10, PORT), (3 * HOUR + 10 * MINUTE, 10, BEACH)]
    early, late = [one for one in before if one[0] <= at], [one for one in [*before, *after] if one[0] > at]
    through, stopped = crowd(), crowd()
    tallies = [apply(one, at, *early) for one in (through, stopped)]
    writer = Writer()
    stopped.write(writer)
    stopped = EpochCrowd.restored(CALENDAR, [3, 2], LINGER, Reader(writer.encode()))
    assert (stopped.epoch, stopped.next_boundary, len(stopped.slots)) == (
        through.epoch, through.next_boundary, len(through.slots),
    )  # fmt: skip
    for one, found in zip((through, stopped), tallies, strict=True):
        found += apply(one, 18 * HOUR, *late)
    assert shown(tallies[0]) == shown(tallies[1])


def test_what_happens_after_the_copy_is_not_in_it() -> None:
    one, rng = crowd(), np.random.default_rng(6)

    def some(at: int) -> list[tuple[int, int, int]]:
        people = rng.integers(0, 3_000, 2_000)
        return [(at, int(person), int(zone)) for person, zone in zip(people, rng.integers(0, 3, 2_000), strict=True)]

    for minute in range(8):
        apply(one, minute * MINUTE, *some(minute * MINUTE))
        writer, at_once = Writer(), Writer()
        one.write(writer)
        one.write(at_once)
        data = at_once.encode()
        apply(one, minute * MINUTE + 1, *some(minute * MINUTE + 1))
        for window in one._windows.values():
            window._sets[0]["flows"].counts(one.record_keys)  # puts the pairs in order
        assert writer.encode() == data
