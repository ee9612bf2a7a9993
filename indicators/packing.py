"""Columns as bytes: small, and cheap to make. Numbers are taken apart into planes, all first bytes, all second bytes
and so on, of which many hold one value only, some compress well, and the rest is noise that is left as it is.

Nearly all of the time is spent in numpy and zlib, which let other threads run meanwhile.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import ContractError

_FAST = 1
_WORTH_PLANES = 4_096
_SAMPLE = 16_384
_WORTH_COMPRESSING = 0.6

#: How the bytes of a plane are kept.
_SAME, _PLAIN, _COMPRESSED, _AGAIN = range(4)


class Packed(msgspec.Struct, array_like=True, frozen=True):
    """How to read a column back. ``planes``: for each byte of a number (or for the column as a whole) how it is kept
    and its length, or, where all are the same, that byte; ``first``: of an ascending column, whose steps are kept."""

    dtype: str
    shape: list[int]
    planes: list[tuple[int, int]]
    first: int | None = None

    @property
    def size(self) -> int:
        """How many bytes belong to the column."""
        return sum(length for kind, length in self.planes if kind != _SAME)


def pack(column: NDArray[Any], *, ascending: bool = False) -> tuple[Packed, list[bytes]]:
    """A column of any shape and of a plain dtype, as bytes.

    ``ascending``: it is int64 (n,) and goes up, so that its steps, which are smaller, are kept instead.
    """
    flat = np.ascontiguousarray(column).reshape(-1)
    first = None
    if ascending and len(flat):
        first = int(flat[0])
        flat = np.diff(flat, prepend=flat[:1])
    planes, pieces = _planes(flat)
    return Packed(column.dtype.str, list(column.shape), planes, first), pieces


def _planes(flat: NDArray[Any]) -> tuple[list[tuple[int, int]], list[bytes]]:
    if flat.nbytes < _WORTH_PLANES:
        return [(_PLAIN, flat.nbytes)], [flat.tobytes()]
    planes: list[tuple[int, int]] = []
    pieces: list[bytes] = []
    numbers = flat.view(np.uint8).reshape(len(flat), flat.itemsize)
    before: NDArray[np.uint8] | None = None
    for at in range(flat.itemsize):
        plane = np.ascontiguousarray(numbers[:, at])
        if (plane == plane[0]).all():
            planes.append((_SAME, int(plane[0])))
        elif before is not None and np.array_equal(plane, before):
            planes.append((_AGAIN, 0))
        else:
            kind, piece = _compressed(plane)
            planes.append((kind, len(piece)))
            pieces.append(piece)
        before = plane
    return planes, pieces


def _compressed(plane: NDArray[np.uint8]) -> tuple[int, bytes]:
    sample = plane[len(plane) // 2 :][:_SAMPLE]
    if len(zlib.compress(sample.data, _FAST)) > _WORTH_COMPRESSING * len(sample):
        return _PLAIN, plane.tobytes()
    return _COMPRESSED, zlib.compress(plane.data, _FAST)


def unpack(packed: Packed, data: bytes | memoryview) -> NDArray[Any]:
    """The column that :func:`pack` took apart, writable. Raises ``ContractError`` if the bytes are not its own."""
    try:
        return _unpack(packed, memoryview(data))
    except (ValueError, TypeError, zlib.error) as error:
        raise ContractError(f"a column of a snapshot cannot be read ({error}): is it damaged?") from error


def _unpack(packed: Packed, data: memoryview) -> NDArray[Any]:
    if len(data) != packed.size:
        raise ValueError(f"it has {len(data)} bytes instead of {packed.size}")
    flat = np.empty(int(np.prod(packed.shape)), packed.dtype)
    if len(packed.planes) == 1 and packed.planes[0][0] == _PLAIN and flat.itemsize != 1:
        flat[:] = np.frombuffer(data, packed.dtype)
    else:
        _fill(flat.view(np.uint8).reshape(len(flat), flat.itemsize), packed.planes, data)
    if packed.first is not None:
        flat[0] = packed.first
        np.cumsum(flat, out=flat)
    return flat.reshape(packed.shape)


def _fill(numbers: NDArray[np.uint8], planes: Sequence[tuple[int, int]], data: memoryview) -> None:
    done = 0
    for at, (kind, length) in enumerate(planes):
        if kind == _SAME:
            numbers[:, at] = length
            continue
        if kind == _AGAIN:
            numbers[:, at] = numbers[:, at - 1]
            continue
        piece = data[done : done + length]
        done += length
        plane = zlib.decompress(piece) if kind == _COMPRESSED else piece
        numbers[:, at] = np.frombuffer(plane, np.uint8)
