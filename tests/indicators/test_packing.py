"""A column comes back from its bytes, whatever is in it, and columns as a shard has them become small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.errors import ContractError
from indicators.packing import Packed, pack, unpack

RNG = np.random.default_rng(5)
MANY = 5_000
TEN = 1_403_942_400_000

COLUMNS: dict[str, NDArray[Any]] = {
    "nothing": np.empty(0, np.int64),
    "one": np.array([-(1 << 63)]),
    "few": np.arange(6, dtype=np.int32).reshape(2, 3),
    "all the same": np.full(MANY, -7),
    "noise": RNG.integers(0, 1 << 63, MANY, np.uint64, endpoint=True),
    "times with some that never were": np.where(RNG.random(MANY) < 0.01, -(1 << 63), TEN + RNG.integers(0, 9**7, MANY)),
    "zones of two layers": RNG.integers(-1, 200, (2, MANY), np.int32),
    "flags": RNG.random(MANY) < 0.5,
    "turned": np.arange(3 * MANY).reshape(3, MANY).T,
}


def there_and_back(column: NDArray[Any], *, ascending: bool = False) -> tuple[NDArray[Any], int]:
    """What comes back of a column, and how many bytes it was meanwhile."""
    packed, pieces = pack(column, ascending=ascending)
    data = b"".join(pieces)
    assert packed.size == len(data)
    return unpack(packed, data), len(data)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_with_its_shape_and_type(name: str) -> None:
    column = COLUMNS[name]
    back, _ = there_and_back(column)
    assert (back.dtype, back.shape) == (column.dtype, column.shape)
    assert np.array_equal(back, column)
    back[...] = 0


@given(st.lists(st.integers(0, (1 << 63) - 1)), st.integers(1, 2_000))
def test_an_ascending_column_comes_back_from_its_steps(numbers: list[int], repeated: int) -> None:
    column = np.sort(np.repeat(np.array(numbers, np.int64), repeated))
    back, _ = there_and_back(column, ascending=True)
    assert np.array_equal(back, column)


@pytest.mark.parametrize(
    ("column", "ascending", "bytes_each"),
    [
        (np.full(MANY, 1 << 60), False, 0),
        (TEN + RNG.integers(0, 3_600_000, MANY), False, 3.1),
        (RNG.integers(0, 200, MANY, np.int32), False, 1.0),
        (np.sort(RNG.integers(0, 200 * MANY, MANY)), True, 2.1),
        (RNG.integers(0, 1 << 63, MANY, np.uint64), False, 8.0),
    ],
    ids=["one value", "times of an hour", "zones", "a pair for each device", "pseudonyms"],
)
def test_what_says_little_takes_little_room(column: NDArray[Any], ascending: bool, bytes_each: float) -> None:
    assert there_and_back(column, ascending=ascending)[1] <= bytes_each * MANY


@pytest.mark.parametrize("name", ["few", "times with some that never were", "zones of two layers"])
def test_bytes_of_another_column_are_refused(name: str) -> None:
    packed, pieces = pack(COLUMNS[name])
    data = b"".join(pieces)
    for damaged in (data[:-1], data + b"x", b"", b"\xff" * len(data)):
        if damaged == b"\xff" * len(data) and name == "few":
            continue  # without compression any bytes of the right length are numbers
        with pytest.raises(ContractError, match="a column of a snapshot cannot be read"):
            unpack(packed, damaged)


@pytest.mark.parametrize("dtype", ["O", "no type"])
def test_a_column_of_no_plain_type_is_refused(dtype: str) -> None:
    with pytest.raises(ContractError, match="a column of a snapshot cannot be read"):
        unpack(Packed(dtype, [2], [(1, 2)]), b"xx")
