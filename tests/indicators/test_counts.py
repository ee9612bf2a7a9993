"""Counts of distinct devices add up over shards, cell by cell."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indicators.counts import Counts, key_sums

CELLS = st.lists(st.sampled_from([0, 1, 2, 7, 1 << 40]), max_size=20)


def counted(cells: list[int]) -> Counts:
    """Each device has the square of its cell as its record key."""
    found = np.array(cells, np.int64)
    return Counts.of_cells(found, (found * found).astype(np.uint32))


@given(CELLS)
def test_each_cell_counts_its_devices_and_cells_without_one_are_absent(cells: list[int]) -> None:
    counts = counted(cells)
    assert counts.as_dict() == Counter(cells)
    assert counts.cells.tolist() == sorted(set(cells))
    assert counts.cells.dtype == counts.counts.dtype == np.int64


@given(CELLS, CELLS, CELLS)
def test_a_sum_is_what_one_shard_would_have_counted(one: list[int], two: list[int], three: list[int]) -> None:
    total = counted(one).plus(counted(two)).plus(counted(three))
    assert total.as_dict() == Counter(one + two + three)
    assert total.cells.tolist() == sorted({*one, *two, *three})
    together = counted(one + two + three)
    assert total.keys.tolist() == together.keys.tolist()


def test_record_keys_are_summed_modulo_2_to_the_32() -> None:
    keys = np.array([0xFFFFFFFF, 3, 0x80000000, 0x80000000, 5], np.uint32)
    counts = Counts.of_cells(np.array([4, 4, 9, 9, 2]), keys)
    assert (counts.cells.tolist(), counts.keys.tolist()) == ([2, 4, 9], [5, 2, 0])
    assert counts.keys.dtype == np.uint32


def test_the_sums_of_millions_of_record_keys_are_exact() -> None:
    rng = np.random.default_rng(3)
    keys = rng.integers(1 << 31, 1 << 32, 5_000_000, dtype=np.uint32)
    assert key_sums(np.zeros(len(keys), np.int32), keys, 1).tolist() == [int(keys.astype(object).sum()) % 2**32]


def test_nobody_is_no_cell() -> None:
    assert Counts.empty().as_dict() == counted([]).as_dict() == {}
    assert Counts.empty().plus(Counts.empty()).as_dict() == {}
    assert all(isinstance(value, int) for value in counted([3]).as_dict().values())
