"""A shard counts what the oracle counts, however its records are cut into fetches and wherever it is restored."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import time
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ContractError, KeyStoreError
from foule.oracle.days import Days
from foule.oracle.oracle import Parameters, Record, Result
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from streams.fetch import contiguous
from streams.shard import Shard, ShardParts
from streams.watermark import BEGINNING
from tests.crowds import SMALL, Crowd, Seen, Universe, encode
from tests.damage import NOON
from tests.everything import with_every_indicator
from tests.generators import crowd, crowds
from tests.privacy.scan import find_identifiers
from tests.streams.journey import Journey
from tests.streams.shards import FailingKeyStore, as_oracle, feed, fetch_of, parts_of

SHORE = Universe(Parameters(widths=(5 * MINUTE,)), SMALL)
DAY_END = NOON + 16 * HOUR
SEEDS = st.integers(0, 1 << 16)


def assert_equal_to_the_oracle(journey: Journey, expected: Result, partition: int) -> None:
    assert journey.tallies == expected.complete(partition)
    shard = journey.shard
    judged = Counter(verdict for (at, _), verdict in expected.verdicts.items() if at == partition)
    counted = shard.verdicts
    assert (counted.read, counted.accepted, counted.late) == (judged.total(), judged["accepted"], judged["late"])
    assert counted.read == counted.accepted + counted.late + counted.rejected.total()
    good = ("accepted", "late")
    assert journey.rejected == {
        offset: verdict
        for (at, offset), verdict in expected.verdicts.items()
        if at == partition and verdict not in good
    }
    assert Counter(journey.rejected.values()) == +counted.rejected
    watermark = expected.watermarks[partition]
    assert shard.watermark == (BEGINNING if watermark is None else watermark)


def event(at: int, subscriber: str = "a", cell: str = "c0") -> bytes:
    """An event ``at`` ms after noon."""
    return encode(Seen(NOON + at, subscriber, cell))


def log(*values: bytes | None) -> list[Record]:
    return [Record(offset, -1, value) for offset, value in enumerate(values)]


def shard_of(*values: bytes | None, parts: ShardParts | None = None) -> Shard:
    """A shard of the shore that has taken these values."""
    shard = Shard(0, parts_of(SHORE) if parts is None else parts)
    list(feed(shard, fetch_of(0, 0, log(*values))))
    return shard


# --- equal to the oracle


@settings(deadline=None)
@given(crowds(partitions=2, max_events=50))
def test_a_log_taken_at_once_gives_the_numbers_of_the_oracle(crowd: Crowd) -> None:
    expected = crowd.expected()
    parts = parts_of(crowd.universe)
    for partition in crowd.logs:
        journey = Journey(crowd, partition, parts, Random(0))
        journey.run(longest=1000, checkpoint=0, crash=0)
        assert_equal_to_the_oracle(journey, expected, partition)


@settings(max_examples=120, deadline=None)
@given(crowds(partitions=1, max_events=60), SEEDS)
def test_cuts_settling_checkpoints_crashes_and_missing_keys_change_nothing(crowd: Crowd, seed: int) -> None:
    parts = parts_of(crowd.universe, FailingKeyStore(often=0.3, seed=seed))
    journey = Journey(crowd, 0, parts, Random(seed))
    journey.run()
    assert_equal_to_the_oracle(journey, crowd.expected(), 0)


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(),
        Parameters(widths=(7 * MINUTE, 7 * HOUR), epoch_days=3, linger=90 * MINUTE, lateness=3 * SECOND),
        Parameters(widths=(DAY,), linger=26 * HOUR, lateness=0),
        Parameters(zone="Australia/Lord_Howe", widths=(HOUR, DAY), linger=MINUTE),
        with_every_indicator(Parameters(widths=(7 * MINUTE, HOUR, DAY)), trip_stay=MINUTE),
        with_every_indicator(
            Parameters(widths=(7 * HOUR, DAY), epoch_days=3, linger=5 * HOUR), usual_nights=2, habitual_days=1
        ),
        with_every_indicator(Parameters(widths=(DAY,), epoch_days=2, linger=26 * HOUR, day_start=time(2, 30))),
    ],
)
def test_thousands_of_events_over_days_of_23_and_25_hours_give_the_numbers_of_the_oracle(
    parameters: Parameters,
) -> None:
    for start in (1_396_054_800_000, 1_414_195_200_000):  # Saturdays before Paris changes its clocks
        whole = crowd(5, events=3_000, partitions=2, parameters=parameters, start=start, stamped=start % 3 == 0)
        expected, parts = whole.expected(), parts_of(whole.universe)
        for partition in whole.logs:
            journey = Journey(whole, partition, parts, Random(partition))
            journey.run(longest=300, checkpoint=0.3, crash=0.2)
            assert journey.crashes
            assert_equal_to_the_oracle(journey, expected, partition)


def test_events_that_wait_by_the_ten_thousand_are_applied_once_each() -> None:
    # more than what is settled at once when no window closes
    seen = [Seen(NOON + n % 7 * SECOND, f"device-{n % 900}", f"c{n % 6}") for n in range(40_000)]
    records = log(*map(encode, seen))
    whole = Crowd(SHORE, {0: records}, {0: [(len(records), DAY_END)]})
    for longest in (50_000, 9_000):
        journey = Journey(whole, 0, parts_of(SHORE), Random(1))
        journey.run(longest=longest)
        assert_equal_to_the_oracle(journey, whole.expected(), 0)


@settings(deadline=None)
@given(crowds(partitions=1, max_events=40, damage=False), SEEDS)
def test_the_moves_are_those_of_the_oracle_once_the_epochs_are_over(crowd: Crowd, seed: int) -> None:
    times = [ts for _, ts in crowd.advances[0]]
    last = max([crowd.logs[0][-1].offset + 1, *(offset for offset, _ in crowd.advances[0])]) if crowd.logs[0] else 0
    end = max([*times, Days(crowd.universe.parameters).epoch(NOON + 60 * DAY + 365 * DAY).end])
    over = Crowd(crowd.universe, crowd.logs, {0: [*crowd.advances[0], (last, end)]})
    journey = Journey(over, 0, parts_of(crowd.universe), Random(seed))
    journey.run()
    moves = over.expected().moves
    assert journey.shard.moves.tolist() == [moves.get(name, Counter()).total() for name in crowd.universe.layers]
    assert journey.shard.devices == 0


# --- advances


def test_an_advance_inside_a_fetch_is_applied_between_its_records() -> None:
    values = [event(0), event(1), event(2), event(MINUTE)]
    verdicts = []
    for at in range(5):
        shard = Shard(0, parts_of(SHORE))
        assert shard.advance(at, NOON + 1)
        parts = shard.take(fetch_of(0, 0, log(*values)))
        assert sum(taken.verdicts.read for _, taken in parts) == 4
        verdicts.append(shard.verdicts.late)
    # offset 0 and 1 are at or below the advance; it makes late what is read after it
    assert verdicts == [2, 1, 0, 0, 0]


def test_two_advances_inside_one_fetch_are_applied_each_at_its_place() -> None:
    shard = Shard(0, parts_of(SHORE))
    shard.advance(3, NOON + 10 * MINUTE)
    shard.advance(1, NOON)
    parts = shard.take(fetch_of(0, 0, log(event(0), event(0), event(1), event(MINUTE), event(11 * MINUTE))))
    assert [(part.start, part.end, taken.verdicts.late) for part, taken in parts] == [(0, 1, 0), (1, 3, 1), (3, 5, 1)]


def test_an_advance_that_the_shard_has_passed_is_refused_and_changes_nothing() -> None:
    shard = shard_of(event(0), event(1))
    watermark = shard.watermark
    assert not shard.advance(1, DAY_END)
    assert shard.watermark == watermark
    assert shard.advance(2, DAY_END)
    assert shard.watermark == DAY_END


def test_an_advance_never_turns_the_watermark_back() -> None:
    shard = shard_of(event(HOUR))
    assert shard.advance(1, NOON)
    assert shard.watermark == NOON + HOUR - 2 * MINUTE


def test_an_advance_to_the_end_of_the_epoch_closes_its_windows_and_drops_its_devices() -> None:
    shard = shard_of(event(0), event(1, "b"))
    assert (shard.devices, shard.closed()) == (2, [])
    shard.advance(2, DAY_END)
    assert shard.devices == 0
    assert {tally.end for tally in shard.closed()} >= {NOON + 5 * MINUTE, NOON + 35 * MINUTE}


def test_an_advance_that_waits_for_its_offset_is_part_of_a_snapshot() -> None:
    parts = parts_of(SHORE)
    shard = shard_of(event(0), parts=parts)
    shard.advance(2, DAY_END)
    again = Shard.restored(0, parts, shard.snapshot().encode())
    list(feed(again, fetch_of(0, 0, log(event(0), event(1)))))
    assert again.watermark == DAY_END


# --- offsets


def test_the_position_is_the_oldest_offset_that_waits_for_the_watermark() -> None:
    shard = shard_of(event(MINUTE), event(2 * MINUTE), event(3 * MINUTE), b"damage")
    shard.settle()  # the watermark is one minute after noon
    assert (shard.position, shard.counted, shard.next_offset) == (1, 4, 4)
    shard.advance(4, NOON + HOUR)
    assert shard.position == 4


def test_offsets_without_a_record_are_passed_over_as_part_of_their_fetch() -> None:
    shard = Shard(0, parts_of(SHORE))
    records = [Record(2, -1, event(0)), Record(7, -1, None)]
    [(_, taken)] = shard.take(fetch_of(0, 0, records, end=11))
    assert (taken.verdicts.read, shard.next_offset) == (2, 11)


def test_what_the_log_no_longer_has_is_passed_over_with_the_advances_in_it() -> None:
    shard = shard_of(event(0))
    shard.advance(4, NOON + HOUR)
    shard.skip_to(9)
    assert (shard.next_offset, shard.counted, shard.watermark) == (9, 9, NOON + HOUR)
    shard.take(contiguous(0, 9, [event(2 * HOUR)], np.array([-1])))
    assert shard.verdicts.read == 2


# --- snapshots


def test_records_below_counted_fill_the_buffer_again_and_count_no_second_time() -> None:
    parts = parts_of(SHORE)
    values = [event(0), b"damage", event(5 * MINUTE), event(HOUR, cell="nowhere")]
    shard = shard_of(*values, parts=parts)
    again = Shard.restored(0, parts, shard.snapshot().encode())
    assert (again.position, again.next_offset, again.counted) == (2, 2, 4)
    fetch = fetch_of(0, 2, log(*values, b"more damage", event(6 * MINUTE))[2:])
    assert [list(rejected) for rejected in feed(again, fetch)] == [[], [4]]
    assert (again.verdicts.read, again.verdicts.accepted) == (6, 3)
    assert again.verdicts.rejected == {"malformed": 2, "unknown_cell": 1}


def test_a_snapshot_is_a_copy_at_one_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(SHORE)
    parts.keys.pseudonymiser(parts.calendar.epoch_of(NOON))
    monkeypatch.setattr(secrets, "token_bytes", bytes)  # or else nothing is sealed twice the same
    shard = shard_of(event(0), event(5 * MINUTE, "b", "c2"), parts=parts)
    at_once = shard.snapshot().encode()
    later = shard.snapshot()
    more = [event(HOUR + n * SECOND, f"new-{n}", "c1") for n in range(3000)]
    list(feed(shard, fetch_of(0, 2, [Record(2 + n, -1, value) for n, value in enumerate(more)])))
    assert later.encode() == at_once


def test_tallies_that_were_not_carried_away_are_not_in_a_snapshot() -> None:
    parts = parts_of(SHORE)
    shard = shard_of(event(0), event(10 * MINUTE, "b"), parts=parts)
    again = Shard.restored(0, parts, shard.snapshot().encode())
    assert again.closed() == []
    assert [tally.end for tally in shard.closed() if tally.layer == 0] == [NOON + 5 * MINUTE]


def test_a_snapshot_under_other_zones_or_times_is_refused() -> None:
    data = shard_of(event(0)).snapshot().encode()
    for other in (
        Universe(Parameters(widths=(5 * MINUTE, HOUR)), SMALL),
        Universe(Parameters(widths=(5 * MINUTE,), linger=HOUR), SMALL),
        Universe(Parameters(widths=(5 * MINUTE,), lateness=0), SMALL),
        Universe(Parameters(widths=(5 * MINUTE,), zone="UTC"), SMALL),
    ):
        with pytest.raises(
            ContractError, match="shard 3 was made by another version of foule or under other zones"
        ) as e:
            Shard.restored(3, parts_of(other), data)
        assert "set topics.checkpoints, topics.tallies to new names and events.not_before to that" in str(e.value)
    with pytest.raises(ContractError, match="a snapshot cannot be read"):
        Shard.restored(0, parts_of(SHORE), b"something else")


def test_no_subscriber_id_is_in_a_snapshot() -> None:
    subscriber = "208011234567890"
    shard = shard_of(event(0, subscriber), event(10 * MINUTE, subscriber, "c2"), event(11 * MINUTE, subscriber))
    data = shard.snapshot().encode()
    assert find_identifiers([data], {subscriber}) == []
    assert find_identifiers([data + subscriber.encode()], {subscriber})


# --- keys


def test_without_a_key_nothing_is_taken_and_nothing_is_changed() -> None:
    store = FailingKeyStore(failures=2)
    parts = parts_of(SHORE, store)
    shard = Shard(0, parts)
    fetch = fetch_of(0, 0, log(event(0), b"damage", event(DAY, "b")))
    untouched = shard.snapshot().encode()
    for _ in range(2):
        with pytest.raises(KeyStoreError):
            shard.take(fetch)
        assert (shard.next_offset, shard.verdicts.read, shard.watermark) == (0, 0, BEGINNING)
        assert shard.snapshot().encode() == untouched
    assert [taken.verdicts.accepted for _, taken in shard.take(fetch)] == [2]


def test_the_second_of_two_epochs_without_a_key_leaves_the_first_unchanged_too() -> None:
    class OneKey(FailingKeyStore):
        def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
            if epoch != "20140628" and self.failures:
                raise KeyStoreError("the key store does not answer")
            return super().put_if_absent(epoch, key, ttl_ms)

    store = OneKey(failures=1)
    shard = Shard(0, parts_of(SHORE, store))
    fetch = fetch_of(0, 0, log(event(16 * HOUR - 1), event(16 * HOUR, "b")))
    for _ in range(2):
        with pytest.raises(KeyStoreError):
            shard.take(fetch)
        assert (shard.devices, shard.position) == (0, 0)
    store.failures = 0
    shard.take(fetch)
    assert (shard.devices, shard.verdicts.accepted) == (2, 2)


def test_what_comes_before_the_missing_key_is_taken_all_the_same() -> None:
    store = FailingKeyStore()
    shard = Shard(0, parts_of(SHORE, store))
    shard.take(fetch_of(0, 0, log(event(0))))
    store.failures = 1
    shard.advance(2, NOON)
    fetch = fetch_of(0, 1, log(event(0), event(1), event(DAY, "b"))[1:])
    assert [taken.verdicts.accepted for _, taken in shard.take(fetch)] == [1]
    assert shard.next_offset == 2
    assert [taken.verdicts.accepted for _, taken in shard.take(fetch.since(2))] == [1]


def test_late_events_and_damage_need_no_key() -> None:
    shard = Shard(0, parts_of(SHORE, FailingKeyStore(failures=1)))
    shard.advance(0, DAY_END)
    [(_, taken)] = shard.take(fetch_of(0, 0, log(event(0), None)))
    assert (taken.verdicts.late, taken.verdicts.rejected.total()) == (1, 1)


def test_one_device_has_one_row_whether_its_id_came_as_text_or_as_a_number() -> None:
    number = b'{"ts":%d,"subscriber":208,"cell":"c2"}' % (NOON + 1)
    shard = shard_of(event(0, "208"), number)
    assert shard.devices == 1
    shard.advance(2, DAY_END)
    tallies = as_oracle(shard.closed(), parts_of(SHORE).counting.cells)
    flows = [counts["flows"] for counts in tallies.values() if "flows" in counts]
    assert flows == [{("beach", "port"): 1}]
