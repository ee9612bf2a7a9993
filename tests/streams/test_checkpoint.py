"""A checkpoint exists once its manifest is in the changelog and all its parts are there; then the newest holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ContractError
from indicators.columns import Reader, Writer
from streams import checkpoint
from streams.checkpoint import AdvanceNote, Cut, Manifest, Record, Restored, Restorer

LARGE = 500_000
TOKEN = 7
NOTHING = Restored(None, None, [], [], [])


def snapshot(seed: int, size: int = 100) -> Writer:
    """A snapshot that cannot be compressed, of ``size`` numbers of 8 bytes."""
    writer = Writer()
    writer.value("seed", seed)
    writer.column("numbers", np.random.default_rng(seed).integers(0, 1 << 62, size))
    return writer


def written(number: int, size: int = 100, token: int = TOKEN) -> list[Record]:
    """The records of a checkpoint; its position is ten times its number."""
    cut = Cut(10 * number, 10 * number + 5, 1_000 * number, number)
    parts, manifest = checkpoint.encode(snapshot(number, size), token, number, cut)
    return [*parts, manifest]


def keys_of(records: Iterable[Record]) -> list[bytes]:
    """Their keys, sorted: manifests come before parts."""
    return sorted(record.key or b"" for record in records)


def deleted(records: Iterable[Record]) -> list[Record]:
    """The deletions of these records, manifests first."""
    return [Record(key, None) for key in keys_of(records)]


def restored(*records: Record) -> Restored:
    """What a changelog of these records says, from offset 0 on."""
    return restored_at(enumerate(records))


def restored_at(records: Iterable[tuple[int, Record]]) -> Restored:
    restorer = Restorer()
    for offset, record in records:
        restorer.take(record._replace(offset=offset))
    return restorer.result()


def seed_of(found: Restored) -> int:
    assert found.snapshot is not None
    seed: int = Reader(found.snapshot).value("seed")
    return seed


def test_an_empty_changelog_has_no_checkpoint() -> None:
    assert restored() == NOTHING


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (100, 1), (LARGE, 5)])
def test_a_checkpoint_comes_back_from_parts_that_fit_a_record(size: int, parts: int) -> None:
    records = written(3, size)
    assert len(records) == parts + 1
    assert all(record.value is not None and len(record.value) <= 900_000 for record in records)
    assert len({record.key for record in records}) == len(records)
    found = restored(*records)
    assert found.manifest is not None
    assert found.manifest == Manifest(TOKEN, 3, parts, found.manifest.crc, 30, 35, 3_000, 3)
    assert found.snapshot == snapshot(3, size).encode()
    assert (sorted(found.keys), found.garbage) == (keys_of(records), [])


def test_the_manifest_says_in_clear_where_to_read_on() -> None:
    value = written(3)[-1].value
    assert value is not None
    assert b'"position":30,"counted":35,"watermark":3000,"frontier":3' in value


def test_without_its_manifest_a_checkpoint_does_not_exist_and_its_parts_are_garbage() -> None:
    orphans = written(1)[:-1]
    assert restored(*orphans) == NOTHING._replace(garbage=keys_of(orphans))
    found = restored(*written(1), *written(2)[:-1])
    assert (seed_of(found), found.garbage) == (1, keys_of(written(2)[:-1]))


@pytest.mark.parametrize("missing", range(5))
def test_with_a_part_missing_the_one_before_holds_and_what_is_left_is_garbage(missing: int) -> None:
    records = written(2, LARGE)
    del records[missing]
    found = restored(*written(1), *records)
    assert (seed_of(found), found.keys, found.garbage) == (1, keys_of(written(1)), keys_of(records))


@pytest.mark.parametrize("damaged", range(5))
def test_with_a_part_damaged_the_one_before_holds(damaged: int) -> None:
    records = written(2, LARGE)
    value = records[damaged].value
    assert value is not None
    records[damaged] = records[damaged]._replace(value=value[:-1] + bytes([value[-1] ^ 1]))
    assert seed_of(restored(*written(1), *records)) == 1


def test_a_part_that_was_written_again_before_the_manifest_counts_as_last_written() -> None:
    parts, manifest = written(2)[:-1], written(2)[-1]
    half_written = [Record(part.key, b"of a worker that died") for part in parts]
    assert seed_of(restored(*half_written, *parts, manifest)) == 2


def test_parts_left_of_a_longer_one_that_never_got_its_manifest_do_no_harm() -> None:
    left = [Record(part.key, b"of a worker that died") for part in written(2, LARGE)[:-1]]
    assert seed_of(restored(*left, *written(2))) == 2


def test_the_newest_whole_one_holds_whatever_comes_after_it() -> None:
    found = restored(*written(1), *written(3), *written(2))
    assert (seed_of(found), found.keys) == (3, keys_of(written(3)))
    assert found.garbage == keys_of([*written(1), *written(2)])
    found = restored(*written(1), *written(2), *deleted(written(1)))
    assert (seed_of(found), found.garbage) == (2, [])


def test_a_later_owners_first_checkpoint_is_newer_than_any_of_its_predecessor() -> None:
    found = restored(*written(9, token=3), *written(1, token=5))
    assert (seed_of(found), found.garbage) == (1, keys_of(written(9, token=3)))


def test_in_the_garbage_manifests_come_before_the_parts_that_they_name() -> None:
    old = [written(2, LARGE, token=3), written(1, LARGE)]
    found = restored(*old[0], *old[1], *written(2))
    kinds = [key.split(b"/")[0] for key in found.garbage]
    assert kinds == [b"manifest"] * 2 + [b"part"] * 10


@given(st.randoms(use_true_random=False))
def test_whatever_compaction_has_removed_the_newest_checkpoint_is_there(random: Random) -> None:
    """Compaction may remove any record that a later one of the same key replaces, and deletions some time after."""
    log = list(
        itertools.chain.from_iterable(
            [*written(number), *(deleted(written(number - 1)) if number > 1 else ())] for number in range(1, 5)
        )
    )
    newest = {record.key: at for at, record in enumerate(log)}
    kept = [
        (at, record)
        for at, record in enumerate(log)
        if (newest[record.key] == at and record.value is not None) or random.random() < 0.5
    ]
    found = restored_at(kept)
    assert (seed_of(found), found.keys) == (4, keys_of(written(4)))


def test_advances_come_back_in_order_with_what_was_done_about_them() -> None:
    notes = [
        AdvanceNote(TOKEN, 9, 70, 5_000, True),
        AdvanceNote(TOKEN, 11, 60, 6_000, False),
        AdvanceNote(TOKEN, 12, 80, 7_000, True),
    ]
    shuffled = [checkpoint.note(notes[at]) for at in (2, 0, 1)]
    assert restored(*shuffled).advances == notes
    assert restored(shuffled[0], *written(1), *shuffled).advances == notes


def test_advances_that_a_checkpoint_knows_of_are_not_told_again() -> None:
    notes = [AdvanceNote(TOKEN, offset, 70, 5_000, True) for offset in range(5)]
    assert restored(*map(checkpoint.note, notes), *written(2)).advances == notes[3:]


def test_notes_of_different_advances_and_of_different_owners_do_not_replace_each_other() -> None:
    notes = [AdvanceNote(token, offset, 0, 0, True) for token in (3, 5) for offset in range(20_000)]
    assert len({checkpoint.note(note).key for note in notes}) == 40_000


@pytest.mark.parametrize(
    "record",
    [
        Record(b"part/1", b"x"),
        Record(b"part/x/1", b"x"),
        Record(b"manifest/000000000001", b"{}"),
        Record(b"manifest/000000000001", b"\xff"),
        Record(b"manifest", b"{"),
        Record(b"advance/00000000000000000001", b"[]"),
        Record(b"owned", b""),
        Record(b"owned/x", b""),
        Record(b"part/x", None),
    ],
)
def test_a_record_of_foule_that_cannot_be_read_is_refused(record: Record) -> None:
    with pytest.raises(ContractError, match=r"a changelog record cannot be read .*: who else writes there"):
        restored(record)


@pytest.mark.parametrize("key", [None, b"", b"k", b"something/1", b"\xff/\xfe"])
@pytest.mark.parametrize("value", [None, b"x"])
def test_a_record_of_somebody_else_is_passed_over_and_counted(key: bytes | None, value: bytes | None) -> None:
    restorer = Restorer()
    restorer.take(Record(key, value, 0))
    assert (restorer.strange, restorer.result().garbage) == (1, [])
