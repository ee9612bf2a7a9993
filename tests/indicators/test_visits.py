"""The visit engine against visits told one device and one event at a time, and the identity that ties them up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foule.oracle.days import Days, Span
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, MINUTE, SECOND
from foule.oracle.result import Figures, Result, StayedVisit
from foule.oracle.visits import visits_of
from indicators.columns import Reader, Writer
from indicators.visits import NOWHERE, Changes, Visits

LINGER = 30 * MINUTE
WIDTH = 5 * MINUTE
PARAMETERS = Parameters(widths=(WIDTH,), linger=LINGER)
EPOCH = Days(PARAMETERS).epoch(1_403_949_600_000)
LAYERS, ZONES = 2, 3


class Seen(NamedTuple):
    """A device's event: ms after the epoch's start, and its zone in each layer."""

    time: int
    slot: int
    zones: tuple[int, int]


_STEPS = [0, 0, 1, SECOND, MINUTE, WIDTH, WIDTH - 1, LINGER - 1, LINGER, LINGER + 1, 2 * LINGER, DAY // 4]


@st.composite
def stories(draw: st.DrawFn) -> list[Seen]:
    """Events of a few devices in order of time: many at once, on window ends, and exactly at the end of linger."""
    at, seen = draw(st.sampled_from([0, 1, WIDTH, DAY - LINGER - 1])), []
    steps = st.tuples(st.sampled_from(_STEPS), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2))
    for step, slot, spot, town in draw(st.lists(steps, max_size=40)):
        at += step
        if at < DAY:
            seen.append(Seen(at, slot, (spot, town)))
    return seen


class Engine:
    """Visits with the changes of each layer added up by zone."""

    def __init__(self) -> None:
        self.visits = Visits(LAYERS, LINGER)
        self.begun = [Counter[int]() for _ in range(LAYERS)]
        self.ended = [Counter[int]() for _ in range(LAYERS)]
        self.moves = [Counter[tuple[int, int]]() for _ in range(LAYERS)]
        self.visits.make_room(4)

    def see(self, seen: Iterable[Seen]) -> None:
        events = list(seen)
        slots = np.array([one.slot for one in events], np.int64)
        times = np.array([one.time for one in events], np.int64)
        zones = np.array([one.zones for one in events], np.int32).reshape(-1, LAYERS)
        self._add(self.visits.see(slots, times, zones))

    def end_silent(self, instant: int) -> None:
        self._add(self.visits.end_silent(instant))

    def _add(self, changes: list[Changes]) -> None:
        assert len(changes) == LAYERS
        for layer, change in enumerate(changes):
            moved = list(zip(change.moved_from.tolist(), change.moved_to.tolist(), strict=True))
            assert len(moved) == len(change.moved) and all(origin != to for origin, to in moved)
            assert len(change.fell_silent) == len(change.silent_zone) and len(change.came) == len(change.came_zone)
            self.moves[layer].update(moved)
            self.begun[layer].update([to for _, to in moved] + change.came_zone.tolist())
            self.ended[layer].update([origin for origin, _ in moved] + change.silent_zone.tolist())

    def present(self, layer: int) -> Counter[int]:
        return Counter(self.visits.present(layer, ZONES, np.zeros(len(self.visits.last), np.uint32)).as_dict())


def figures_of(story: list[Seen], layer: int) -> dict[Span, Figures]:
    """What the oracle says of each window: visits open at its start and end, begun and ended in it, and moves."""
    devices = defaultdict(list)
    for one in story:
        devices[one.slot].append((EPOCH.start + one.time, str(one.zones[layer])))
    stays = [StayedVisit(EPOCH, visit) for events in devices.values() for visit in visits_of(events, LINGER, EPOCH.end)]
    return Result(PARAMETERS, stays={"layer": stays}).figures("layer", WIDTH)


def by_zone(counter: Counter[str]) -> Counter[int]:
    return Counter({int(zone): count for zone, count in counter.items() if count})


@settings(deadline=None, max_examples=50)
@given(stories())
def test_each_window_has_the_visits_of_the_oracle_and_the_identity_holds(story: list[Seen]) -> None:
    figures = [figures_of(story, layer) for layer in range(LAYERS)]
    engine = Engine()
    for start in range(0, DAY, WIDTH):
        before = [engine.present(layer) for layer in range(LAYERS)]
        engine.begun, engine.ended = Engine().begun, Engine().ended
        engine.moves = Engine().moves
        engine.see(one for one in story if start <= one.time < start + WIDTH)
        engine.end_silent(start + WIDTH)
        span = Span(EPOCH.start + start, EPOCH.start + start + WIDTH)
        for layer in range(LAYERS):
            expected = figures[layer].get(span, Figures())
            begun, ended = engine.begun[layer], engine.ended[layer]
            assert begun == by_zone(expected.begun)
            assert ended == by_zone(expected.ended)
            assert engine.moves[layer] == {(int(one), int(two)): n for (one, two), n in expected.moves.items()}
            after = engine.present(layer)
            assert after == by_zone(expected.open_at_end)
            # visits open at a window's end = open at its start + begun - ended
            balance = Counter(before[layer])
            balance.update(begun)
            balance.subtract(ended)
            assert +balance == after and not -balance


@settings(deadline=None)
@given(stories(), st.lists(st.integers(0, 40), max_size=5))
def test_how_events_are_cut_into_calls_changes_nothing(story: list[Seen], cuts: list[int]) -> None:
    whole, parts = Engine(), Engine()
    whole.see(story)
    edges = [0, *sorted(cuts), len(story)]
    for first, last in pairwise(edges):
        parts.see(story[first:last])
    whole.end_silent(DAY + LINGER + 1)
    parts.end_silent(DAY + LINGER + 1)
    assert (whole.begun, whole.ended, whole.moves) == (parts.begun, parts.ended, parts.moves)
    assert whole.visits.last.tolist() == parts.visits.last.tolist()
    for name in ("begun", "ended", "moves", "zone", "first"):
        assert np.array_equal(getattr(whole.visits, name), getattr(parts.visits, name))
    assert whole.visits.begun.tolist() == [begun.total() for begun in whole.begun]
    assert whole.visits.ended.tolist() == [ended.total() for ended in whole.ended]
    assert whole.visits.moves.tolist() == [moves.total() for moves in whole.moves]
    assert not whole.visits.any_open
    assert whole.visits.begun.tolist() == whole.visits.ended.tolist()


def one_device(*events: tuple[int, int]) -> Engine:
    engine = Engine()
    engine.see(Seen(time, 0, (zone, 0)) for time, zone in events)
    return engine


def test_a_visit_goes_on_with_each_event_in_its_zone() -> None:
    engine = one_device((5, 1), (MINUTE, 1), (LINGER, 1))
    assert (engine.begun[0], engine.ended[0]) == ({1: 1}, {})
    assert (engine.visits.first[0][0], engine.visits.last[0]) == (5, LINGER)


@pytest.mark.parametrize(("after", "silent"), [(LINGER, 0), (LINGER + 1, 1)])
@pytest.mark.parametrize("zone", [1, 2])
def test_an_event_at_the_end_of_linger_continues_or_moves_and_one_after_it_begins_anew(
    after: int, silent: int, zone: int
) -> None:
    engine = one_device((0, 1), (after, zone))
    moved = zone == 2 and not silent
    assert engine.moves[0] == ({(1, 2): 1} if moved else {})
    assert engine.visits.begun[0] == 1 + (silent or moved)
    assert engine.visits.first[0][0] == (after if silent or moved else 0)


@pytest.mark.parametrize(("instant", "over"), [(LINGER - 1, False), (LINGER, False), (LINGER + 1, True)])
def test_silence_ends_a_visit_before_an_instant_and_not_at_it(instant: int, over: bool) -> None:
    engine = one_device((0, 1))
    engine.end_silent(instant)
    assert engine.visits.any_open is not over
    assert engine.ended[0] == ({1: 1} if over else {})
    assert (engine.visits.zone[0].tolist()[0] == NOWHERE) is over


def test_a_visit_that_silence_has_ended_is_not_ended_again_by_the_next_event() -> None:
    engine = one_device((0, 1))
    engine.end_silent(LINGER + 1)
    engine.end_silent(LINGER + 2)
    engine.see([Seen(3 * LINGER, 0, (2, 0))])
    assert (engine.begun[0], engine.ended[0], engine.moves[0]) == ({1: 1, 2: 1}, {1: 1}, {})


def test_a_move_within_one_layer_is_none_in_the_other() -> None:
    engine = Engine()
    engine.see([Seen(0, 0, (1, 0)), Seen(1, 0, (2, 0)), Seen(2, 0, (2, 1))])
    assert engine.moves == [{(1, 2): 1}, {(0, 1): 1}]


def test_events_of_one_instant_are_taken_in_the_order_given() -> None:
    assert one_device((0, 1), (0, 2)).moves[0] == {(1, 2): 1}
    assert one_device((0, 2), (0, 1)).moves[0] == {(2, 1): 1}
    assert one_device((0, 1), (0, 2), (0, 1)).moves[0] == {(1, 2): 1, (2, 1): 1}


def test_room_for_more_devices_keeps_those_there_are() -> None:
    engine = one_device((7, 2))
    engine.visits.make_room(5_000)
    engine.see([Seen(8, 4_999, (1, 1))])
    assert engine.present(0) == {1: 1, 2: 1}
    assert (engine.visits.first[0][0], engine.visits.last[0]) == (7, 7)


@settings(deadline=None)
@given(stories(), st.integers(0, 40))
def test_visits_written_and_read_go_on_as_if_nothing_had_been(story: list[Seen], cut: int) -> None:
    through, stopped = Engine(), Engine()
    for engine in (through, stopped):
        engine.see(story[:cut])
    writer = Writer()
    stopped.visits.write(writer, 4)
    stopped.visits = Visits(LAYERS, LINGER)
    stopped.visits.read(Reader(writer.encode()))
    for engine in (through, stopped):
        engine.see(story[cut:])
        engine.end_silent(DAY)
    assert (through.begun, through.ended, through.moves) == (stopped.begun, stopped.ended, stopped.moves)
    assert through.visits.any_open == stopped.visits.any_open
