"""Counts of distinct devices add up over shards, cell by cell."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indicators.counts import Counts

CELLS = st.lists(st.sampled_from([0, 1, 2, 7, 1 << 40]), max_size=20)


def counted(cells: list[int]) -> Counts:
    return Counts.of_cells(np.array(cells, np.int64))


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


def test_nobody_is_no_cell() -> None:
    assert Counts.empty().as_dict() == counted([]).as_dict() == {}
    assert Counts.empty().plus(Counts.empty()).as_dict() == {}
    assert all(isinstance(value, int) for value in counted([3]).as_dict().values())
