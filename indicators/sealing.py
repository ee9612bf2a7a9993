"""A section of a snapshot, sealed: who has no key reads nothing of it, and who has one notices every change."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from config.errors import ContractError

#: Bytes of a piece before it is sealed: a fraction of a millisecond, in which no other thread can run.
PIECE_BYTES = 1 << 18

_SALT_BYTES = 16


class Cipher(Protocol):
    """What seals and opens: ``anonymizer.cipher.Cipher``."""

    def seal(self, data: bytes, context: bytes) -> bytes:
        """``data``, sealed; ``context`` says what it is."""

    def open(self, sealed: bytes | memoryview, context: bytes) -> bytes:
        """What was sealed with this ``context``; raises ``ContractError`` for anything else."""


class Sealed(msgspec.Struct, array_like=True, frozen=True):
    """How to open a section: the lengths of its ``pieces``, and the ``salt`` by which they belong together."""

    salt: bytes
    pieces: list[int]

    @property
    def size(self) -> int:
        """How many bytes belong to the section."""
        return sum(self.pieces)


class Sealer:
    """Seals one section, piece by piece, so that never all of it is there twice.

    A piece's context names the place, the section, a salt of its own for each snapshot, the piece's number, and
    whether it is the last: none can be left out, moved, or taken from elsewhere.
    """

    def __init__(self, cipher: Cipher, place: str) -> None:
        self._cipher = cipher
        self._place = place
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._lengths: list[int] = []

    def pieces(self, data: Iterable[bytes]) -> Iterator[bytes]:
        """The section's bytes, sealed."""
        waiting: bytes | None = None
        for piece in recut(data, PIECE_BYTES):
            if waiting is not None:
                yield self._sealed(waiting, last=False)
            waiting = piece
        yield self._sealed(waiting or b"", last=True)

    def _sealed(self, piece: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.seal(piece, _context(self._place, self._salt, len(self._lengths), last))
        self._lengths.append(len(sealed))
        return sealed

    @property
    def sealed(self) -> Sealed:
        """How to open what :meth:`pieces` gave."""
        return Sealed(self._salt, self._lengths)


def opened(sealed: Sealed, data: memoryview, cipher: Cipher, place: str) -> bytes:
    """The bytes of a section; raises ``ContractError`` unless all is as it was sealed, in the same place."""
    if not sealed.pieces or len(data) != sealed.size or min(sealed.pieces) < 0:
        raise ContractError("a sealed section of a snapshot is not whole: is it damaged?")
    done, pieces = 0, []
    for number, length in enumerate(sealed.pieces):
        context = _context(place, sealed.salt, number, number == len(sealed.pieces) - 1)
        pieces.append(cipher.open(data[done : done + length], context))
        done += length
    return b"".join(pieces)


def _context(place: str, salt: bytes, number: int, last: bool) -> bytes:
    return msgspec.msgpack.encode(("section", place, salt, number, last))


def recut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of ``size``, and what is left at the end. Never all of them at once: no other thread
    could run while they are copied."""
    waiting = bytearray()
    for piece in pieces:
        for at in range(0, len(piece), size):
            waiting += piece[at : at + size]
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    if waiting:
        yield bytes(waiting)
