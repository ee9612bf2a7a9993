"""Columns that grow, and that a snapshot copies at one instant and encodes later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import ContractError
from indicators.packing import Packed, pack, unpack
from indicators.sealing import Cipher, Sealed, Sealer, opened
from indicators.sorting import distinct

Scalar = TypeVar("Scalar", bound=np.generic)


def grown(column: NDArray[Scalar], length: int, fill: int) -> NDArray[Scalar]:
    """``column`` with at least ``length`` entries along its last axis, by doubling; new ones hold ``fill``."""
    old = column.shape[-1]
    larger = np.full((*column.shape[:-1], max(length, 2 * old, 1024)), fill, column.dtype)
    larger[..., :old] = column
    return larger


class _Index(msgspec.Struct, array_like=True):
    """What stands at the end of a snapshot, behind its columns and then its sealed sections."""

    values: dict[str, Any]
    columns: dict[str, Packed]
    sealed: dict[str, Sealed]


_LENGTH_BYTES = 8
_SECTION = "sealed:"
_Chunks = Sequence[NDArray[Any]]


class Writer:
    """Collects a snapshot: what can change is copied when given; :meth:`pieces` encodes it later (in a thread, say).

    All is in clear but what is given to a :meth:`sealed` section.
    """

    def __init__(self, place: str = "") -> None:
        """``place``: what the snapshot is of; its sealed sections open in no other."""
        self._place = place
        self._prefix = ""
        self._values: dict[str, Any] = {}
        self._columns: dict[str, NDArray[Any]] = {}
        self._sets: dict[str, _Chunks] = {}
        self._sections: dict[str, tuple[Writer, Cipher]] = {}

    def under(self, prefix: str) -> Writer:
        """A writer into the same snapshot whose names begin with ``prefix`` and a slash."""
        inner = Writer(self._place)
        inner._prefix = f"{self._prefix}{prefix}/"
        inner._values, inner._columns, inner._sets = self._values, self._columns, self._sets
        inner._sections = self._sections
        return inner

    def sealed(self, name: str, cipher: Cipher) -> Writer:
        """A writer into a section of the snapshot that is sealed with ``cipher`` as a whole: also the names, lengths
        and types of what is in it."""
        inner = Writer(_section(self._place, self._prefix + name))
        self._sections[self._prefix + name] = (inner, cipher)
        return inner

    def value(self, name: str, value: object) -> None:
        """Keep a plain value (numbers, strings, lists and dicts of them), copied by encoding it now."""
        self._values[self._prefix + name] = msgspec.msgpack.decode(msgspec.msgpack.encode(value))

    def column(self, name: str, column: NDArray[Any]) -> None:
        """Keep a copy of a column of any shape and of a plain dtype."""
        self._columns[self._prefix + name] = np.array(column, copy=True, order="C")

    def final(self, name: str, column: NDArray[Any]) -> None:
        """Keep a column that nobody changes any more; it is not copied."""
        self._columns[self._prefix + name] = column

    def distinct(self, name: str, chunks: _Chunks) -> None:
        """Keep the set of the numbers in ``chunks``, int64 (n,) each, that nobody changes any more; a column of them in
        ascending order is read back. Nothing is copied, and they are sorted when the snapshot is encoded."""
        self._sets[self._prefix + name] = tuple(chunks)

    def pieces(self) -> Iterator[bytes]:
        """All that was given, as bytes in a row that :class:`Reader` reads, without a long moment in which no other
        thread can run."""
        packed: dict[str, Packed] = {}
        for name, column in self._columns.items():
            packed[name], pieces = pack(column)
            yield from pieces
        for name, chunks in self._sets.items():
            # the first of them is sorted already where it is the only one, and sorting it again costs little
            column = distinct(np.concatenate(chunks)) if chunks else np.empty(0, np.int64)
            packed[name], pieces = pack(column, ascending=True)
            yield from pieces
        sealed: dict[str, Sealed] = {}
        for name, (section, cipher) in self._sections.items():
            sealer = Sealer(cipher, section._place)
            yield from sealer.pieces(section.pieces())
            sealed[name] = sealer.sealed
        index = msgspec.msgpack.encode(_Index(self._values, packed, sealed))
        yield index + len(index).to_bytes(_LENGTH_BYTES)

    def encode(self) -> bytes:
        """All pieces in one."""
        return b"".join(self.pieces())


class Reader:
    """Reads what a :class:`Writer` encoded; raises ``ContractError`` for anything else."""

    def __init__(self, data: bytes, place: str = "") -> None:
        """``place``: as the writer was given it."""
        self._place = place
        self._prefix = ""
        end = len(data) - _LENGTH_BYTES
        begin = end - int.from_bytes(data[max(end, 0) :])
        try:
            self._index = msgspec.msgpack.decode(data[max(begin, 0) : max(end, 0)], type=_Index)
        except msgspec.DecodeError as error:
            raise _unreadable(str(error)) from error
        self._where: dict[str, memoryview] = {}
        done, columns = 0, memoryview(data)[: max(begin, 0)]
        parts: dict[str, Packed | Sealed] = {**self._index.columns}
        parts |= {_SECTION + name: sealed for name, sealed in self._index.sealed.items()}
        for name, part in parts.items():
            self._where[name] = columns[done : done + part.size]
            done += part.size
        if done != begin:
            raise _unreadable(f"it has {begin} bytes of columns instead of {done}")

    def under(self, prefix: str) -> Reader:
        """The reader of what was written under this prefix."""
        inner = object.__new__(Reader)
        inner._place, inner._prefix = self._place, f"{self._prefix}{prefix}/"
        inner._index, inner._where = self._index, self._where
        return inner

    def opened(self, name: str, cipher: Cipher) -> Reader:
        """The reader of the sealed section of this name."""
        full = self._prefix + name
        try:
            sealed = self._index.sealed[full]
        except KeyError:
            raise self._lacks(name) from None
        place = _section(self._place, full)
        return Reader(opened(sealed, self._where[_SECTION + full], cipher, place), place)

    def value(self, name: str) -> Any:
        """The plain value of this name."""
        try:
            return self._index.values[self._prefix + name]
        except KeyError:
            raise self._lacks(name) from None

    def column(self, name: str) -> NDArray[Any]:
        """The column of this name, writable."""
        try:
            packed = self._index.columns[self._prefix + name]
        except KeyError:
            raise self._lacks(name) from None
        return unpack(packed, self._where[self._prefix + name])

    def _lacks(self, name: str) -> ContractError:
        return ContractError(f"a snapshot lacks {self._prefix + name!r}: was it written by another version?")


def _section(place: str, name: str) -> str:
    return f"{place}: {name}"


def _unreadable(why: str) -> ContractError:
    return ContractError(f"a snapshot cannot be read ({why}): was it written by another version?")
