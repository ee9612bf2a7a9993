"""The batches of the shuffle: what a source sends to a shard, pseudonymised, and the bytes that it travels as.

What is in the bytes is decided by :func:`encode_batch` and :func:`decode_batch` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import ContractError
from indicators.calendar import Calendar
from streams.intake import Share

#: Rows of one batch; 32 bytes each keep it under Kafka's default of 1 MB.
LONGEST = 30_000

_HIGH_HALF = np.uint64(32)


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """Accepted events of one epoch, in order of offset, as little endian columns.

    ``offsets`` (of the source) and ``times`` (ms): int64; ``pseudonyms``, made with the key of the id ``key``: uint64;
    ``record_keys``: uint32; ``places``: int32.
    """

    epoch: int
    key: str
    offsets: bytes
    times: bytes
    pseudonyms: bytes
    record_keys: bytes
    places: bytes

    def share(self, calendar: Calendar) -> Share:
        """The rows as columns."""
        return Share(
            calendar.epoch(self.epoch),
            self.key,
            np.frombuffer(self.offsets, "<i8"),
            np.frombuffer(self.times, "<i8"),
            np.frombuffer(self.pseudonyms, "<u8"),
            np.frombuffer(self.record_keys, "<u4"),
            np.frombuffer(self.places, "<i4"),
        )


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """All accepted events of a source's offsets ``[start, end)`` that are one shard's.

    ``settings``: fingerprint of what the rows rest on; ``token``: of the source's owner; ``mark``: the watermark (UTC
    ms) of the source once all below ``end`` is taken. A batch without offsets and rows says the mark, or claims the
    source.
    """

    settings: str
    source: int
    token: int
    start: int
    end: int
    mark: int
    rows: list[Rows]

    def __len__(self) -> int:
        """How many events it has."""
        return sum(len(rows.offsets) for rows in self.rows) // 8


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Batch] = msgspec.msgpack.Decoder(Batch).decode


def encode_batch(batch: Batch) -> bytes:
    """A record of the shuffled topic."""
    return _encode(batch)


def decode_batch(data: bytes) -> Batch:
    """The batch of these bytes; raises ``ContractError`` if it is none."""
    try:
        batch = _decode(data)
        for rows in batch.rows:
            count, rest = divmod(len(rows.offsets), 8)
            lengths = [len(rows.times), len(rows.pseudonyms), len(rows.record_keys), len(rows.places)]
            if rest or lengths != [8 * count, 8 * count, 4 * count, 4 * count]:
                raise ValueError("columns of different lengths")
        return batch
    except (msgspec.MsgspecError, ValueError) as error:
        raise ContractError(
            f"a record of the shuffled topic cannot be read ({error}): who else writes there?"
        ) from error


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


def rows_of(shares: Sequence[Share]) -> list[Rows]:
    """Columns as they travel."""
    return [_rows(share) for share in shares if len(share.offsets)]


def _rows(share: Share) -> Rows:
    return Rows(
        share.epoch.number,
        share.key_id,
        share.offsets.astype("<i8", copy=False).tobytes(),
        share.times.astype("<i8", copy=False).tobytes(),
        share.pseudonyms.astype("<u8", copy=False).tobytes(),
        share.record_keys.astype("<u4", copy=False).tobytes(),
        share.places.astype("<i4", copy=False).tobytes(),
    )
