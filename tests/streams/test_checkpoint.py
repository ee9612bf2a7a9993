"""A checkpoint exists once its manifest is in the changelog and all its parts are there; then the newest holds."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ContractError
from indicators.columns import Reader, Writer
from streams import checkpoint
from streams.checkpoint import AdvanceNote, Manifest, Record, Restored, Restorer

LARGE = 500_000


def snapshot(seed: int, size: int = 100) -> Writer:
    """A snapshot that cannot be compressed, of ``size`` numbers of 8 bytes."""
    writer = Writer()
    writer.value("seed", seed)
    writer.column("numbers", np.random.default_rng(seed).integers(0, 1 << 62, size))
    return writer


def written(number: int, size: int = 100) -> list[Record]:
    """The records of a checkpoint; its position is ten times its number."""
    parts, manifest = checkpoint.encode(snapshot(number, size), number, 10 * number, 10 * number + 5, 1_000 * number)
    return [*parts, manifest]


def restored(*records: Record) -> Restored:
    restorer = Restorer()
    for record in records:
        restorer.take(record)
    return restorer.result()


def seed_of(found: Restored) -> int:
    assert found.snapshot is not None
    seed: int = Reader(found.snapshot).value("seed")
    return seed


def test_an_empty_changelog_has_no_checkpoint() -> None:
    assert restored() == Restored(None, None, [], 0)


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (100, 1), (LARGE, 5)])
def test_a_checkpoint_comes_back_from_parts_that_fit_a_record(size: int, parts: int) -> None:
    records = written(3, size)
    assert len(records) == parts + 1
    assert all(record.value is not None and len(record.value) <= 900_000 for record in records)
    assert len({record.key for record in records}) == len(records)
    found = restored(*records)
    assert found.manifest is not None
    assert found.manifest == Manifest(3, parts, found.manifest.crc, 30, 35, 3_000)
    assert found.snapshot == snapshot(3, size).encode()
    assert found.newest_number == 3


def test_the_manifest_says_in_clear_where_to_read_on() -> None:
    value = written(3)[-1].value
    assert value is not None
    assert b'"position":30,"counted":35,"watermark":3000' in value


def test_without_its_manifest_a_checkpoint_does_not_exist() -> None:
    assert restored(*written(1)[:-1]) == Restored(None, None, [], 0)
    assert seed_of(restored(*written(1), *written(2)[:-1])) == 1


@pytest.mark.parametrize("missing", range(5))
def test_with_a_part_missing_the_one_before_holds_and_its_number_is_not_used_again(missing: int) -> None:
    records = written(2, LARGE)
    del records[missing]
    found = restored(*written(1), *records)
    assert (seed_of(found), found.newest_number) == (1, 2)


@pytest.mark.parametrize("damaged", range(5))
def test_with_a_part_damaged_the_one_before_holds(damaged: int) -> None:
    records = written(2, LARGE)
    value = records[damaged].value
    assert value is not None
    records[damaged] = Record(records[damaged].key, value[:-1] + bytes([value[-1] ^ 1]))
    assert seed_of(restored(*written(1), *records)) == 1


def test_a_part_that_was_written_again_before_the_manifest_counts_as_last_written() -> None:
    parts, manifest = written(2)[:-1], written(2)[-1]
    half_written = [Record(part.key, b"of a worker that died") for part in parts]
    assert seed_of(restored(*half_written, *parts, manifest)) == 2


def test_parts_left_of_a_longer_one_that_never_got_its_manifest_do_no_harm() -> None:
    left = [Record(part.key, b"of a worker that died") for part in written(2, LARGE)[:-1]]
    assert seed_of(restored(*left, *written(2))) == 2


def test_the_newest_whole_one_holds_whatever_comes_after_it() -> None:
    assert seed_of(restored(*written(1), *written(3), *written(2))) == 3
    assert seed_of(restored(*written(1), *written(2), *checkpoint.garbage(1, 1))) == 2


def test_garbage_deletes_the_manifest_before_the_parts() -> None:
    records = written(2, LARGE)
    deleted = list(checkpoint.garbage(2, 5))
    assert [record.value for record in deleted] == [None] * 6
    assert [record.key for record in deleted] == [records[-1].key, *(record.key for record in records[:-1])]


@given(st.randoms(use_true_random=False))
def test_whatever_compaction_has_removed_the_newest_checkpoint_is_there(random: Random) -> None:
    """Compaction may remove any record that a later one of the same key replaces, and deletions some time after."""
    log = list(
        itertools.chain.from_iterable(
            [*written(number), *(checkpoint.garbage(number - 1, 1) if number > 1 else ())] for number in range(1, 5)
        )
    )
    newest = {record.key: at for at, record in enumerate(log)}
    kept = [
        record
        for at, record in enumerate(log)
        if (newest[record.key] == at and record.value is not None) or random.random() < 0.5
    ]
    found = restored(*kept)
    assert (seed_of(found), found.newest_number) == (4, 4)


def test_advances_come_back_in_order_with_what_was_done_about_them() -> None:
    notes = [AdvanceNote(9, 70, 5_000, True), AdvanceNote(11, 60, 6_000, False), AdvanceNote(12, 80, 7_000, True)]
    shuffled = [checkpoint.note(notes[at]) for at in (2, 0, 1)]
    assert restored(*shuffled).advances == notes
    assert restored(shuffled[0], *written(1), *shuffled).advances == notes


def test_notes_of_different_advances_do_not_replace_each_other() -> None:
    assert len({checkpoint.note(AdvanceNote(offset, 0, 0, True)).key for offset in range(20_000)}) == 20_000


@pytest.mark.parametrize(
    "record",
    [
        Record(b"", b"x"),
        Record(b"something", b"x"),
        Record(b"part/1", b"x"),
        Record(b"part/x/1", b"x"),
        Record(b"manifest/000000000001", b"{}"),
        Record(b"manifest/000000000001", b"\xff"),
        Record(b"advance/00000000000000000001", b"[]"),
        Record(b"part/x", None),
    ],
)
def test_a_record_that_foule_did_not_write_is_refused(record: Record) -> None:
    with pytest.raises(ContractError, match=r"a changelog record cannot be read .*: who else writes there"):
        restored(record)
