"""Every pseudonym has one slot, for as long as its epoch lasts, and slots are numbered without holes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indicators.slots import SlotTable

#: Many that want the same place in the table, its last ones included, and the extremes.
PSEUDONYMS = st.one_of(
    st.sampled_from([0, 1, 1023, 1024, (1 << 64) - 1, (1 << 64) - 1024]),
    st.integers(0, 40).map(lambda n: n << 10),
    st.integers(0, 40).map(lambda n: (n << 20) + 1023),
    st.integers(0, (1 << 64) - 1),
)


def words(pseudonyms: list[int]) -> NDArray[np.uint64]:
    return np.array(pseudonyms, np.uint64)


@given(st.lists(st.lists(PSEUDONYMS, max_size=30), max_size=8))
def test_a_pseudonym_keeps_its_slot_and_no_two_share_one(fetches: list[list[int]]) -> None:
    table, known = SlotTable(), dict[int, int]()
    for fetch in fetches:
        slots = table.slots_of(words(fetch))
        assert slots.dtype == np.int64
        for pseudonym, slot in zip(fetch, slots.tolist(), strict=True):
            assert known.setdefault(pseudonym, slot) == slot
        assert len(table) == len(known)
    assert sorted(known.values()) == list(range(len(known)))
    assert {pseudonym: slot for slot, pseudonym in enumerate(table.pseudonyms.tolist())} == known


@given(st.lists(PSEUDONYMS, max_size=50), st.lists(PSEUDONYMS, max_size=50))
def test_a_table_made_of_the_pseudonyms_of_another_gives_the_same_slots(first: list[int], more: list[int]) -> None:
    table = SlotTable()
    table.slots_of(words(first))
    again = SlotTable(table.pseudonyms.copy())
    assert again.slots_of(words(first)).tolist() == table.slots_of(words(first)).tolist()
    assert again.slots_of(words(more)).tolist() == table.slots_of(words(more)).tolist()
    assert again.pseudonyms.tolist() == table.pseudonyms.tolist()


@pytest.mark.parametrize("step", [1, 1 << 8])
def test_it_grows_to_any_number_of_devices(step: int) -> None:
    rng = np.random.default_rng(step)
    devices = np.arange(60_000, dtype=np.uint64) * np.uint64(step)
    rng.shuffle(devices)
    table = SlotTable()
    slots = np.concatenate([table.slots_of(part) for part in np.array_split(devices, 23)])
    assert np.array_equal(np.sort(slots), np.arange(60_000))
    assert np.array_equal(table.slots_of(devices[::-1]), slots[::-1])
    assert len(table) == 60_000


def test_an_empty_fetch_adds_nobody() -> None:
    table = SlotTable()
    assert table.slots_of(words([])).tolist() == []
    assert len(table) == 0
    assert table.pseudonyms.tolist() == []
