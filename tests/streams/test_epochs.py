"""From where a device is comes with each of its events to the crowd, in the order of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest

from config.sections import IndicatorsSettings, OriginsSettings
from config.settings import Duration, Settings
from foule.oracle.oracle import Parameters, Record
from foule.oracle.parameters import HOUR, MINUTE
from indicators.epoch_crowd import EpochCrowd
from streams.batches import Batch, decode_batch, encode_batch
from streams.shard import Shard, ShardParts
from streams.shuffled import ShuffledShard
from streams.source import Source
from tests.crowds import SMALL, Universe
from tests.damage import NOON
from tests.streams.shards import fetch_of, parts_of, settings_of

KEYED = Universe(Parameters(widths=(HOUR,)), SMALL)
SHUFFLED = Universe(Parameters(widths=(HOUR,), shuffle=True), SMALL)
END = NOON + 16 * HOUR

SENT = [(208, "75"), (208, "17"), (262, None), (None, None), (222, "75"), (208, None)] * 50
LABELS = ["national:75", "national:17", "foreign:DE", "unknown", "foreign:IT", "unknown"] * 50


class Applied(NamedTuple):
    """An event as a crowd was given it: the minute after noon, and its origin: the label, without labels the code."""

    minute: int
    origin: str


BY_ORIGIN = IndicatorsSettings(origins=(Duration(HOUR),))


def settings_with(universe: Universe, indicators: IndicatorsSettings, partitions: int = 1) -> Settings:
    return msgspec.structs.replace(settings_of(universe.parameters, partitions), indicators=indicators)


def parts_with(universe: Universe, indicators: IndicatorsSettings, partitions: int = 1) -> ShardParts:
    return parts_of(universe, settings=settings_with(universe, indicators, partitions))


def events() -> list[bytes]:
    """An event of another device each minute, with what it says of its origin."""
    return [
        json.dumps({"ts": NOON + at * MINUTE, "subscriber": f"s{at}", "cell": "c0", "mcc": mcc, "home": home}).encode()
        for at, (mcc, home) in enumerate(SENT)
    ]


EXPECTED = [Applied(at, label) for at, label in enumerate(LABELS)]


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Callable[[ShardParts], list[Applied]]:
    """What crowds were given, by the origins of these parts."""
    calls: list[tuple[list[int], list[int]]] = []
    plain = EpochCrowd.apply

    def noted(self: EpochCrowd, slots: Any, times: Any, zones: Any, upto: int, origins: Any = None) -> Any:
        assert origins.dtype == "int16" and len(origins) == len(times)
        calls.append((times.tolist(), origins.tolist()))
        return plain(self, slots, times, zones, upto, origins)

    monkeypatch.setattr(EpochCrowd, "apply", noted)

    def read(parts: ShardParts) -> list[Applied]:
        named = parts.counting.origins
        return [
            Applied((ts - NOON) // MINUTE, str(code) if named is None else named.label(code, None))
            for times, codes in calls
            for ts, code in zip(times, codes, strict=True)
        ]

    return read


Read = Callable[[ShardParts], list[Applied]]


def records(values: Sequence[bytes], offset: int = 0) -> list[Record]:
    return [Record(offset + at, -1, value) for at, value in enumerate(values)]


def test_a_keyed_shard_applies_origins_in_order_of_time_also_after_it_is_restored(applied: Read) -> None:
    parts = parts_with(KEYED, BY_ORIGIN)
    values = events()
    mixed = list(enumerate(values))
    # within the lateness of two minutes
    for at in range(0, len(mixed), 2):
        mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
    sent = records([value for _, value in mixed])
    shard = Shard(0, parts)
    shard.take(fetch_of(0, 0, sent[:123]))
    shard = Shard.restored(0, parts, shard.snapshot().encode())
    shard.take(fetch_of(0, shard.position, sent[shard.position :]))
    shard.advance(len(sent), END)
    assert applied(parts) == EXPECTED


def test_a_shuffled_shard_keeps_the_origins_of_events_that_wait_in_its_snapshot(applied: Read) -> None:
    parts = parts_with(SHUFFLED, BY_ORIGIN, partitions=2)
    sources = [Source(at, parts, longest=20) for at in range(2)]
    shards = [ShuffledShard(at, parts) for at in range(2)]
    random, values, begun = Random(1), events(), [0, 0]
    for at in range(0, len(values), 40):
        for number, source in enumerate(sources):
            own = [value for row, value in enumerate(values[at : at + 40]) if row % 2 == number]
            source.take(fetch_of(number, begun[number], records(own, begun[number])))
            begun[number] += len(own)
            for to, batch in source.batches(0):
                take(shards[to], batch)
        to = random.randrange(2)
        waiting = shards[to]
        shards[to] = ShuffledShard.restored(to, parts, waiting.snapshot().encode())
    for source in sources:
        source.advance(source.next_offset, END)
        for to, batch in source.batches(0):
            take(shards[to], batch)
    for shard in shards:
        shard.settle()
    assert sorted(applied(parts)) == EXPECTED


def take(shard: ShuffledShard, batch: Batch) -> None:
    """Send a batch through its bytes."""
    shard.take([shard.opened(decode_batch(encode_batch(batch, shard.partition)))], shard.next_offset + 1)


def test_events_that_wait_when_a_shuffled_shard_is_restored_have_their_origins(applied: Read) -> None:
    parts = parts_with(SHUFFLED, BY_ORIGIN)
    source, shard = Source(0, parts), ShuffledShard(0, parts)
    source.take(fetch_of(0, 0, records(events()[:3])))
    for _, batch in source.batches(0):
        take(shard, batch)
    snapshot = shard.snapshot().encode()
    before = len(applied(parts))
    assert before < 3
    again = ShuffledShard.restored(0, parts, snapshot)
    source.advance(3, END)
    for _, batch in source.batches(0):
        take(again, batch)
    again.settle()
    assert applied(parts) == EXPECTED[:3]


def test_where_no_indicator_needs_origins_they_are_zeros_and_no_table_is_read(applied: Read) -> None:
    nights = settings_with(KEYED, IndicatorsSettings(nights=True))
    settings = msgspec.structs.replace(nights, origins=OriginsSettings(areas=Path("there-is-none.csv")))
    parts = parts_of(KEYED, settings=settings)
    assert parts.counting.origins is None
    shard = Shard(0, parts)
    shard.take(fetch_of(0, 0, records(events())))
    shard.advance(len(SENT), END)
    assert applied(parts) == [Applied(at, "0") for at in range(len(SENT))]


def test_the_fingerprint_says_what_the_numbers_of_origins_mean() -> None:
    plain, by_origin, by_category = (
        settings_with(KEYED, indicators)
        for indicators in (IndicatorsSettings(), BY_ORIGIN, IndicatorsSettings(categories=True))
    )
    abroad = msgspec.structs.replace(by_origin, origins=OriginsSettings(home_mcc=("262",)))
    prints = [parts_of(KEYED, settings=one).fingerprint for one in (plain, by_origin, by_category, abroad)]
    assert len(set(prints)) == 4
    unused = msgspec.structs.replace(plain, origins=OriginsSettings(home_mcc=("262",)))
    assert parts_of(KEYED, settings=unused).fingerprint == prints[0]
