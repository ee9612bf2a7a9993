"""Checkpoints: a shard's snapshot as records of its changelog, and the newest whole one read back.

A checkpoint is a number of parts and then a manifest that names them; without its manifest it does not exist. The
changelog also keeps every advance of the frontier that the shard was told, with what it did about it. Every record
carries its writer's token; what a former owner wrote after a new owner took over does not count.
"""

from __future__ import annotations

import secrets
import zlib
from typing import NamedTuple

import msgspec

from config.errors import ContractError
from indicators.columns import Writer
from indicators.sealing import recut

_PART_BYTES = 900_000
_NOTES = 20_000


class Manifest(msgspec.Struct, frozen=True):
    """What a checkpoint consists of, in clear.

    ``position``: the oldest offset still buffered, where reading goes on; ``counted``: below it no counter moves again;
    ``watermark``: UTC ms; ``frontier``: offset of the newest record of the frontier topic that had been dealt with;
    ``crc``: of all parts in a row.
    """

    token: int
    number: int
    parts: int
    crc: int
    position: int
    counted: int
    watermark: int
    frontier: int

    @property
    def name(self) -> tuple[int, int]:
        """The writer's token and its count of checkpoints; of two manifests the higher one is newer."""
        return self.token, self.number


class Cut(NamedTuple):
    """Where a snapshot was taken; see :class:`Manifest`."""

    position: int
    counted: int
    watermark: int
    frontier: int


class AdvanceNote(msgspec.Struct, frozen=True):
    """A record of the frontier topic that the shard has dealt with: its ``offset`` there, and whether it was
    ``applied`` (or will be, at ``next``) or came too late. ``token``: of the owner who dealt with it.

    With an ``offset`` below 0 it is the end of an epoch, whose key is destroyed.
    """

    token: int
    offset: int
    next: int
    watermark: int
    applied: bool


class Record(NamedTuple):
    """A record; the value None deletes its key. ``offset``: where it was read, -1 for one to be written."""

    key: bytes | None
    value: bytes | None
    offset: int = -1


_encode = msgspec.json.Encoder().encode
_decode_manifest = msgspec.json.Decoder(Manifest).decode
_decode_note = msgspec.json.Decoder(AdvanceNote).decode


def _manifest_key(token: int, number: int) -> bytes:
    return b"manifest/%016d/%012d" % (token, number)


def _part_key(token: int, number: int, part: int) -> bytes:
    return b"part/%016d/%012d/%05d" % (token, number, part)


def owner() -> Record:
    """The record of taking over. Its offset is the new owner's token: checkpoints with an older one that come behind it
    do not count. It is never deleted, or they would count again."""
    return Record(b"owner/" + secrets.token_hex(8).encode(), b"")


def is_owner(record: Record) -> bool:
    """Whether somebody took over by this record."""
    return record.key is not None and record.key.startswith(b"owner/")


def owned(token: int) -> Record:
    """The record that the claims of this owner are in place: advances noted under an older token behind it do not
    count. It is never deleted."""
    return Record(b"owned/%016d" % token, b"")


def encode(snapshot: Writer, token: int, number: int, cut: Cut) -> tuple[list[Record], Record]:
    """The parts of a checkpoint and its manifest, to be sent after them. Slow for a large shard: use a thread."""
    parts = list(recut(snapshot.pieces(), _PART_BYTES))
    crc = 0
    for part in parts:
        crc = zlib.crc32(part, crc)
    manifest = Manifest(token, number, len(parts), crc, *cut)
    records = [Record(_part_key(token, number, part), value) for part, value in enumerate(parts)]
    return records, Record(_manifest_key(token, number), _encode(manifest))


def note(advance: AdvanceNote) -> Record:
    """The changelog record of an advance; compaction keeps the newest :data:`_NOTES` of an owner."""
    if advance.offset < 0:
        return Record(b"ended/%016d/%d" % (advance.token, advance.watermark), _encode(advance))
    return Record(b"advance/%016d/%06d" % (advance.token, advance.offset % _NOTES), _encode(advance))


class Restored(NamedTuple):
    """What a changelog says: the newest whole checkpoint (its manifest, the snapshot's bytes and the keys of its
    records) or None, the ends of epochs and the advances noted since, in order of their offset, and the keys of other
    checkpoints and of parts that never got a manifest, manifests first; these can go once a newer checkpoint is
    written."""

    manifest: Manifest | None
    snapshot: bytes | None
    advances: list[AdvanceNote]
    keys: list[bytes]
    garbage: list[bytes]


class Restorer:
    """Reads a changelog from its beginning; keeps the parts of the newest checkpoints only.

    ``strange``: records that are none of foule's, by their keys; they are passed over.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], dict[int, bytes]] = {}
        self._whole: tuple[Manifest, bytes] | None = None
        self._notes: dict[int, AdvanceNote] = {}
        self._live: set[bytes] = set()
        self._owner = -1
        self._owned = -1
        self.strange = 0

    def take(self, record: Record) -> None:
        """Take the next record; raises ``ContractError`` if it has a key of foule's and cannot be read."""
        try:
            self._take(record)
        except (ValueError, IndexError) as error:
            raise ContractError(f"a changelog record cannot be read ({error}): who else writes there?") from error

    def _take(self, record: Record) -> None:
        key = record.key or b""
        kind, *names = key.split(b"/")
        if kind == b"owner":
            self._owner = record.offset
        elif kind == b"owned":
            self._owned = max(self._owned, int(names[0]))
        elif kind not in (b"part", b"manifest", b"advance", b"ended"):
            self.strange += 1
        elif record.value is None:
            self._live.discard(key)
            self._delete(kind, tuple(map(int, names)))
        elif kind == b"part":
            self._live.add(key)
            token, number, part = map(int, names)
            self._parts.setdefault((token, number), {})[part] = record.value
        elif kind == b"manifest":
            self._live.add(key)
            self._complete(_decode_manifest(record.value))
        else:
            advance = _decode_note(record.value)
            if advance.token >= self._owned:
                self._notes[advance.offset] = advance

    def _delete(self, kind: bytes, numbers: tuple[int, ...]) -> None:
        if kind == b"part":
            token, number, part = numbers
            self._parts.get((token, number), {}).pop(part, None)
        elif kind == b"manifest" and self._whole is not None and self._whole[0].name == numbers:
            self._whole = None

    def _complete(self, manifest: Manifest) -> None:
        parts = self._parts.pop(manifest.name, {})
        # more parts than the manifest names are left of a checkpoint of this number that never got its manifest
        data = b"".join(parts.get(part, b"") for part in range(manifest.parts))
        if manifest.token < self._owner or zlib.crc32(data) != manifest.crc:
            return
        if self._whole is None or manifest.name > self._whole[0].name:
            self._whole = (manifest, data)
        for older in [name for name in self._parts if name < manifest.name]:
            del self._parts[older]

    @property
    def notes(self) -> list[AdvanceNote]:
        """Every advance noted by an owner, in order of its offset."""
        return [self._notes[offset] for offset in sorted(self._notes)]

    def result(self) -> Restored:
        """What the changelog said."""
        if self._whole is None:
            return Restored(None, None, self.notes, [], sorted(self._live))
        manifest, data = self._whole
        token, number = manifest.name
        keys = [_manifest_key(token, number), *(_part_key(token, number, part) for part in range(manifest.parts))]
        notes = [note for note in self.notes if note.offset > manifest.frontier or note.offset < 0]
        garbage = sorted(self._live - set(keys))  # "manifest/" sorts before "part/"
        return Restored(manifest, data, notes, keys, garbage)
