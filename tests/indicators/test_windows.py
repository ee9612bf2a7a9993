"""A window counts each device once in a cell, however often it came and went."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.calendar import Window
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.devices import Devices
from indicators.distinct import Distinct
from indicators.plan import Plan
from indicators.visits import Visits
from indicators.windows import OpenWindow

MINUTE = 60_000
LINGER = 30 * MINUTE
RECORD_KEYS = np.arange(9_000, dtype=np.uint32)
DEVICES = Devices(RECORD_KEYS, np.zeros(9_000, np.int16))
WIDTH = 5 * MINUTE
BEACH, PORT, OUTSIDE = 0, 1, 2


class Moment:
    """Visits of one layer and the window that is open now, told event by event."""

    def __init__(self, start: int = 0) -> None:
        self.visits = Visits(1, LINGER)
        self.visits.make_room(3000)
        self.window = OpenWindow(Window(WIDTH, start, start + WIDTH), [3], Plan())

    def see(self, *events: tuple[int, int, int]) -> None:
        """Apply events (ms, slot, zone)."""
        time, slot, zone = (np.array(column, np.int64) for column in zip(*events, strict=True))
        [changes] = self.visits.see(slot, time, zone.astype(np.int32).reshape(-1, 1))
        self.window.add(0, changes)

    def close(self) -> Tally | None:
        [changes] = self.visits.end_silent(self.window.window.end)
        self.window.add(0, changes)
        return self.window.close(0, self.visits, DEVICES)

    def counts(self) -> dict[str, dict[int, int]]:
        """Close the window; each indicator's counts by cell, flows by from * 3 + to. The next window begins."""
        tally = self.close()
        _, start, end = self.window.window
        self.window = OpenWindow(Window(WIDTH, end, end + WIDTH), [3], Plan())
        if tally is None:
            return {}
        assert (tally.layer, tally.width, tally.start, tally.end) == (0, WIDTH, start, end)
        return {name: counts.as_dict() for name, counts in tally.counts.items()}


def test_presence_is_whoever_has_a_visit_open_at_the_end_or_ended_one_in_the_window() -> None:
    moment = Moment()
    moment.see((0, 0, BEACH), (1, 1, BEACH), (2, 2, PORT), (MINUTE, 1, PORT))
    assert moment.counts() == {
        "presence": {BEACH: 2, PORT: 2},
        "arrivals": {PORT: 1},
        "departures": {BEACH: 1},
        "appeared": {BEACH: 2, PORT: 1},
        "flows": {BEACH * 3 + PORT: 1},
    }
    assert moment.counts() == {"presence": {BEACH: 1, PORT: 2}}


def test_a_device_that_left_and_came_back_is_present_once() -> None:
    moment = Moment()
    moment.see((0, 0, BEACH), (1, 0, PORT), (2, 0, BEACH), (3, 0, PORT), (4, 0, BEACH))
    counts = moment.counts()
    assert counts["presence"] == {BEACH: 1, PORT: 1}
    assert counts["arrivals"] == counts["departures"] == {BEACH: 1, PORT: 1}
    assert counts["flows"] == {BEACH * 3 + PORT: 1, PORT * 3 + BEACH: 1}
    assert counts["appeared"] == {BEACH: 1}


def test_a_device_that_fell_silent_and_came_back_to_its_zone_in_one_window_is_present_once() -> None:
    moment = Moment(LINGER)
    moment.see((MINUTE, 0, BEACH))
    moment.window = OpenWindow(Window(WIDTH, LINGER, LINGER + WIDTH), [3], Plan())
    moment.see((LINGER + 2 * MINUTE, 0, BEACH))
    assert moment.counts() == {"presence": {BEACH: 1}, "vanished": {BEACH: 1}, "appeared": {BEACH: 1}}


def test_a_device_that_fell_silent_and_came_back_elsewhere_is_present_in_both_zones() -> None:
    moment = Moment(LINGER)
    moment.see((MINUTE, 0, BEACH))
    moment.window = OpenWindow(Window(WIDTH, LINGER, LINGER + WIDTH), [3], Plan())
    moment.see((LINGER + 2 * MINUTE, 0, PORT))
    counts = moment.counts()
    assert counts == {"presence": {BEACH: 1, PORT: 1}, "vanished": {BEACH: 1}, "appeared": {PORT: 1}}


def test_a_device_that_fell_silent_in_a_zone_came_back_and_left_it_is_present_there_once() -> None:
    moment = Moment(LINGER)
    moment.see((MINUTE, 0, BEACH))
    moment.window = OpenWindow(Window(WIDTH, LINGER, LINGER + WIDTH), [3], Plan())
    moment.see((LINGER + 2 * MINUTE, 0, BEACH), (LINGER + 3 * MINUTE, 0, PORT))
    counts = moment.counts()
    assert counts["presence"] == {BEACH: 1, PORT: 1}
    assert counts["vanished"] == counts["appeared"] == counts["departures"] == {BEACH: 1}


@pytest.mark.parametrize(("last", "present_at_30"), [(0, True), (-1, False)])
def test_a_visit_is_present_in_the_window_that_holds_its_last_instant(last: int, present_at_30: bool) -> None:
    moment = Moment()
    moment.see((WIDTH + last, 0, BEACH))
    found = [moment.counts() for _ in range(8)]
    windows = [at for at, counts in enumerate(found) if counts.get("presence")]
    assert windows[-1] == (7 if present_at_30 else 6)
    assert [at for at, counts in enumerate(found) if "vanished" in counts] == [windows[-1]]


def test_outside_is_counted_as_any_zone() -> None:
    moment = Moment()
    moment.see((0, 0, OUTSIDE), (1, 0, BEACH), (2, 0, OUTSIDE))
    counts = moment.counts()
    assert counts["presence"] == {BEACH: 1, OUTSIDE: 1}
    assert counts["flows"] == {OUTSIDE * 3 + BEACH: 1, BEACH * 3 + OUTSIDE: 1}


def test_a_window_in_which_nobody_was_has_no_tally() -> None:
    assert Moment().close() is None


def test_a_window_that_is_written_and_read_counts_on() -> None:
    def story(interrupted: bool) -> dict[str, dict[int, int]]:
        moment = Moment()
        moment.see(*[(slot, slot, BEACH) for slot in range(50)], *[(100 + slot, slot, PORT) for slot in range(20)])
        if interrupted:
            writer = Writer()
            moment.window.write(writer)
            reader = Reader(writer.encode())
            moment.window = OpenWindow(Window(*reader.value("window")), [3], Plan())
            moment.window.read(reader)
        moment.see(*[(200 + slot, slot, OUTSIDE) for slot in range(10)], *[(300, slot, PORT) for slot in range(10)])
        return moment.counts()

    assert story(interrupted=True) == story(interrupted=False)
    assert story(interrupted=True)["flows"] == {BEACH * 3 + PORT: 20, PORT * 3 + OUTSIDE: 10, OUTSIDE * 3 + PORT: 10}


# --- distinct pairs

PAIRS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=10), max_size=6)


def add(held: Distinct, pairs: list[tuple[int, int]]) -> None:
    held.add(np.array([slot for slot, _ in pairs], np.int64), np.array([cell for _, cell in pairs], np.int64))


@given(PAIRS)
def test_a_pair_counts_once_however_often_and_in_whatever_call_it_is_added(
    batches: list[list[tuple[int, int]]],
) -> None:
    held = Distinct(4)
    for pairs in batches:
        add(held, pairs)
    expected = {pair for pairs in batches for pair in pairs}
    assert held.pairs.tolist() == sorted(slot * 4 + cell for slot, cell in expected)
    cells = [cell for _, cell in expected]
    assert held.counts(RECORD_KEYS).as_dict() == {cell: cells.count(cell) for cell in set(cells)}


def test_hundreds_of_thousands_of_pairs_are_counted_once_each() -> None:
    held, rng = Distinct(50), np.random.default_rng(4)
    expected: set[Any] = set()
    for _ in range(40):
        slots, cells = rng.integers(0, 9_000, 7_000), rng.integers(0, 50, 7_000)
        held.add(slots, cells)
        expected.update((slots * 50 + cells).tolist())
    assert held.pairs.tolist() == sorted(expected)


def test_restored_pairs_count_on() -> None:
    held = Distinct(4)
    add(held, [(1, 1), (2, 1)])
    again = Distinct(4)
    again.restore(held.pairs)
    add(again, [(2, 1), (3, 1)])
    assert again.counts(RECORD_KEYS).as_dict() == {1: 3}
