"""Checkpoints: a shard's snapshot as records of its changelog, and the newest whole one read back.

A checkpoint is a number of parts and then a manifest that names them; without its manifest it does not exist. The
changelog also keeps every advance of the frontier that the shard was told, with what it did about it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from config.errors import ContractError
from indicators.columns import Writer

_PART_BYTES = 900_000
_FAST = 1
_NOTES = 20_000


class Manifest(msgspec.Struct, frozen=True):
    """What a checkpoint consists of, in clear. ``position``: the oldest offset still buffered, where reading goes on;
    ``counted``: below it no counter moves again; ``watermark``: UTC ms; ``crc``: of all parts in a row."""

    number: int
    parts: int
    crc: int
    position: int
    counted: int
    watermark: int


class AdvanceNote(msgspec.Struct, frozen=True):
    """A record of the frontier topic that the shard has dealt with: its ``offset`` there, and whether it was
    ``applied`` (or will be, at ``next``) or came too late."""

    offset: int
    next: int
    watermark: int
    applied: bool


class Record(NamedTuple):
    """A changelog record; the value None deletes the key."""

    key: bytes
    value: bytes | None


_encode = msgspec.json.Encoder().encode
_decode_manifest = msgspec.json.Decoder(Manifest).decode
_decode_note = msgspec.json.Decoder(AdvanceNote).decode


def _manifest_key(number: int) -> bytes:
    return b"manifest/%012d" % number


def _part_key(number: int, part: int) -> bytes:
    return b"part/%012d/%05d" % (number, part)


def encode(snapshot: Writer, number: int, position: int, counted: int, watermark: int) -> tuple[list[Record], Record]:
    """The parts of a checkpoint and its manifest, to be sent after them. Slow for a large shard: use a thread."""
    data = zlib.compress(snapshot.encode(), _FAST)
    parts = [data[at : at + _PART_BYTES] for at in range(0, len(data), _PART_BYTES)]
    manifest = Manifest(number, len(parts), zlib.crc32(data), position, counted, watermark)
    records = [Record(_part_key(number, part), value) for part, value in enumerate(parts)]
    return records, Record(_manifest_key(number), _encode(manifest))


def garbage(number: int, parts: int) -> Iterator[Record]:
    """Delete a checkpoint that a newer one has replaced: its manifest first, so that it never looks whole."""
    yield Record(_manifest_key(number), None)
    for part in range(parts):
        yield Record(_part_key(number, part), None)


def note(advance: AdvanceNote) -> Record:
    """The changelog record of an advance; compaction keeps the newest :data:`_NOTES` of them."""
    return Record(b"advance/%06d" % (advance.offset % _NOTES), _encode(advance))


class Restored(NamedTuple):
    """What a changelog says: the newest whole checkpoint (its manifest and the snapshot's bytes) or None, every advance
    noted, in order of their offset, and the number of the newest manifest seen, 0 if none."""

    manifest: Manifest | None
    snapshot: bytes | None
    advances: list[AdvanceNote]
    newest_number: int


class Restorer:
    """Reads a changelog from its beginning; keeps the parts of the newest checkpoints only."""

    def __init__(self) -> None:
        self._parts: dict[int, dict[int, bytes]] = {}
        self._whole: tuple[Manifest, bytes] | None = None
        self._notes: dict[int, AdvanceNote] = {}
        self._newest = 0

    def take(self, record: Record) -> None:
        """Take the next record; raises ``ContractError`` if foule did not write it."""
        try:
            self._take(record)
        except (ValueError, IndexError) as error:
            raise ContractError(f"a changelog record cannot be read ({error}): who else writes there?") from error

    def _take(self, record: Record) -> None:
        kind, *numbers = record.key.split(b"/")
        if record.value is None:
            if kind == b"part":
                self._parts.get(int(numbers[0]), {}).pop(int(numbers[1]), None)
        elif kind == b"part":
            self._parts.setdefault(int(numbers[0]), {})[int(numbers[1])] = record.value
        elif kind == b"manifest":
            self._complete(_decode_manifest(record.value))
        elif kind == b"advance":
            advance = _decode_note(record.value)
            self._notes[advance.offset] = advance
        else:
            raise ValueError(f"unknown key {record.key[:20]!r}")

    def _complete(self, manifest: Manifest) -> None:
        self._newest = max(self._newest, manifest.number)
        parts = self._parts.pop(manifest.number, {})
        # more parts than the manifest names are left of a checkpoint of this number that never got its manifest
        data = b"".join(parts.get(part, b"") for part in range(manifest.parts))
        if zlib.crc32(data) == manifest.crc:
            if self._whole is None or manifest.number > self._whole[0].number:
                self._whole = (manifest, data)
            for number in [number for number in self._parts if number < manifest.number]:
                del self._parts[number]

    def result(self) -> Restored:
        """What the changelog said."""
        notes = [self._notes[offset] for offset in sorted(self._notes)]
        if self._whole is None:
            return Restored(None, None, notes, self._newest)
        manifest, data = self._whole
        return Restored(manifest, zlib.decompress(data), notes, self._newest)
