"""What a source may have sent before under a key that was lost."""

import numpy as np
import pytest

from anonymizer.cipher import Cipher
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import MINUTE
from streams.doubts import Doubts
from streams.intake import Share
from tests.crowds import SMALL, Universe
from tests.damage import NOON
from tests.streams.shards import parts_of

EPOCH = parts_of(Universe(Parameters(widths=(5 * MINUTE,)), SMALL)).calendar.epoch_of(NOON)
FIRST, SECOND, THIRD = (f"{EPOCH.label}{number}/id" for number in ("", ".1", ".2"))


def share(key_id: str, start: int, end: int) -> Share:
    """An event at every offset, and at the time of its number."""
    offsets = np.arange(start, end)
    named = (offsets.astype(np.uint64), offsets.astype(np.uint32))
    places, origins = offsets.astype(np.int32), offsets.astype(np.int16)
    return Share(EPOCH, key_id, Cipher(bytes(32)), offsets, offsets, *named, places, origins)


@pytest.mark.parametrize(
    ("known", "key", "between"),
    [
        (None, FIRST, []),
        (None, SECOND, [(0, 4)]),
        (FIRST, FIRST, []),
        (FIRST, SECOND, [(0, 4)]),
        (SECOND, SECOND, []),
        (SECOND, THIRD, [(0, 4)]),
    ],
)
def test_only_a_key_that_replaces_one_and_that_the_checkpoint_does_not_know_raises_doubts(
    known: str | None, key: str, between: list[tuple[int, int]]
) -> None:
    doubts = Doubts({} if known is None else {EPOCH.number: known})
    doubts.add(share(key, 0, 10))
    assert doubts.needs_end is bool(between)
    assert doubts.between(5) == between
    assert doubts.between() == []


def test_the_end_is_asked_for_once_and_nothing_at_or_beyond_it_is_in_doubt() -> None:
    doubts = Doubts()
    found = []
    for start in range(0, 30, 10):
        doubts.add(share(SECOND, start, start + 10))
        found.append((doubts.needs_end, doubts.between(15)))
    assert found == [(True, [(0, 9)]), (False, [(10, 14)]), (False, [])]


def test_a_successor_goes_on_with_the_doubts_of_its_predecessor_and_has_new_ones_if_the_key_is_lost_again() -> None:
    successor = Doubts({EPOCH.number: SECOND}, {EPOCH.number: 15})
    successor.add(share(SECOND, 10, 20))
    assert (successor.needs_end, successor.between()) == (False, [(10, 14)])
    successor.add(share(THIRD, 20, 30))
    assert (successor.needs_end, successor.between(25)) == (True, [(20, 24)])


def test_ends_that_are_passed_and_epochs_that_are_over_are_forgotten() -> None:
    doubts = Doubts()
    doubts.add(share(SECOND, 0, 10))
    doubts.between(15)
    doubts.forget([EPOCH.number], 14)
    assert doubts.ends == {EPOCH.number: 15}
    doubts.forget([EPOCH.number], 15)
    assert doubts.ends == {}
    doubts.add(share(SECOND, 15, 20))
    assert not doubts.needs_end
    doubts.forget([], 20)
    doubts.add(share(SECOND, 20, 21))
    assert doubts.needs_end
