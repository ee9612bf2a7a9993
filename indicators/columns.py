"""Columns that grow, and that a snapshot copies at one instant and encodes later."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import ContractError

Scalar = TypeVar("Scalar", bound=np.generic)


def grown(column: NDArray[Scalar], length: int, fill: int) -> NDArray[Scalar]:
    """``column`` with at least ``length`` entries along its last axis, by doubling; new ones hold ``fill``."""
    old = column.shape[-1]
    larger = np.full((*column.shape[:-1], max(length, 2 * old, 1024)), fill, column.dtype)
    larger[..., :old] = column
    return larger


class _Wire(msgspec.Struct, array_like=True):
    values: dict[str, Any]
    columns: dict[str, tuple[str, list[int], bytes]]


class Writer:
    """Collects a snapshot: columns are copied when given, and encoded only by :meth:`encode` (in a thread, say)."""

    def __init__(self) -> None:
        self._prefix = ""
        self._values: dict[str, Any] = {}
        self._columns: dict[str, NDArray[Any]] = {}

    def under(self, prefix: str) -> Writer:
        """A writer into the same snapshot whose names begin with ``prefix`` and a slash."""
        inner = Writer()
        inner._prefix = f"{self._prefix}{prefix}/"
        inner._values, inner._columns = self._values, self._columns
        return inner

    def value(self, name: str, value: object) -> None:
        """Keep a plain value (numbers, strings, lists and dicts of them), copied by encoding it now."""
        self._values[self._prefix + name] = msgspec.msgpack.decode(msgspec.msgpack.encode(value))

    def column(self, name: str, column: NDArray[Any]) -> None:
        """Keep a copy of a column of any shape and of a plain dtype."""
        self._columns[self._prefix + name] = np.array(column, copy=True, order="C")

    def encode(self) -> bytes:
        """All that was given, as bytes that :class:`Reader` reads."""
        columns = {
            name: (column.dtype.str, list(column.shape), column.tobytes()) for name, column in self._columns.items()
        }
        return msgspec.msgpack.encode(_Wire(self._values, columns))


class Reader:
    """Reads what a :class:`Writer` encoded; raises ``ContractError`` for anything else."""

    def __init__(self, data: bytes) -> None:
        self._prefix = ""
        try:
            self._wire = msgspec.msgpack.decode(data, type=_Wire)
        except msgspec.DecodeError as error:
            raise ContractError(f"a snapshot cannot be read ({error}): was it written by another version?") from error

    def under(self, prefix: str) -> Reader:
        """The reader of what was written under this prefix."""
        inner = object.__new__(Reader)
        inner._prefix, inner._wire = f"{self._prefix}{prefix}/", self._wire
        return inner

    def value(self, name: str) -> Any:
        """The plain value of this name."""
        try:
            return self._wire.values[self._prefix + name]
        except KeyError:
            raise ContractError(
                f"a snapshot lacks {self._prefix + name!r}: was it written by another version?"
            ) from None

    def column(self, name: str) -> NDArray[Any]:
        """The column of this name, writable."""
        try:
            dtype, shape, data = self._wire.columns[self._prefix + name]
        except KeyError:
            raise ContractError(
                f"a snapshot lacks {self._prefix + name!r}: was it written by another version?"
            ) from None
        return np.frombuffer(data, dtype).reshape(shape).copy()
