"""A key goes when nobody can need it any more, and not before."""

from __future__ import annotations

from datetime import time

import pytest

from indicators.calendar import Calendar
from streams.key_life import KeyLife

CALENDAR = Calendar("Europe/Paris", time(4), [300_000])
FIRST, SECOND, THIRD = (CALENDAR.epoch(number) for number in (178, 179, 180))


def life(*checkpoints: int) -> KeyLife:
    """Three epochs seen, and a checkpoint of each shard."""
    keys = KeyLife(CALENDAR, max(len(checkpoints), 1))
    for epoch in (THIRD, FIRST, SECOND, FIRST):
        keys.seen(epoch.start + 300_000)
    for shard, watermark in enumerate(checkpoints):
        keys.checkpointed(shard, watermark)
    return keys


def test_an_epoch_is_over_when_every_checkpoint_is_past_it_and_its_windows_are_released() -> None:
    assert life(SECOND.end, SECOND.end).over(None) == [FIRST, SECOND]
    assert life(SECOND.end, THIRD.end).over(THIRD.start) == [FIRST, SECOND]


@pytest.mark.parametrize("behind", [(FIRST.end - 1, THIRD.end), (THIRD.end, FIRST.end - 1), ()])
def test_a_checkpoint_that_lies_in_the_epoch_holds_its_key(behind: tuple[int, ...]) -> None:
    assert life(*behind).over(None) == []


def test_a_window_that_is_not_released_holds_the_key_of_its_epoch() -> None:
    assert life(THIRD.end).over(FIRST.end - 300_000) == []
    assert life(THIRD.end).over(FIRST.end) == [FIRST]


def test_an_epoch_is_told_once() -> None:
    keys = life(FIRST.end)
    assert keys.over(None) == [FIRST]
    assert keys.over(None) == []
    keys.checkpointed(0, THIRD.end)
    keys.checkpointed(0, FIRST.end)  # an older checkpoint, read late
    assert keys.over(None) == [SECOND, THIRD]


def test_an_epoch_that_nobody_has_seen_has_no_key_to_go() -> None:
    keys = KeyLife(CALENDAR, 1)
    keys.checkpointed(0, THIRD.end)
    assert keys.over(None) == []


def test_a_successor_watches_the_epochs_that_were_pending() -> None:
    first = life(FIRST.end)
    assert first.pending == [178, 179, 180]
    assert first.over(None) == [FIRST]
    assert first.pending == [179, 180]
    second = KeyLife(CALENDAR, 1)
    second.seen(THIRD.start)
    second.resume(first.pending)
    assert second.pending == [179, 180]
    second.checkpointed(0, SECOND.end)
    assert second.over(None) == [SECOND]
    assert second.pending == [180]
