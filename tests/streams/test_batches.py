"""Batches travel as bytes unchanged, fit into a record, and part the devices evenly over the shards."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from anonymizer.cipher import Cipher
from config.errors import ContractError
from foule.oracle.parameters import MINUTE
from indicators.calendar import Calendar
from indicators.slots import SlotTable
from streams.batches import (
    LONGEST,
    Batch,
    SealedBatch,
    by_shard,
    decode_batch,
    encode_batch,
    open_rows,
    pieces,
    shards_of,
)
from streams.intake import Share
from streams.topics import MAX_RECORD_BYTES
from tests.damage import NOON
from tests.streams.shards import parts_of
from tests.streams.test_shuffled import SHORE

CALENDAR: Calendar = parts_of(SHORE).calendar
EPOCH = CALENDAR.epoch_of(NOON)
CIPHER = Cipher(bytes(range(32)))


def share(offsets: list[int], seed: int = 0) -> Share:
    """Events at these offsets, of devices that the seed decides."""
    rng, count = np.random.default_rng(seed), len(offsets)
    return Share(
        EPOCH,
        "key",
        CIPHER,
        np.array(offsets, np.int64),
        NOON + rng.integers(0, 1000, count),
        rng.integers(0, 1 << 64, count, dtype=np.uint64),
        rng.integers(0, 1 << 32, count, dtype=np.uint32),
        rng.integers(0, 9, count).astype(np.int32),
        rng.integers(0, 300, count).astype(np.int16),
    )


def batch(*shares: Share, start: int = 0, end: int = 9) -> Batch:
    return Batch("settings", 3, 70, start, end, NOON, shares)


def opened(sealed: SealedBatch, cipher: Cipher = CIPHER, shard: int = 5) -> list[Share]:
    return [open_rows(sealed, shard, rows, EPOCH, cipher) for rows in sealed.rows]


def columns(share: Share) -> list[list[int]]:
    return [column.tolist() for column in (share.offsets, share.times, share.pseudonyms, share.places, share.origins)]


def test_a_batch_comes_back_as_it_was() -> None:
    sent = share([1, 4, 8])
    read = decode_batch(encode_batch(batch(sent), 5))
    assert (read.settings, read.source, read.token, read.start, read.end, read.mark) == ("settings", 3, 70, 0, 9, NOON)
    [again] = opened(read)
    assert (again.epoch, again.key_id) == (EPOCH, "key")
    assert columns(again) == columns(sent)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        encode_batch(batch(share([1])), 5)[:-1],
        msgspec.msgpack.encode(["settings", 0, 0, 0, 1, 0, [[0, "key", 0, 0, 0, bytes(28)]]]),
        msgspec.msgpack.encode(["settings", 0, 0, 0, 1, 0, [[0, "key", 1, 0, 0, bytes(28)]]]),
        msgspec.msgpack.encode(["settings", 0, 0, 0, 1, 0, [[0, "key", 1, 0, 0, bytes(28 + 32)]]]),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="a record of the shuffled topic cannot be read"):
        decode_batch(data)


def test_the_rows_of_all_shards_together_are_all_rows_each_shard_with_its_own_devices() -> None:
    sent = [share(list(range(500))), share(list(range(500, 900)), seed=1)]
    parted = by_shard(sent, 7)
    rows = sorted(row for of_shard in parted for one in of_shard for row in zip(*columns(one), strict=True))
    assert rows == sorted(row for one in sent for row in zip(*columns(one), strict=True))
    for shard, of_shard in enumerate(parted):
        for one in of_shard:
            assert set(shards_of(one.pseudonyms, 7).tolist()) == {shard}
            assert one.offsets.tolist() == sorted(one.offsets.tolist())
    assert min(sum(len(one.offsets) for one in of_shard) for of_shard in parted) > 90


def test_the_devices_of_a_shard_differ_in_the_bits_by_which_their_slots_are_found() -> None:
    [mine, *_] = by_shard([share(list(range(64_000)))], 64)
    pseudonyms = np.concatenate([one.pseudonyms for one in mine])
    assert len(set((pseudonyms & np.uint64(63)).tolist())) == 64
    assert len(SlotTable(pseudonyms)) > 800


@pytest.mark.parametrize(("offsets", "longest"), [([], 3), ([2, 3, 5], 3), ([2, 3, 5, 8], 3), (list(range(10)), 1)])
def test_a_long_share_is_cut_into_pieces_that_cover_its_offsets_without_a_gap(offsets: list[int], longest: int) -> None:
    whole = share(offsets)
    halves = [whole.only(np.arange(len(offsets)) % 2 == part) for part in range(2)]
    cut = list(pieces(halves, 0, 10, longest))
    assert [cut[0].start, *(piece.end for piece in cut)] == [*(piece.start for piece in cut), 10]
    for piece in cut:
        inside = sorted(offset for one in piece.shares for offset in one.offsets.tolist())
        assert inside == [offset for offset in offsets if piece.start <= offset < piece.end]
        assert len(inside) <= longest


def test_the_longest_batch_fits_into_a_record() -> None:
    rows = share(list(range(LONGEST)))
    many = [rows.only(np.arange(LONGEST) % 40 == part) for part in range(40)]
    data = encode_batch(Batch("f" * 64, 9_999, 1 << 40, 1 << 40, 1 << 41, NOON, many), 9_999)
    assert 28 * LONGEST < len(data) < MAX_RECORD_BYTES - 10_000


def test_what_travels_shows_neither_pseudonyms_nor_places_and_times_to_the_minute_only() -> None:
    sent = share(list(range(50)))
    data = encode_batch(batch(sent), 5)
    for columns in (sent.pseudonyms, sent.times, sent.offsets[1:]):
        for number in columns.tolist():
            assert not any(number.to_bytes(8, order) in data for order in ("little", "big"))
    assert sent.places[:8].tobytes() not in data
    [rows] = decode_batch(data).rows
    assert (rows.count, rows.first, rows.last) == (50, NOON, NOON + MINUTE)


@pytest.mark.parametrize("field", ["epoch", "key", "count", "first", "last"])
def test_rows_of_which_something_else_is_said_do_not_open(field: str) -> None:
    read = decode_batch(encode_batch(batch(share([1, 4])), 5))
    [rows] = read.rows
    other = replace(rows, **{field: "other" if field == "key" else getattr(rows, field) + 1})
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        opened(replace(read, rows=[other]))


def test_rows_open_in_no_other_batch_and_for_no_other_shard_and_under_no_other_key() -> None:
    sent = decode_batch(encode_batch(batch(share([1, 4]), start=0, end=5), 5))
    assert columns(opened(sent)[0]) == columns(share([1, 4]))
    for field, value in {"settings": "other", "source": 4, "start": 1, "end": 6}.items():
        with pytest.raises(ContractError, match="sealed bytes do not open"):
            opened(replace(sent, **{field: value}))
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        opened(sent, shard=6)
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        opened(sent, Cipher(bytes(32)))


def test_changed_rows_do_not_open() -> None:
    sent = decode_batch(encode_batch(batch(share([1, 4])), 5))
    [rows] = sent.rows
    changed = rows.sealed[:-20] + bytes([rows.sealed[-20] ^ 1]) + rows.sealed[-19:]
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        opened(replace(sent, rows=[replace(rows, sealed=changed)]))
