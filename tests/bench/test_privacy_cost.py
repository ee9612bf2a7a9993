"""The bench of the protection's cost compares the path with itself, and puts everything back."""

from __future__ import annotations

from dataclasses import replace

from anonymizer.keys import EpochKeys, MemoryKeyStore
from bench.privacy import seconds, unprotected
from bench.shard import fetches, shard_parts
from bench.workload import BEGIN
from indicators.calendar import DAY_MS
from indicators.counts import Tally
from streams import wire
from streams.shard import Shard


def counted() -> tuple[list[dict[str, dict[int, int]]], int, bytes]:
    """What a shard counts, the sum of all sums of record keys, and the bytes for the log."""
    parts = replace(shard_parts(1), keys=EpochKeys(MemoryKeyStore(), 1 << 40, lambda: 0))
    shard = Shard(0, parts)
    for fetch in fetches(20_000, 4_000):
        shard.take(fetch)
    shard.advance(shard.next_offset, BEGIN + DAY_MS)
    tallies: list[Tally] = shard.closed()
    counts = [{name: found.as_dict() for name, found in tally.counts.items()} for tally in tallies]
    keys = sum(int(found.keys.astype(int).sum()) for tally in tallies for found in tally.counts.values())
    sent = [
        wire.encode(part)
        for tally in tallies
        for part in wire.parts_of(tally, 0, "s", 0, parts.keys.cipher(parts.calendar.epoch_of(tally.start), tally.key))
    ]
    return counts, keys, b"".join(sent)


def test_without_protection_the_same_is_counted_and_nothing_is_keyed_or_sealed() -> None:
    plain, keys, sent = counted()
    with unprotected():
        bare, no_keys, in_clear = counted()
    assert plain == bare != []
    assert (keys > 0, no_keys) == (True, 0)
    assert (b"presence" in sent, b"presence" in in_clear) == (False, True)
    again, keys, sent = counted()
    assert (again == plain, keys > 0, b"presence" in sent) == (True, True, False)


def test_the_path_takes_time() -> None:
    assert seconds(shard_parts(1), list(fetches(8_000, 4_000))) > 0
