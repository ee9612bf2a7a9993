"""What a shard and a source leave in Kafka's logs can be read with the key of its epoch, and with nothing else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from anonymizer.keys import DESTROYED, EpochKeys, MemoryKeyStore
from config.errors import ContractError, KeyMissingError
from foule.oracle.oracle import Parameters, Record
from foule.oracle.parameters import DAY, HOUR, MINUTE
from indicators.columns import Reader, Writer
from streams import checkpoint
from streams.batches import encode_batch
from streams.checkpoint import Cut
from streams.fetch import Fetch
from streams.shard import Shard, ShardParts
from streams.shuffled import ShuffledShard
from streams.source import Source
from tests.crowds import SMALL, Universe
from tests.damage import NOON
from tests.streams.agents import event
from tests.streams.shards import fetch_of, parts_of

SHORE = Universe(Parameters(widths=(5 * MINUTE,)), SMALL)
SHUFFLED = Universe(Parameters(widths=(5 * MINUTE,), shuffle=True), SMALL)
TODAY = parts_of(SHORE).calendar.epoch_of(NOON)
TOMORROW = parts_of(SHORE).calendar.epoch_of(NOON + DAY)
NAMES = [f"device-{n}" for n in range(300)]
CUT = Cut(0, 0, 0, 0)


def read(*values: bytes) -> Fetch:
    return fetch_of(0, 0, [Record(at, -1, value) for at, value in enumerate(values)])


def crowded() -> list[bytes]:
    """Every device, and each of them again an hour later, in another cell."""
    return [event(HOUR * late, name, f"c{late}") for late in (0, 1) for name in NAMES]


class Kept(NamedTuple):
    """What is found in a log; ``parts`` has the key that it is under."""

    parts: ShardParts
    pieces: list[bytes]


def keyed_shard() -> Kept:
    parts = parts_of(SHORE)
    shard = Shard(0, parts)
    shard.take(read(*crowded()))
    return Kept(parts, records(shard.snapshot()))


def shuffled_shard() -> Kept:
    parts = parts_of(SHUFFLED, partitions=1)
    source, shard = Source(0, parts), ShuffledShard(0, parts)
    source.take(read(*crowded()))
    shard.take([batch for _, batch in source.batches(0)], 1)
    return Kept(parts, records(shard.snapshot()))


def shuffled_topic() -> Kept:
    parts = parts_of(SHUFFLED, partitions=2)
    source = Source(0, parts)
    source.take(read(*crowded()))
    batches = [encode_batch(batch, shard) for shard, batch in source.batches(0)]
    return Kept(parts, [*batches, *records(source.snapshot())])


def records(snapshot: Writer) -> list[bytes]:
    parts, manifest = checkpoint.encode(snapshot, 0, 1, CUT)
    return [record.value or b"" for record in [*parts, manifest]]


def pseudonyms_in(data: bytes, pseudonyms: NDArray[np.uint64]) -> int:
    """How many of them are in the bytes, in either order of their own bytes, or as text."""
    found = 0
    for number in pseudonyms.tolist():
        forms = [number.to_bytes(8, "little"), number.to_bytes(8, "big"), b"%d" % number, b"%x" % number]
        found += any(form in data for form in forms)
    return found


@pytest.mark.parametrize(
    "kept", [keyed_shard(), shuffled_shard(), shuffled_topic()], ids=["keyed", "shuffled", "topic"]
)
def test_no_log_holds_a_pseudonym_in_any_order_of_its_bytes(kept: Kept) -> None:
    pseudonyms = kept.parts.keys.pseudonymiser(TODAY).of(NAMES).pseudonyms
    assert pseudonyms_in(pseudonyms.tobytes(), pseudonyms) == len(NAMES)
    data = b"".join(kept.pieces)
    assert len(data) > 8 * len(NAMES)
    assert pseudonyms_in(data, pseudonyms) == 0


def test_no_snapshot_holds_the_planes_that_a_column_of_pseudonyms_is_taken_apart_into() -> None:
    parts = parts_of(SHORE)
    shard = Shard(0, parts)
    names = [f"device-{n}" for n in range(1_000)]
    shard.take(read(*(event(0, name) for name in names)))
    words = np.sort(parts.keys.pseudonymiser(TODAY).of(names).pseudonyms).view(np.uint8).reshape(-1, 8)
    planes = [words[:, at].tobytes() for at in range(8)]
    plain = Writer()
    shard._epochs._open[TODAY.number].crowd.write(plain)
    in_clear, sealed = plain.encode(), shard.snapshot().encode()
    assert sum(plane in in_clear for plane in planes) >= 6  # the highest bytes are in order, and compressed
    assert not any(plane in sealed for plane in planes)


def two_days(store: MemoryKeyStore) -> tuple[ShardParts, bytes]:
    """A shard at midnight, with both days open."""
    parts = parts_of(SHORE, store)
    shard = Shard(0, parts)
    late = TODAY.end - NOON - MINUTE
    shard.take(read(event(late, "a"), event(late + 30_000, "b"), event(TODAY.end - NOON + 1, "c")))
    assert shard.epochs == [TODAY, TOMORROW]
    return parts, shard.snapshot().encode()


def test_epochs_that_are_open_together_lie_each_under_its_own_key() -> None:
    parts, data = two_days(MemoryKeyStore())
    reader = Reader(data, "shard 0")
    epochs = [reader.under(f"epoch/{epoch.number}") for epoch in (TODAY, TOMORROW)]
    ciphers = [
        parts.keys.cipher(epoch, inner.value("key")) for epoch, inner in zip((TODAY, TOMORROW), epochs, strict=True)
    ]
    for inner, own, other in zip(epochs, ciphers, reversed(ciphers), strict=True):
        assert len(inner.opened("crowd", own).column("pseudonyms"))
        with pytest.raises(ContractError, match="sealed bytes do not open"):
            inner.opened("crowd", other)


def test_a_destroyed_key_takes_its_epoch_with_it_and_no_other() -> None:
    store = MemoryKeyStore()
    parts, data = two_days(store)
    before = Shard.restored(0, parts, data)
    parts.keys.destroy(TODAY)
    assert store.get(TODAY.label) == DESTROYED
    fresh = parts_of(SHORE, store)
    again = Shard.restored(0, fresh, data)
    assert (before.devices, again.devices, again.epochs, again.lost) == (3, 1, [TOMORROW], False)
    assert again.gone() == [(again.watermark + 1, TODAY.end - 1)]
    assert again.gone() == before.gone() == []


def test_a_shard_whose_key_is_not_in_the_store_waits_for_it() -> None:
    for kept, restored in ((keyed_shard(), Shard.restored), (shuffled_shard(), ShuffledShard.restored)):
        *pieces, _ = kept.pieces
        elsewhere = EpochKeys(MemoryKeyStore(), HOUR, lambda: 0)
        parts = ShardParts(**{name: getattr(kept.parts, name) for name in ShardParts.__slots__} | {"keys": elsewhere})
        with pytest.raises(KeyMissingError, match=TODAY.label):
            restored(0, parts, b"".join(pieces))


def test_a_changed_snapshot_or_that_of_another_shard_is_refused() -> None:
    parts, data = two_days(MemoryKeyStore())
    changed = bytearray(data)
    changed[len(data) // 3] ^= 1
    with pytest.raises(ContractError):
        Shard.restored(0, parts, bytes(changed))
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        Shard.restored(1, parts, data)
    assert Shard.restored(0, parts, data).devices == 3


def test_in_clear_are_the_keys_id_and_whole_minutes_between_which_events_wait() -> None:
    kept = shuffled_shard()
    *pieces, _ = kept.pieces
    reader = Reader(b"".join(pieces), "shard 0")
    epoch = reader.under(f"epoch/{TODAY.number}")
    assert epoch.value("key") == kept.parts.keys.pseudonymiser(TODAY).key_id
    assert epoch.value("waiting") == [NOON + HOUR, NOON + HOUR]
    for name in ("pseudonyms", "waiting/times", "visits/last"):
        with pytest.raises(ContractError, match="lacks"):
            epoch.column(name)
