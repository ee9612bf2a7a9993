"""What a former owner writes to a changelog after a new one took over does not count; what it wrote before does."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from streams import checkpoint
from streams.checkpoint import AdvanceNote, Record
from tests.streams.test_checkpoint import keys_of, restored, seed_of, written


def note(token: int, offset: int, *, applied: bool = True) -> AdvanceNote:
    return AdvanceNote(token, offset, 100 + offset, 1_000, applied)


FIRST = [checkpoint.owner(), checkpoint.owned(0), *written(1, token=0)]
"""An owner that took over at offset 0 and wrote a checkpoint; a part and a manifest."""

SECOND = len(FIRST)
"""The token of one that takes over next."""


def test_a_former_owners_checkpoint_that_comes_behind_a_newer_owner_does_not_count() -> None:
    stale = written(2, token=0)
    found = restored(*FIRST, checkpoint.owner(), *stale)
    assert (seed_of(found), found.garbage) == (1, keys_of(stale))
    assert seed_of(restored(*FIRST, *stale, checkpoint.owner())) == 2


def test_it_does_not_count_if_only_its_manifest_comes_behind_the_newer_owner() -> None:
    *parts, manifest = written(2, token=0)
    assert seed_of(restored(*FIRST, *parts, checkpoint.owner(), manifest)) == 1
    assert seed_of(restored(*FIRST, *parts, manifest, checkpoint.owner())) == 2


def test_a_newer_owners_checkpoint_counts_from_its_record_on_also_before_its_claims_are_in_place() -> None:
    new = written(1, token=SECOND)
    assert restored(*FIRST, checkpoint.owner(), *new).keys == keys_of(new)
    found = restored(*FIRST, checkpoint.owner(), *new, *written(2, token=0))
    assert found.keys == keys_of(new)


def test_of_three_owners_only_the_last_ones_checkpoints_count() -> None:
    taken = [*FIRST, checkpoint.owner(), checkpoint.owner()]
    assert seed_of(restored(*taken, *written(3, token=SECOND))) == 1
    assert seed_of(restored(*taken, *written(3, token=SECOND + 1))) == 3


def test_a_checkpoint_whose_manifest_is_deleted_is_none() -> None:
    manifest, part = keys_of(written(1, token=0))
    assert restored(*FIRST, Record(manifest, None)).manifest is None
    assert restored(*FIRST, Record(manifest, None)).garbage == [part]
    assert seed_of(restored(*FIRST, *written(2, token=0), Record(manifest, None))) == 2


def test_a_former_owners_note_counts_until_the_newer_ones_claims_are_in_place() -> None:
    early, between, behind = note(0, 5), note(0, 6), note(0, 7)
    found = restored(
        *FIRST,
        checkpoint.note(early),
        checkpoint.owner(),
        checkpoint.note(between),
        checkpoint.owned(SECOND + 1),
        checkpoint.note(behind),
    )
    assert found.advances == [early, between]


def test_a_newer_owners_note_replaces_a_former_ones_and_not_the_other_way_round() -> None:
    old, new = note(0, 5, applied=False), note(SECOND, 5)
    taken = [checkpoint.note(old), checkpoint.owner(), checkpoint.owned(SECOND), checkpoint.note(new)]
    assert restored(*FIRST, *taken, checkpoint.note(old)).advances == [new]


def test_what_a_former_owner_says_late_of_its_claims_takes_nothing_back() -> None:
    new, old = note(SECOND, 5), note(0, 6)
    taken = [checkpoint.owner(), checkpoint.owned(SECOND), checkpoint.owned(0)]
    assert restored(*FIRST, *taken, checkpoint.note(new), checkpoint.note(old)).advances == [new]


def story(taking_over: int) -> list[Record]:
    """Two owners; ``taking_over``: how often the second one's first record comes, the last of which is its token."""
    token = SECOND + taking_over - 1
    return [
        *FIRST,
        *[checkpoint.owner()] * taking_over,
        checkpoint.note(note(0, 5)),
        checkpoint.owned(token),
        checkpoint.note(note(0, 6)),
        checkpoint.note(note(token, 7, applied=False)),
        *written(2, token=0),
        *written(1, token=token),
        *[Record(key, None) for key in keys_of(written(1, token=0))],
        checkpoint.note(note(token, 8)),
    ]


@given(st.data())
def test_records_that_come_twice_change_nothing(data: st.DataObject) -> None:
    once = story(taking_over=2)
    assert restored(*once).advances == [note(0, 5), note(SECOND + 1, 7, applied=False), note(SECOND + 1, 8)]
    often = data.draw(st.lists(st.integers(1, 3), min_size=len(once), max_size=len(once)))
    behind = SECOND + 2  # before that, offsets are what tokens say
    often[:behind] = [1] * behind
    twice = itertools.chain.from_iterable([record] * times for record, times in zip(once, often, strict=True))
    assert restored(*twice) == restored(*once)
