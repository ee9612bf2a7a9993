"""A shuffled feed gives the numbers of the oracle, whatever happens between its sources and its shards."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.keys import MemoryKeyStore
from config.errors import ContractError, KeyLostError
from foule.oracle.oracle import Parameters, Result
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from foule.oracle.result import add
from indicators.columns import Reader
from streams.batches import Batch, decode_batch, encode_batch
from streams.shuffled import ShuffledShard
from streams.source import Source
from streams.watermark import BEGINNING
from tests.crowds import SMALL, Crowd, Universe
from tests.damage import NOON
from tests.everything import with_every_indicator
from tests.generators import crowd, crowds
from tests.streams.shards import FailingKeyStore, as_oracle, fetch_of, parts_of
from tests.streams.shuffle_journey import ShuffleJourney
from tests.streams.test_shard import event, log

SHORE = Universe(Parameters(widths=(5 * MINUTE,), shuffle=True), SMALL)
SEEDS = st.integers(0, 1 << 16)


def assert_equal_to_the_oracle(journey: ShuffleJourney, expected: Result) -> None:
    assert add(journey.tallies) == expected.complete()
    counted, judged = journey.verdicts, Counter(expected.verdicts.values())
    assert (counted.read, counted.accepted, counted.late) == (judged.total(), judged["accepted"], judged["late"])
    assert counted.rejected == Counter({kind: n for kind, n in judged.items() if kind not in ("accepted", "late")})
    marks = [BEGINNING if mark is None else mark for mark in expected.watermarks.values()]
    assert journey.watermarks == [min(marks)] * len(marks)


# --- equal to the oracle


@settings(max_examples=60, deadline=None)
@given(crowds(partitions=3, max_events=60, shuffle=True), SEEDS)
def test_an_undisturbed_feed_gives_the_numbers_of_the_oracle(some: Crowd, seed: int) -> None:
    journey = ShuffleJourney(some, parts_of(some.universe, partitions=3), Random(seed), longest=1000, faults=0)
    journey.run()
    assert_equal_to_the_oracle(journey, some.expected())


@settings(max_examples=150, deadline=None)
@given(crowds(partitions=3, max_events=60, shuffle=True), SEEDS)
def test_cuts_takeovers_repeats_failed_sends_checkpoints_and_missing_keys_change_nothing(
    some: Crowd, seed: int
) -> None:
    keys = MemoryKeyStore()
    plain = ShuffleJourney(some, parts_of(some.universe, keys, 3), Random(0), longest=1000, faults=0)
    plain.run()
    store = FailingKeyStore(often=0.3, seed=seed)
    store.shares_keys_of(keys)
    journey = ShuffleJourney(some, parts_of(some.universe, store, 3), Random(seed))
    journey.run()
    assert journey.tallies == plain.tallies
    assert_equal_to_the_oracle(journey, some.expected())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("widths", [(7 * MINUTE, 7 * HOUR), (7 * HOUR, DAY)])
def test_thousands_of_events_over_a_day_of_25_hours_give_the_numbers_of_the_oracle(
    seed: int, widths: tuple[int, ...]
) -> None:
    parameters = Parameters(widths=widths, epoch_days=2, lateness=20 * SECOND, shuffle=True)
    some = crowd(seed, events=2_000, partitions=5, parameters=with_every_indicator(parameters, usual_nights=1))
    journey = ShuffleJourney(some, parts_of(some.universe, partitions=5), Random(seed), longest=200, faults=0.05)
    journey.run()
    assert journey.happened > 20
    assert_equal_to_the_oracle(journey, some.expected())


def test_a_keyed_feed_has_the_same_numbers_with_the_shuffle_as_without() -> None:
    keyed = crowd(3, events=2_000, partitions=3)
    shuffled = Universe(Parameters(shuffle=True), keyed.universe.cells)
    journey = ShuffleJourney(
        Crowd(shuffled, keyed.logs, keyed.advances), parts_of(shuffled, partitions=3), Random(1), longest=100
    )
    journey.run()
    assert add(journey.tallies) == keyed.expected().complete() != {}


# --- batches


class Pair:
    """Two sources and two shards, and what is under way between them."""

    def __init__(self) -> None:
        self.parts = parts_of(SHORE, partitions=2)
        self.sources = [Source(number, self.parts) for number in range(2)]
        self.shards = [ShuffledShard(number, self.parts) for number in range(2)]

    def batches(self, source: int, *values: bytes | None, token: int = 0) -> list[tuple[int, Batch]]:
        one = self.sources[source]
        start = one.next_offset
        records = [record._replace(offset=record.offset + start) for record in log(*values)]
        if records:
            one.take(fetch_of(source, start, records))
        return one.batches(token)

    def give(self, batches: list[tuple[int, Batch]]) -> None:
        for shard, batch in batches:
            one = self.shards[shard]
            sent = decode_batch(encode_batch(batch, shard))
            one.take([one.opened(sent)], one.next_offset + 1)

    @property
    def devices(self) -> int:
        return sum(shard.devices for shard in self.shards)

    @property
    def waiting(self) -> int:
        """Events that wait for the watermark, by what the shards' snapshots hold."""
        epoch, waiting = self.parts.calendar.epoch_of(NOON), 0
        for shard in self.shards:
            if shard.devices:
                reader = Reader(shard.snapshot().encode(), f"shard {shard.partition}").under(f"epoch/{epoch.number}")
                cipher = self.parts.keys.cipher(epoch, reader.value("key"))
                waiting += len(reader.opened("crowd", cipher).column("waiting/times"))
        return waiting

    @property
    def presence(self) -> dict[str, int]:
        """Devices by zone of the first layer, over all windows that closed."""
        counted: Counter[str] = Counter()
        for shard in self.shards:
            shard.settle()
            for key, counts in as_oracle(shard.closed(), self.parts.counting.cells).items():
                if key.layer == "spots":
                    counted.update({str(zone): count for zone, count in counts["presence"].items()})
        return dict(counted)


def test_every_device_is_in_one_shard_whichever_partition_it_was_read_from() -> None:
    pair = Pair()
    names = [f"device-{n}" for n in range(40)]
    for source in range(2):
        pair.give(pair.batches(source, *(event(n, name) for n, name in enumerate(names))))
    assert [shard.devices > 5 for shard in pair.shards] == [True, True]
    assert pair.devices == 40


def test_the_slowest_source_holds_the_watermark_and_each_judges_by_its_own() -> None:
    pair = Pair()
    pair.give(pair.batches(0, event(HOUR, "a")))
    assert [shard.watermark for shard in pair.shards] == [BEGINNING] * 2
    pair.give(pair.batches(1, event(0, "b"), event(10 * MINUTE, "b")))
    assert [shard.watermark for shard in pair.shards] == [NOON + 8 * MINUTE] * 2
    assert [source.verdicts.late for source in pair.sources] == [0, 0]
    assert pair.presence == {"beach": 1}


def test_a_batch_that_comes_again_changes_nothing() -> None:
    pair = Pair()
    sent = pair.batches(0, event(0, "a"), event(1, "b"))
    for _ in range(3):
        pair.give(sent)
    again = Source(0, pair.parts)
    again.take(fetch_of(0, 0, log(event(0, "a"), event(1, "b"), event(2, "c"))))
    pair.give(again.batches(1))
    assert (pair.devices, pair.waiting) == (3, 3)


def test_what_a_former_owner_sends_behind_the_claim_does_not_count() -> None:
    pair = Pair()
    stale = pair.batches(0, event(0, "a"))
    claim = pair.sources[0].claim(7)
    pair.give([(shard, claim) for shard in range(2)])
    pair.give(stale)
    assert (pair.devices, [shard.stale for shard in pair.shards]) == (0, [1, 1])


def test_a_batch_behind_one_that_is_missing_is_not_taken() -> None:
    pair = Pair()
    lost = pair.batches(0, event(0, "a"))
    behind = pair.batches(0, event(1, "b"))
    pair.give(behind)
    assert pair.devices == 0
    assert [shard.watermark for shard in pair.shards] == [BEGINNING] * 2
    pair.give(lost)
    pair.give(behind)
    assert pair.devices == 2


def test_a_hole_in_the_feed_is_spanned_by_the_next_batch() -> None:
    pair = Pair()
    pair.give(pair.batches(0, event(0, "a")))
    pair.sources[0].skip_to(50)
    pair.give(pair.batches(0, event(1, "b")))
    assert pair.devices == 2


def test_where_the_shuffled_topic_has_lost_records_a_shard_goes_on_with_what_comes() -> None:
    pair = Pair()
    pair.batches(0, event(0, "a"))
    for shard in pair.shards:
        shard.skip_to(90)
    pair.give(pair.batches(0, event(1, "b")))
    assert pair.devices == 1
    assert [shard.next_offset for shard in pair.shards] == [91, 91]


def test_an_event_that_a_loss_has_made_late_is_passed_over() -> None:
    pair = Pair()
    for source in range(2):
        pair.give(pair.batches(source, event(HOUR, "a")))
    for shard in pair.shards:
        shard.settle()
    again = Source(0, pair.parts)  # its checkpoint and the feed's older records are gone
    again.skip_to(30)
    again.take(fetch_of(0, 30, [record._replace(offset=30) for record in log(event(0, "b"))]))
    pair.give(again.batches(1))
    assert pair.presence == {}
    assert pair.devices == 1


def test_batches_under_other_settings_and_of_unknown_sources_are_passed_over() -> None:
    pair = Pair()
    for shard, batch in pair.batches(0, event(0, "a")):
        foreign = batch._replace(settings="other", token=9)
        unknown = batch._replace(source=2, token=9)
        pair.give([(shard, foreign), (shard, unknown)])
    assert pair.devices == 0


def test_pseudonyms_under_two_keys_are_refused() -> None:
    pair = Pair()
    pair.give(pair.batches(0, *(event(n, f"device-{n}") for n in range(20))))
    other = Source(1, parts_of(SHORE, partitions=2))
    other.take(fetch_of(1, 0, log(*(event(n, f"device-{n}") for n in range(20)))))
    with pytest.raises(KeyLostError, match="epoch 20140628 has pseudonyms under two keys"):
        pair.give(other.batches(0))


# --- snapshots


def test_a_snapshot_holds_what_waits_and_what_was_taken_of_each_source() -> None:
    pair = Pair()
    sent = pair.batches(0, event(0, "a"), event(3 * MINUTE, "b"))
    pair.give(sent)
    pair.shards = [
        ShuffledShard.restored(number, pair.parts, shard.snapshot().encode())
        for number, shard in enumerate(pair.shards)
    ]
    assert [shard.position for shard in pair.shards] == [1, 1]
    pair.give(sent)
    pair.sources[0].advance(2, NOON + HOUR)
    pair.sources[1].advance(0, NOON + HOUR)
    for source in range(2):
        pair.give(pair.batches(source))
    assert pair.presence["beach"] == 2 * 7  # each device in seven windows, until its silence has lasted


def test_a_snapshot_of_other_settings_is_refused() -> None:
    fewer = parts_of(SHORE, partitions=2)
    more = parts_of(SHORE, partitions=3)
    with pytest.raises(ContractError, match="shard 1 was made by another version of foule or under other zones"):
        ShuffledShard.restored(1, more, ShuffledShard(1, fewer).snapshot().encode())
    with pytest.raises(ContractError, match="source 1 was made by another version of foule or under other zones"):
        Source.restored(1, more, Source(1, fewer).snapshot().encode())
