"""Search for subscriber ids in whatever bytes foule leaves: as text, hex, base64 or a packed number."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHORTEST = 6
"""Ids with fewer bytes are found everywhere by chance."""

_BATCH = 1 << 22
_WORD = 6


class Finding(NamedTuple):
    """Where an id was found and in what form; which id is not told, since reports end up in logs."""

    piece: int
    offset: int
    form: str


def find_identifiers(haystack: Iterable[bytes], ids: set[str]) -> list[Finding]:
    """Every place in ``haystack`` that holds one of ``ids``, in order of the pieces.

    Each piece (a Redis value, a record, a line of a log) is searched as a whole and on its own: an id that is
    split between two pieces is not found, nor one in compressed bytes. Raises ValueError for ids of fewer
    than ``SHORTEST`` bytes.
    """
    if any(len(one.encode()) < SHORTEST for one in ids):
        raise ValueError(f"an id of fewer than {SHORTEST} bytes is found by chance: scan for longer ones")
    needles: dict[bytes, str] = {}
    for one in ids:
        for form, needle in _forms(one):
            needles.setdefault(needle, form)
    if not needles:
        return []
    index = _Index(needles)
    return sorted({finding for batch in _batches(haystack) for finding in index.search(batch)})


def _forms(subscriber: str) -> Iterator[tuple[str, bytes]]:
    """The byte strings by which an id may be written."""
    raw = subscriber.encode()
    yield "raw", raw
    yield "json", json.dumps(subscriber)[1:-1].encode()
    yield "utf-16", subscriber.encode("utf-16-le")
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    for shift in range(3):
        yield from (("base64", text) for text in _base64_cores(raw, shift))
    if subscriber.isascii() and subscriber.isdecimal() and 2**40 <= int(subscriber) < 2**64:
        number = int(subscriber)
        yield "number", number.to_bytes(8, "little")
        yield "number", number.to_bytes(8, "big")
        yield "hex", b"%x" % number


def _base64_cores(raw: bytes, shift: int) -> Iterator[bytes]:
    """The characters that ``raw`` alone decides where ``shift`` bytes (mod 3) are encoded before it."""
    padded = bytes(shift) + raw + bytes(2)
    first, last = -(-8 * shift // 6), 8 * (shift + len(raw)) // 6
    yield base64.b64encode(padded)[first:last]
    yield base64.urlsafe_b64encode(padded)[first:last]


def _batches(haystack: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered pieces in groups of about 4 MB, so that small ones are searched together."""
    batch, size = [], 0
    for number, piece in enumerate(haystack):
        batch.append((number, piece))
        size += len(piece)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


class _Index:
    """Needles by their first six bytes, which numpy compares with every place of a batch at once."""

    def __init__(self, needles: dict[bytes, str]) -> None:
        self._forms = needles
        self._lengths: dict[bytes, set[int]] = defaultdict(set)
        for needle in needles:
            self._lengths[needle[:_WORD]].add(len(needle))
        self._heads = np.unique(_words(b"".join(self._lengths))[::_WORD])

    def search(self, batch: list[tuple[int, bytes]]) -> Iterator[Finding]:
        """The findings in a batch of numbered pieces."""
        joined = b"".join(piece for _, piece in batch)
        ends = np.cumsum([len(piece) for _, piece in batch])
        words = _words(joined)
        nearest = np.minimum(np.searchsorted(self._heads, words), len(self._heads) - 1)
        for place in np.flatnonzero(self._heads[nearest] == words).tolist():
            at = int(np.searchsorted(ends, place, side="right"))
            number, piece = batch[at]
            offset = place - (int(ends[at]) - len(piece))
            for length in self._lengths[joined[place : place + _WORD]]:
                form = self._forms.get(piece[offset : offset + length])
                if form is not None:
                    yield Finding(number, offset, form)


def _words(text: bytes) -> NDArray[np.uint64]:
    """The six bytes at each place of ``text`` as one number, (len(text) - 5,) uint64."""
    octets = np.frombuffer(text, dtype=np.uint8).astype(np.uint64)
    places = max(len(text) - _WORD + 1, 0)
    words = np.zeros(places, dtype=np.uint64)
    for at in range(_WORD):
        words = (words << np.uint64(8)) | octets[at : at + places]
    return words
