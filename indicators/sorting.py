"""Sorting whole columns: numpy's plain sort of 64-bit integers is vectorised, ten times as fast as its stable one."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.uint64)


def stable_order(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of ``values``, int64 (n,), in ascending order, equal ones in the order in which they stand.

    Sorts each value together with its row in one integer, where both fit into 63 bits.
    """
    if not len(values):
        return np.empty(0, np.int64)
    row_bits = len(values).bit_length()
    lowest = int(values.min())
    if (int(values.max()) - lowest).bit_length() + row_bits > 63:
        return np.argsort(values, kind="stable").astype(np.int64, copy=False)
    combined = (values - lowest) << row_bits
    combined |= np.arange(len(values))
    combined.sort()
    combined &= (1 << row_bits) - 1
    return combined


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """The distinct ``values``, (n,), in ascending order: (m,)."""
    ordered = np.sort(values)
    first = np.empty(len(ordered), bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]
