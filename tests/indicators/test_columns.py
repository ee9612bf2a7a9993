"""Columns grow and keep what they hold; a snapshot is a copy of the instant at which it was taken."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from config.errors import ContractError
from indicators.columns import Reader, Writer, grown


@pytest.mark.parametrize("shape", [(0,), (5,), (3, 0), (3, 2000)])
@pytest.mark.parametrize("length", [1, 1024, 3000, 100_000])
def test_a_grown_column_holds_the_old_entries_and_the_filling(shape: tuple[int, ...], length: int) -> None:
    column = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    larger = grown(column, length, -7)
    old = shape[-1]
    assert larger.dtype == column.dtype
    assert larger.shape[:-1] == shape[:-1]
    assert larger.shape[-1] >= max(length, 2 * old)
    assert np.array_equal(larger[..., :old], column)
    assert (larger[..., old:] == -7).all()


def test_what_was_written_is_read_with_shape_and_type() -> None:
    writer = Writer()
    columns: dict[str, Any] = {
        "i8": np.array([1, -(1 << 62)]),
        "u8": np.array([1 << 63], np.uint64),
        "table": np.arange(6, dtype=np.int32).reshape(2, 3),
        "none": np.empty((2, 0), np.int64),
        "flags": np.array([True, False]),
        "turned": np.arange(6).reshape(2, 3).T,
        "every second": np.arange(10)[::2],
    }
    for name, column in columns.items():
        writer.column(name, column)
    values: dict[str, object] = {"n": -(1 << 60), "list": [1, [2, "drei"]], "dict": {"a": 1}, "nothing": None}
    for name, value in values.items():
        writer.value(name, value)
    reader = Reader(writer.encode())
    for name, column in columns.items():
        back = reader.column(name)
        assert (back.dtype, back.shape) == (column.dtype, column.shape)
        assert np.array_equal(back, column)
        back[...] = 0  # a restored shard writes to it
    assert {name: reader.value(name) for name in values} == values


def test_what_changes_after_it_was_given_is_not_in_the_snapshot() -> None:
    writer, column, value = Writer(), np.array([1, 2]), [1, [2]]
    writer.column("c", column)
    writer.column("view", column[:1])
    writer.value("v", value)
    column[:] = 9
    value.append(3)
    value[1].append(4)  # type: ignore[attr-defined]
    reader = Reader(writer.encode())
    assert (reader.column("c").tolist(), reader.column("view").tolist(), reader.value("v")) == ([1, 2], [1], [1, [2]])


def test_a_set_of_numbers_is_read_as_a_column_in_order_without_repeats() -> None:
    writer, chunks = Writer(), [np.array([7, 9, 20]), np.array([9, 1, 1]), np.array([8])]
    writer.distinct("some", chunks)
    writer.distinct("none", [])
    chunks.append(np.array([99]))
    reader = Reader(writer.encode())
    assert (reader.column("some").tolist(), reader.column("none").tolist()) == ([1, 7, 8, 9, 20], [])


def test_a_column_that_is_final_is_read_like_any_other() -> None:
    writer, column = Writer(), np.arange(10)
    writer.final("c", column[:4])
    assert Reader(writer.encode()).column("c").tolist() == [0, 1, 2, 3]


def test_a_snapshot_that_lost_some_of_its_bytes_is_refused() -> None:
    writer = Writer()
    writer.column("c", np.arange(10))
    data = writer.encode()
    with pytest.raises(ContractError, match="a snapshot cannot be read"):
        Reader(data[1:])


def test_names_under_a_prefix_are_apart_from_all_others() -> None:
    writer = Writer()
    for at, inner in enumerate([writer, writer.under("a"), writer.under("a").under("b"), writer.under("c")]):
        inner.value("n", at)
        inner.column("n", np.array([at]))
    reader = Reader(writer.encode())
    inside = [reader, reader.under("a"), reader.under("a").under("b"), reader.under("c")]
    assert [inner.value("n") for inner in inside] == [0, 1, 2, 3]
    assert [inner.column("n").tolist() for inner in inside] == [[0], [1], [2], [3]]


def test_the_same_state_gives_the_same_bytes() -> None:
    def write() -> bytes:
        writer = Writer()
        writer.value("v", {"x": 1})
        writer.column("c", np.arange(3))
        return writer.encode()

    assert write() == write()


def test_what_a_snapshot_lacks_is_named() -> None:
    reader = Reader(Writer().encode()).under("epoch/3")
    with pytest.raises(ContractError, match="a snapshot lacks 'epoch/3/last': was it written by another version"):
        reader.column("last")
    with pytest.raises(ContractError, match="a snapshot lacks 'epoch/3/reached': was it written by another version"):
        reader.value("reached")


@pytest.mark.parametrize("data", [b"", b"\x00", b"snapshot", msgspec.msgpack.encode({"values": {}, "columns": {}})])
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="a snapshot cannot be read"):
        Reader(data)
