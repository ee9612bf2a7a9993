"""The batches of the shuffle: what a source sends to a shard, pseudonymised, and the bytes that it travels as, sealed.

What is in the bytes is decided by :func:`encode_batch` and :func:`decode_batch` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from anonymizer.cipher import OVERHEAD, Cipher
from config.errors import ContractError
from indicators.calendar import Epoch
from streams.epochs import whole_minutes
from streams.intake import Share

#: Rows of one batch; 34 bytes each keep it under Kafka's default of 1 MB.
LONGEST = 30_000

_HIGH_HALF = np.uint64(32)


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """Accepted events of one epoch as they travel, sealed under the key of the id ``key``.

    In clear: how many there are (``count``), and between which times (``first``, ``last``: UTC ms, whole minutes).
    ``sealed``: little endian columns in a row, in order of offset: ``offsets`` (of the source) and ``times`` (ms),
    int64; ``pseudonyms``, uint64; ``record_keys``, uint32; ``places``, int32; ``origins``,
    int16.
    """

    epoch: int
    key: str
    count: int
    first: int
    last: int
    sealed: bytes


class SealedBatch(msgspec.Struct, frozen=True, array_like=True):
    """A :class:`Batch` as it travels; :func:`open_rows` opens its ``rows``."""

    settings: str
    source: int
    token: int
    start: int
    end: int
    mark: int
    rows: list[Rows]

    def __len__(self) -> int:
        """How many events it has."""
        return sum(rows.count for rows in self.rows)


class Batch(NamedTuple):
    """All accepted events of a source's offsets ``[start, end)`` that are one shard's.

    ``settings``: fingerprint of what the rows rest on; ``token``: of the source's owner; ``mark``: the watermark (UTC
    ms) of the source once all below ``end`` is taken. A batch without offsets and events says the mark, or claims the
    source. ``closed``: rows that cannot be opened, since their key was given up or is destroyed.
    """

    settings: str
    source: int
    token: int
    start: int
    end: int
    mark: int
    shares: Sequence[Share] = ()
    closed: Sequence[Rows] = ()


_COLUMNS = ("<i8", "<i8", "<u8", "<u4", "<i4", "<i2")
_ROW_BYTES = sum(np.dtype(column).itemsize for column in _COLUMNS)

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], SealedBatch] = msgspec.msgpack.Decoder(SealedBatch).decode


def encode_batch(batch: Batch, shard: int) -> bytes:
    """A record of the shuffled topic, for this shard."""
    rows = [_rows(batch, shard, share) for share in batch.shares]
    where = (batch.settings, batch.source, batch.token, batch.start, batch.end, batch.mark)
    return _encode(SealedBatch(*where, rows))


def _rows(batch: Batch, shard: int, share: Share) -> Rows:
    columns: list[NDArray[Any]] = [share.offsets, share.times, share.pseudonyms, share.record_keys]
    columns += [share.places, share.origins]
    data = b"".join(column.astype(kind, copy=False).tobytes() for column, kind in zip(columns, _COLUMNS, strict=True))
    rows = Rows(share.epoch.number, share.key_id, len(share.times), *whole_minutes(share.times), b"")
    return msgspec.structs.replace(rows, sealed=share.cipher.seal(data, _context(batch, shard, rows)))


def _context(batch: Batch | SealedBatch, shard: int, rows: Rows) -> bytes:
    """What the sealed columns are: those of no other batch or shard, and as many and of such times as is said."""
    where = (batch.settings, batch.source, batch.start, batch.end, shard)
    return _encode(("rows", *where, rows.epoch, rows.key, rows.count, rows.first, rows.last))


def decode_batch(data: bytes) -> SealedBatch:
    """The batch of these bytes; raises ``ContractError`` if it is none."""
    try:
        batch = _decode(data)
        for rows in batch.rows:
            if rows.count < 1 or len(rows.sealed) != rows.count * _ROW_BYTES + OVERHEAD:
                raise ValueError("columns of different lengths")
        return batch
    except (msgspec.MsgspecError, ValueError) as error:
        raise ContractError(
            f"a record of the shuffled topic cannot be read ({error}): who else writes there?"
        ) from error


def open_rows(batch: SealedBatch, shard: int, rows: Rows, epoch: Epoch, cipher: Cipher) -> Share:
    """The events of some rows of a batch to this shard; raises ``ContractError`` if they are not as they were
    sealed."""
    data = cipher.open(rows.sealed, _context(batch, shard, rows))
    columns, done = list[NDArray[Any]](), 0
    for kind in _COLUMNS:
        column = np.frombuffer(data, kind, rows.count, done)
        columns.append(column)
        done += column.nbytes
    return Share(epoch, rows.key, cipher, *columns)


def shards_of(pseudonyms: NDArray[np.uint64], shards: int) -> NDArray[np.uint16]:
    """The shard of each pseudonym: uint64 (n,) to uint16 (n,).

    By its high half: a shard finds the slots of its devices by the low bits, which therefore must differ.
    """
    return ((pseudonyms >> _HIGH_HALF) % np.uint64(shards)).astype(np.uint16)


def by_shard(shares: Sequence[Share], shards: int) -> list[list[Share]]:
    """The rows of each shard, in the order in which they stand."""
    parted: list[list[Share]] = [[] for _ in range(shards)]
    for share in shares:
        of_row = shards_of(share.pseudonyms, shards)
        order = np.argsort(of_row, kind="stable")
        bounds = np.searchsorted(of_row[order], np.arange(shards + 1))
        for shard, (first, last) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
            if last > first:
                parted[shard].append(share.only(order[first:last]))
    return parted


class Piece(NamedTuple):
    """The rows of one shard at a source's offsets ``[start, end)``."""

    start: int
    end: int
    shares: list[Share]


def pieces(shares: Sequence[Share], start: int, end: int, longest: int = LONGEST) -> Iterator[Piece]:
    """One shard's rows of the offsets ``[start, end)`` in pieces that each fit into a record."""
    rest = list(shares)
    while sum(len(share.offsets) for share in rest) > longest:
        middle = int(np.sort(np.concatenate([share.offsets for share in rest]))[longest])
        yield Piece(start, middle, [share.only(share.offsets < middle) for share in rest])
        rest = [share.only(share.offsets >= middle) for share in rest]
        start = middle
    yield Piece(start, end, rest)
