"""A window is decided once, when every shard has reported it or has been waited for, and a successor says the same."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.gate import Gate, Publication, reopen
from indicators.counts import Counts, Tally
from streams import wire
from streams.release import Release, Reports
from streams.wire import Decision, Message, Seal, TallyPart
from zones import Layer

K = 10
WIDTH, HOUR = 300_000, 3_600_000
MAX_WAIT = 20_000
LAYERS = [Layer(name, ("beach", "port"), ("", ""), (None, None)) for name in ("spots", "towns")]
BEACH, PORT = 0, 1


def release(shards: int = 2) -> Release:
    return Release(Gate(K), LAYERS, shards, WIDTH, MAX_WAIT, "settings")


def seal(shard: int, watermark: int, fingerprint: str = "settings") -> Seal:
    return Seal(fingerprint, shard, watermark, 0, False, 0)


def tally(
    shard: int,
    start: int,
    people: Mapping[int, int],
    *,
    layer: int = 0,
    width: int = WIDTH,
    indicator: str = "presence",
) -> TallyPart:
    """The only part of a shard's tally, ``people`` by cell."""
    cells = Counts(np.array(sorted(people), np.int64), np.array([people[cell] for cell in sorted(people)], np.int64))
    [part] = wire.parts_of(Tally(layer, width, start, start + width, {indicator: cells}), shard, "settings")
    return part


class Log:
    """A log and the release agent that reads it, appends its decisions and publishes them once read back."""

    def __init__(self, shards: int = 2) -> None:
        self.shards = shards
        self.messages: list[bytes] = []
        self.published: list[Publication] = []
        self.release = release(shards)
        self.next = 0

    def append(self, *messages: Message) -> None:
        self.messages += map(wire.encode, messages)

    def read(self) -> list[Publication]:
        """Read to the end, decide, read the decisions back; returns what is new."""
        before = len(self.published)
        while self.next < len(self.messages):
            self.step()
            self.append(*self.release.decide())
        self.append(*self.release.decide())
        while self.next < len(self.messages):
            self.step()
        return self.published[before:]

    def step(self) -> None:
        publication = self.release.take(self.next, wire.decode(self.messages[self.next]))
        self.next += 1
        if publication is not None:
            self.published.append(publication)

    def tick(self, elapsed: int, *reporting: Seal, at_end: bool = True) -> list[Publication]:
        """Let the shards report, and time pass."""
        self.append(*reporting)
        new = self.read()
        self.release.reports.tick(elapsed, at_end)
        return new + self.read()


def people(publication: Publication) -> dict[str, dict[str, int]]:
    return {zone: dict(values) for zone, values in publication.window.zones.items()}


# --- when every shard has reported


def test_a_window_is_released_as_the_sum_once_every_shard_has_reported_it() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 6}), tally(1, 0, {BEACH: 5, PORT: 30}), seal(0, WIDTH))
    assert log.read() == []
    log.append(seal(1, WIDTH - 1))
    assert log.read() == []
    log.append(seal(1, WIDTH))
    [published] = log.read()
    assert people(published) == {"beach": {"people": 11}, "port": {"people": 30}}
    assert (published.window.layer, published.window.start, published.window.end) == ("spots", 0, WIDTH)
    assert (published.window.coverage, published.version, published.shortest) == (1.0, 5, True)


def test_a_shard_without_a_tally_had_nobody_there() -> None:
    log = Log(3)
    log.append(tally(1, 0, {BEACH: 12}), seal(0, WIDTH), seal(1, WIDTH), seal(2, 2 * WIDTH))
    assert [people(one) for one in log.read()] == [{"beach": {"people": 12}}]


def test_a_decision_is_not_published_before_it_is_read_back() -> None:
    agent = release(1)
    agent.take(0, tally(0, 0, {BEACH: 12}))
    assert agent.take(1, seal(0, WIDTH)) is None
    [decision] = agent.decide()
    assert agent.decide() == []
    published = agent.take(7, decision)
    assert published is not None
    assert published.version == 7


def test_windows_are_decided_in_order_of_their_end_whatever_their_width_and_layer() -> None:
    log = Log(1)
    log.append(
        tally(0, 0, {BEACH: 10}, width=HOUR),
        *(tally(0, start, {BEACH: 10}, layer=layer) for start in (2 * WIDTH, 0, WIDTH) for layer in (1, 0)),
        seal(0, HOUR),
    )
    published = log.read()
    order = [(one.window.end, one.window.layer, one.shortest) for one in published]
    five = [(end * WIDTH, layer, True) for end in (1, 2, 3) for layer in ("spots", "towns")]
    assert order == [*five, (HOUR, "spots", False)]
    assert [one.version for one in published] == sorted(one.version for one in published)


def test_only_what_has_closed_is_decided() -> None:
    log = Log(1)
    log.append(tally(0, 0, {BEACH: 10}), tally(0, 0, {BEACH: 10}, width=HOUR), seal(0, HOUR - 1))
    assert [one.window.width for one in log.read()] == ["5m"]
    assert log.release.oldest_open == 0


def test_all_indicators_and_parts_of_a_window_are_summed() -> None:
    log = Log()
    flow = BEACH * 3 + PORT
    for shard in (0, 1):
        log.append(tally(shard, 0, {BEACH: 10}), tally(shard, 0, {BEACH: 7}, indicator="departures"))
        log.append(tally(shard, 0, {flow: 6}, indicator="flows"))
    second = wire.decode(wire.encode(tally(0, 0, {PORT: 50})))
    assert isinstance(second, TallyPart)
    log.append(TallyPart(**{name: getattr(second, name) for name in second.__struct_fields__} | {"part": 1}))
    log.append(seal(0, WIDTH), seal(1, WIDTH))
    [published] = log.read()
    assert people(published) == {"beach": {"people": 20, "departures": 14}, "port": {"people": 50}}
    assert published.window.flows == {("beach", "port"): 12}


def test_a_tally_that_comes_again_takes_the_place_of_itself() -> None:
    log = Log(1)
    log.append(*[tally(0, 0, {BEACH: 12})] * 3, seal(0, WIDTH))
    assert [people(one) for one in log.read()] == [{"beach": {"people": 12}}]
    assert log.release.late_tallies == 0


def test_a_window_of_which_nothing_may_be_published_is_decided_all_the_same() -> None:
    log = Log(1)
    log.append(tally(0, 0, {BEACH: K - 1}), seal(0, WIDTH))
    [published] = log.read()
    assert published.window.is_empty
    assert log.release.oldest_open is None


# --- late, foreign


def test_a_tally_of_a_decided_window_is_counted_and_dropped() -> None:
    log = Log()
    log.append(tally(0, WIDTH, {BEACH: 12}), seal(0, 2 * WIDTH), seal(1, 2 * WIDTH))
    assert len(log.read()) == 1
    log.append(tally(1, WIDTH, {BEACH: 12}), tally(1, 0, {BEACH: 12}), seal(1, 2 * WIDTH))
    assert log.read() == []
    assert log.release.late_tallies == 2
    log.append(tally(1, 2 * WIDTH, {BEACH: 13}), tally(1, 0, {BEACH: 10}, layer=1), seal(0, 3 * WIDTH))
    log.append(seal(1, 3 * WIDTH))
    assert [people(one)["beach"]["people"] for one in log.read()] == [10, 13]
    assert log.release.late_tallies == 2


def test_a_tally_that_comes_between_a_decision_and_its_reading_back_changes_nothing() -> None:
    agent = release(1)
    agent.take(0, tally(0, 0, {BEACH: 12}))
    agent.take(1, seal(0, WIDTH))
    [decision] = agent.decide()
    agent.take(2, tally(0, 0, {PORT: 99}, indicator="arrivals"))
    published = agent.take(3, decision)
    assert published is not None
    assert people(published) == {"beach": {"people": 12}}
    assert (agent.late_tallies, agent.decide()) == (1, [])


def test_a_decision_carries_the_marks_of_every_layer_and_width() -> None:
    log = Log(1)
    log.append(tally(0, 0, {BEACH: 12}), tally(0, 0, {BEACH: 12}, width=HOUR), tally(0, 0, {BEACH: 1}, layer=1))
    log.append(seal(0, HOUR))
    log.read()
    *_, last = map(wire.decode, log.messages)
    assert isinstance(last, Decision)
    assert last.marks == [(0, WIDTH, WIDTH), (0, HOUR, HOUR), (1, WIDTH, WIDTH)]


def test_what_was_written_under_other_settings_is_counted_and_passed_over() -> None:
    log = Log(1)
    log.append(seal(0, WIDTH, "other"), tally(0, 0, {BEACH: 12}), seal(5, WIDTH))
    assert log.read() == []
    assert log.release.foreign == 1
    log.append(seal(0, WIDTH))
    assert len(log.read()) == 1


# --- a shard that is missing


def test_a_silent_shard_is_waited_for_up_to_max_wait_and_then_the_window_goes_out_without_it() -> None:
    log = Log(4)
    log.append(tally(0, 0, {BEACH: 12}), *(seal(shard, WIDTH) for shard in (0, 1, 2)))
    waited, published = 0, log.read()
    while not published:
        published = log.tick(4_000, seal(0, WIDTH))
        waited += 4_000
    # one tick more: what was heard before the first counts for it
    assert waited == MAX_WAIT
    assert [(one.window.coverage, people(one)) for one in published] == [(0.75, {"beach": {"people": 12}})]


def test_a_tick_counts_for_at_most_five_seconds() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 12}))
    ticks = [bool(log.tick(10 * MAX_WAIT, seal(0, WIDTH))) for _ in range(4)]
    assert ticks == [False, False, False, True]


def test_time_does_not_count_while_nobody_reports_or_the_log_is_not_read_to_its_end() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 12}))
    log.tick(5_000, seal(0, WIDTH))
    for _ in range(20):
        assert log.tick(5_000) == []
    for _ in range(20):
        assert log.tick(5_000, seal(0, WIDTH), at_end=False) == []
    assert [bool(log.tick(5_000, seal(0, WIDTH))) for _ in range(3)] == [False, False, True]


def test_a_shard_that_reports_is_waited_for_however_far_behind_it_is() -> None:
    log = Log()
    log.append(tally(0, WIDTH, {BEACH: 12}))
    for at in range(100):
        assert log.tick(5_000, seal(0, 2 * WIDTH), seal(1, at)) == []
    log.append(seal(1, 2 * WIDTH))
    [published] = log.read()
    assert published.window.coverage == 1.0


def test_a_shard_that_is_back_is_waited_for_again() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 12}), tally(0, WIDTH, {BEACH: 12}))
    while not log.tick(5_000, seal(0, WIDTH)):
        pass
    assert log.tick(5_000, seal(1, 0), seal(0, 2 * WIDTH)) == []
    assert [bool(log.tick(5_000, seal(0, 2 * WIDTH))) for _ in range(4)] == [False, False, False, True]


def test_what_a_missing_shard_had_said_of_a_window_without_sealing_it_is_not_in_it() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 12}), tally(1, 0, {BEACH: 30}), tally(1, 0, {PORT: 20}, indicator="arrivals"))
    published: list[Publication] = []
    while not published:
        published = log.tick(5_000, seal(0, WIDTH))
    assert [(one.window.coverage, people(one)) for one in published] == [(0.5, {"beach": {"people": 12}})]


def test_before_any_shard_has_reported_nothing_is_released_however_long_it_takes() -> None:
    reports = Reports(2, MAX_WAIT)
    for _ in range(100):
        reports.tick(5_000, at_end=True)
    assert reports.coverage(WIDTH) is None
    assert reports.position is None


# --- a successor


class Succession:
    """Shards that close windows, repeat themselves and fall back; agents that crash at any moment."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.shards = random.randint(1, 3)
        self.log: list[bytes] = []
        self.published: dict[int, bytes] = {}
        windows = random.randint(1, 6)
        self.counts = [{shard: random.randint(1, 30) for shard in range(self.shards)} for _ in range(windows)]
        self.committed, self.crashes = 0, 6
        self._begin()

    def _begin(self) -> None:
        self.agent = release(self.shards)
        self.next, self.takeover_end = self.committed, len(self.log)
        self.undelivered: list[bytes] = []

    def run(self) -> None:
        stories = [self._story(shard) for shard in range(self.shards)]
        while any(stories) or self.next < len(self.log) or self.undelivered:
            busy = [story for story in stories if story]
            act = self.random.random()
            if busy and act < 0.4:
                self.log.append(wire.encode(self.random.choice(busy).pop(0)))
            elif act < 0.42 and self.crashes:
                self.crashes -= 1
                self._begin()
            elif act < 0.5 and self.agent.position is not None:
                self.committed = self.agent.position
            elif self.undelivered and act < 0.7:
                self.log.append(self.undelivered.pop(0))
            elif self.next < len(self.log):
                self._read()

    def _story(self, shard: int) -> list[Message]:
        """What a shard says, with runs of it said again as after a crash."""
        story: list[Message] = []
        for at, window in enumerate(self.counts):
            start = at * WIDTH
            if self.random.random() < 0.8:
                story.append(tally(shard, start, {BEACH: window[shard]}))
            else:
                del window[shard]
            story.append(seal(shard, start + WIDTH))
            if self.random.random() < 0.3:
                story += story[-self.random.randint(1, len(story)) :]
        return story

    def _read(self) -> None:
        published = self.agent.take(self.next, wire.decode(self.log[self.next]))
        self.next += 1
        if published is not None:
            data = published.window.to_bytes()
            assert self.published.setdefault(published.version, data) == data
        if self.next >= self.takeover_end:
            self.undelivered += map(wire.encode, self.agent.decide())


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_whoever_crashes_each_window_is_decided_once_and_published_with_the_sum_of_all_shards(seed: int) -> None:
    world = Succession(Random(seed))
    world.run()
    decisions = {
        version: message for version, message in enumerate(map(wire.decode, world.log)) if isinstance(message, Decision)
    }
    assert world.published == {version: decision.window for version, decision in decisions.items()}
    starts = [decision.start for decision in decisions.values()]
    assert sorted(starts) == [at * WIDTH for at, window in enumerate(world.counts) if window]
    for decision in decisions.values():
        total = sum(world.counts[decision.start // WIDTH].values())
        published = {zone: dict(values) for zone, values in reopen(decision.window).zones.items()}
        assert published == ({"beach": {"people": total}} if total >= K else {})


def test_a_successor_reads_on_from_the_position_and_publishes_the_same_bytes() -> None:
    log = Log()
    log.append(tally(0, 0, {BEACH: 12}), seal(0, WIDTH), seal(1, WIDTH), tally(0, WIDTH, {BEACH: 15}))
    [first] = log.read()
    position = log.release.position
    assert position is not None
    successor = release()
    published = []
    for offset in range(position, len(log.messages)):
        published.append(successor.take(offset, wire.decode(log.messages[offset])))
        assert successor.decide() == []
    [again] = [one for one in published if one is not None]
    assert (again.window.to_bytes(), again.version) == (first.window.to_bytes(), first.version)
    assert (successor.position, successor.oldest_open) == (position, WIDTH)


def test_the_position_keeps_open_windows_the_last_decision_and_each_shards_newest_seal() -> None:
    assert release().position is None
    log = Log()
    log.append(seal(1, 0), seal(0, 0), tally(0, 0, {BEACH: 12}))
    log.read()
    assert log.release.position == 0
    log.append(seal(1, 0))
    log.read()
    assert log.release.position == 1
    log.append(seal(0, WIDTH), seal(1, WIDTH))
    log.read()
    assert log.release.position == 4
    log.append(*[seal(0, WIDTH), seal(1, WIDTH)] * 5)
    log.read()
    assert isinstance(wire.decode(log.messages[log.release.position]), Decision)


def test_a_tally_that_comes_again_is_no_open_window_to_a_successor_that_starts_behind_its_decision() -> None:
    log = Log(1)
    log.append(tally(0, 0, {BEACH: 12}), seal(0, WIDTH))
    log.read()
    log.append(tally(0, 0, {BEACH: 12}), tally(0, WIDTH, {BEACH: 15}), seal(0, 2 * WIDTH))
    assert len(log.read()) == 1
    successor = release(1)
    for offset in range(3, len(log.messages)):
        successor.take(offset, wire.decode(log.messages[offset]))
    assert (successor.oldest_open, successor.late_tallies) == (None, 1)
    assert successor.decide() == []


def test_decisions_that_could_not_be_appended_are_decided_again() -> None:
    agent = release(1)
    agent.take(0, tally(0, 0, {BEACH: 12}))
    agent.take(1, seal(0, WIDTH))
    [lost] = agent.decide()
    agent.forget_undelivered()
    assert agent.decide() == [lost]
