"""What foule's own topics carry, as bytes: claims, tallies, seals and decisions on one log, advances on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec
import numpy as np

from anonymizer.cipher import Cipher
from config.errors import ContractError
from indicators.counts import Counts, Tally
from streams.watermark import BEGINNING

#: Cells of one tally record; 16 bytes each keep it under Kafka's default of 1 MB.
_CELLS = 50_000

#: The length of what is sealed is a multiple of this, so that it tells little about how many cells there are.
_BLOCK = 1_024


class Claim(msgspec.Struct, tag="claim", frozen=True):
    """From here on the shard belongs to the owner with this token, and what carries an older one is passed over."""

    settings: str
    shard: int
    token: int


class ReleaseClaim(msgspec.Struct, tag="release", frozen=True):
    """From here on whoever wrote this is the release agent; the claim's offset is its token."""

    settings: str


class TallyPart(msgspec.Struct, tag="tally", frozen=True):
    """Some of the raw counts of a window that a shard has closed, sealed under the key with the id ``key``.

    Absolute and final: the same part again changes nothing. ``settings``: fingerprint of the zones and times that the
    numbers rest on; ``sealed``: see :meth:`counts`.
    """

    settings: str
    token: int
    shard: int
    layer: int
    width: int
    start: int
    end: int
    part: int
    key: str
    sealed: bytes

    def counts(self, cipher: Cipher) -> dict[str, Counts]:
        """The counts by indicator; raises ``ContractError`` if they were sealed under another key, or as another part.

        Sealed are columns, little endian: cells int64, counts int32, sums of record keys uint32; and a filling up to a
        multiple of 1,024 bytes.
        """
        opened = cipher.open(self.sealed, self._context)
        columns = _decode_columns(opened.rstrip(b"\0")[:-1])
        return {
            indicator: Counts(
                np.frombuffer(cells, "<i8"),
                np.frombuffer(counts, "<i4").astype(np.int64),
                np.frombuffer(keys, "<u4"),
            )
            for indicator, (cells, counts, keys) in columns.items()
        }

    def sealing(self, counts: Mapping[str, Counts], cipher: Cipher) -> TallyPart:
        """The same with these counts sealed in it."""
        columns = {
            indicator: (
                some.cells.astype("<i8").tobytes(),
                some.counts.astype("<i4").tobytes(),
                some.keys.astype("<u4").tobytes(),
            )
            for indicator, some in counts.items()
        }
        data = msgspec.msgpack.encode(columns) + _END
        data += bytes(-len(data) % _BLOCK)
        return msgspec.structs.replace(self, sealed=cipher.seal(data, self._context))

    @property
    def _context(self) -> bytes:
        """What the sealed bytes are, so that none can be put in the place of others."""
        what = (self.settings, self.shard, self.layer, self.width, self.start, self.end, self.part, self.key)
        return b"tally\0" + "\0".join(map(str, what)).encode()


class Seal(msgspec.Struct, tag="seal", frozen=True):
    """All tallies of the shard's windows that end at or before ``watermark`` (UTC ms) are in the log before this.

    ``next_offset``: of the shard; ``at_end``: there was nothing more to read then; ``checkpointed``: watermark of the
    shard's last complete checkpoint, below which no key is needed any more (UTC ms).
    """

    settings: str
    token: int
    shard: int
    watermark: int
    next_offset: int
    at_end: bool
    checkpointed: int

    @property
    def partition(self) -> int:
        """Whose watermark it is: of the feed's partition with the shard's number."""
        return self.shard


class SourceSeal(msgspec.Struct, tag="source", frozen=True):
    """How far a source of a shuffled feed is; the fields are those of a :class:`Seal`. It vouches for nothing."""

    settings: str
    token: int
    source: int
    watermark: int
    next_offset: int
    at_end: bool
    checkpointed: int

    @property
    def partition(self) -> int:
        """Whose watermark it is: of the feed's partition with the source's number."""
        return self.source


class EarlyEnd(msgspec.Struct, tag="early", frozen=True):
    """The key of the shard's epoch was lost: what the shard knew at ``watermark`` (UTC ms) is gone, and it began anew.

    Windows that were open then hold the same devices under two pseudonyms: they are not released. ``until``: of a
    shuffled feed events up to here are gone, too (UTC ms); otherwise it is the watermark.
    """

    settings: str
    token: int
    shard: int
    watermark: int
    until: int


class SourceLoss(msgspec.Struct, tag="gone", frozen=True):
    """Events of a source from ``first`` (UTC ms) on were on their way when their key was lost.

    Sent again under the next key they are other shards': some may be missing, so the windows that they touch are not
    released. ``until``: no device is taken to be where such an event left it any more.
    """

    settings: str
    source: int
    first: int
    until: int


class EpochEnd(msgspec.Struct, tag="end", frozen=True):
    """The key of the epoch with this number is destroyed at the end of its time: its windows up to ``end`` (UTC ms)
    that are not decided by then never are. ``token``: of the release agent."""

    settings: str
    token: int
    number: int
    end: int


class Decision(msgspec.Struct, tag="decision", frozen=True):
    """The final bytes of a released window (``anonymizer.gate`` reads them), to be published when read back."""

    settings: str
    token: int
    layer: int
    width: int
    start: int
    end: int
    window: bytes


class Bookmark(msgspec.Struct, tag="bookmark", frozen=True):
    """Where a successor of the release agent goes on: at ``position`` of the log, knowing what is in here.

    ``claims``: for each shard (None: the release), its owner's token by the log before ``position``; ``marks``: for
    each (layer, width), the end up to which windows are decided; ``epochs``: the numbers of those whose keys live;
    ``losses``: what early ends mean for windows, see :class:`streams.losses.Loss`; ``spoilt``: windows, as (layer,
    width, start, end), that are not released for it and not passed by the marks; ``ended``: up to where (UTC ms) epochs
    have ended.
    """

    settings: str
    token: int
    position: int
    claims: list[tuple[int | None, int]]
    marks: list[tuple[int, int, int]]
    epochs: list[int]
    losses: list[tuple[int, int, int, int, int]] = []
    spoilt: list[tuple[int, int, int, int]] = []
    ended: int = BEGINNING


_END = b"\1"
_decode_columns: Callable[[bytes], dict[str, tuple[bytes, bytes, bytes]]] = msgspec.msgpack.Decoder(
    dict[str, tuple[bytes, bytes, bytes]]
).decode

Message = Claim | ReleaseClaim | TallyPart | Seal | SourceSeal | EarlyEnd | SourceLoss | EpochEnd | Decision | Bookmark

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Message] = msgspec.msgpack.Decoder(Message).decode


class Advance(msgspec.Struct, frozen=True):
    """When a shard's next offset is ``next``, its watermark moves up to ``watermark`` (UTC ms).

    ``token``: of the only owner who may follow it, or None. Another owner does not know whether the former one, whose
    tallies may be released, had gone on beyond ``next`` without it.
    """

    next: int
    watermark: int
    token: int | None = None


_encode_json = msgspec.json.Encoder().encode
_decode_advance = msgspec.json.Decoder(Advance).decode


def encode(message: Message) -> bytes:
    """A message of the tallies log."""
    return _encode(message)


def decode(data: bytes) -> Message:
    """The message of these bytes; raises ``ContractError`` if it is none."""
    try:
        return _decode(data)
    except msgspec.MsgspecError as error:
        raise ContractError(
            f"a record of the tallies topic cannot be read ({error}): who else writes there?"
        ) from error


def encode_advance(advance: Advance) -> bytes:
    """A record of the frontier topic, and of a shard's changelog."""
    return _encode_json(advance)


def decode_advance(data: bytes) -> Advance:
    """The advance of these bytes; raises ``ContractError`` if it is none."""
    try:
        return _decode_advance(data)
    except msgspec.MsgspecError as error:
        raise ContractError(
            f'an advance cannot be read ({error}); expected {{"next": OFFSET, "watermark": MS}}'
        ) from error


def parts_of(tally: Tally, shard: int, settings: str, token: int, cipher: Cipher) -> Iterator[TallyPart]:
    """The records of a shard's tally under its owner's token, each well below the largest record that Kafka takes."""
    window = (tally.layer, tally.width, tally.start, tally.end)
    for part, counts in enumerate(_cut(tally.counts)):
        yield TallyPart(settings, token, shard, *window, part, tally.key, b"").sealing(counts, cipher)


def _cut(counts: Mapping[str, Counts]) -> Iterator[dict[str, Counts]]:
    """The counts in groups of at most :data:`_CELLS` cells."""
    some: dict[str, Counts] = {}
    room = _CELLS
    for indicator, rest in counts.items():
        while len(rest.cells):
            some[indicator], rest = rest.where(slice(room)), rest.where(slice(room, None))
            room -= len(some[indicator].cells)
            if not room:
                yield some
                some, room = {}, _CELLS
    if some:
        yield some
