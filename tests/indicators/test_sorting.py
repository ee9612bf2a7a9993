"""Sorting by one vectorised sort gives what numpy's stable sort and its distinct values give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from indicators.sorting import distinct, stable_order

EDGES = st.sampled_from([-(2**63), 2**63 - 1, -1, 0, 1, 2**40])


@given(arrays(np.int64, st.integers(0, 50), elements=st.integers(-5, 5) | st.integers(-(2**45), 2**45)))
def test_the_order_is_the_stable_one(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    assert stable_order(values).tolist() == np.argsort(values, kind="stable").tolist()


@given(arrays(np.int64, st.integers(0, 50), elements=EDGES))
def test_values_too_far_apart_to_be_sorted_with_their_rows_are_in_stable_order_too(
    values: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    assert stable_order(values).tolist() == np.argsort(values, kind="stable").tolist()


@given(arrays(np.uint64, st.integers(0, 50), elements=st.integers(0, 5) | st.integers(0, 2**64 - 1)))
def test_distinct_values_are_sorted_and_stand_once(values: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> None:
    assert distinct(values).tolist() == sorted(set(values.tolist()))
