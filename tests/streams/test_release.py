"""A window is decided once, when every shard has reported it or has been waited for long enough."""

from __future__ import annotations

from msgspec.structs import replace

from anonymizer.gate import Gate, Publication
from anonymizer.threshold import Threshold
from config.errors import EpochEndedError, KeyMissingError
from streams.release import Release
from streams.reports import Reports
from streams.wire import EpochEnd, encode
from tests.streams.windows import BEACH, HOUR, MAX_WAIT, PORT, WIDTH, K, Log, people, release, seal, tally
from zones import Layer

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
    log.append(tally(0, 0, {PORT: 50}, part=9))
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


def test_what_was_written_under_other_settings_is_counted_and_passed_over() -> None:
    log = Log(1)
    log.append(seal(0, WIDTH, "other"), tally(0, 0, {BEACH: 12}), seal(5, WIDTH))
    assert log.read() == []
    assert (log.release.foreign, log.release.stale) == (1, 1)
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


# --- keys


def test_a_window_whose_key_cannot_be_had_now_is_waited_for_and_holds_up_those_behind_it() -> None:
    log = Log(1)
    log.secrets.error = KeyMissingError("20140628", "it was emptied")
    log.append(tally(0, 0, {BEACH: 12}), tally(0, WIDTH, {BEACH: 13}), seal(0, 2 * WIDTH))
    assert log.read() == []
    assert log.release.waits_for is log.secrets.error
    assert (log.release.oldest_open, log.release.spoilt) == (0, 0)
    log.secrets.error = None
    assert [people(one) for one in log.read()] == [{"beach": {"people": 12}}, {"beach": {"people": 13}}]
    assert log.release.waits_for is None


def test_a_window_under_a_key_that_was_given_up_is_never_released_and_nobody_waits_for_it() -> None:
    log = Log(1)
    log.secrets.lost.add("old/id")
    log.append(tally(0, 0, {BEACH: 12}, key="old/id"), tally(0, WIDTH, {BEACH: 13}), seal(0, 2 * WIDTH))
    assert [people(one) for one in log.read()] == [{"beach": {"people": 13}}]
    assert (log.release.spoilt, log.release.waits_for) == (1, None)


def test_a_window_of_an_epoch_whose_key_is_destroyed_is_left_to_the_end_of_that_epoch() -> None:
    log = Log(1)
    log.secrets.error = EpochEndedError("20140628", 2 * WIDTH)
    log.append(tally(0, 0, {BEACH: 12}), seal(0, WIDTH))
    assert log.read() == []
    log.append(EpochEnd("settings", log.release.owner, 1, 2 * WIDTH))
    assert log.read() == []
    assert (log.release.expired, log.release.oldest_open) == (1, None)


def test_a_window_with_a_tally_that_does_not_open_is_not_released() -> None:
    log = Log(1)
    log.append(replace(tally(0, 0, {BEACH: 12}), sealed=bytes(1052)), tally(0, WIDTH, {BEACH: 13}), seal(0, 2 * WIDTH))
    assert [people(one) for one in log.read()] == [{"beach": {"people": 13}}]
    assert log.release.spoilt == 1


# --- zones within others


def nested_log() -> Log:
    """A log of one shard whose first layer lies in the second: beach and port in the town of the beach."""
    log = Log(1)
    inner = Layer("spots", ("beach", "port"), ("", ""), (None, None), 1, (0, 0))
    layers = [inner, Layer("towns", ("beach", "port"), ("", ""), (None, None))]
    log.release = Release(Gate(Threshold(K, 0), layers), log.secrets, 1, WIDTH, MAX_WAIT, "settings")
    return log


def test_a_zone_that_would_prove_a_small_rest_is_withheld_also_by_a_successor() -> None:
    first = nested_log()
    first.append(tally(0, 0, {BEACH: 20, PORT: 5}), tally(0, 0, {BEACH: 25}, layer=1), seal(0, WIDTH))
    for _ in range(3):
        first.step()
    [outer, inner] = first.release.decide()
    assert (outer.layer, inner.layer) == (1, 0)
    second = nested_log()
    second.messages = [*first.messages, encode(outer)]  # the other one never arrived
    for _ in range(4):  # it decides nothing before it has read all that its predecessor decided
        second.step()
    second.read()
    assert [people(one) for one in second.published] == [{"beach": {"people": 25}}, {}]
