"""The intake: the records of one partition of the feed, decoded, judged, counted and pseudonymised.

What is late depends on the order of the records in their partition and on the advances alone, never on how fetches
were cut. The subscriber ids end here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.cipher import Cipher
from anonymizer.keys import EpochKeys
from anonymizer.pseudonyms import Pseudonymiser
from config.errors import EpochEndedError, KeyStoreError
from indicators.calendar import Epoch
from indicators.columns import Reader, Writer
from streams.decode import Events, Rejected
from streams.fetch import Fetch
from streams.parts import ShardParts
from streams.watermark import Watermark


@dataclass(slots=True)
class Verdicts:
    """How many records of each kind were read: ``read = accepted + late + sum(rejected)``, always."""

    read: int = 0
    accepted: int = 0
    late: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: Verdicts) -> None:
        """Count the other's records too."""
        self.read += other.read
        self.accepted += other.accepted
        self.late += other.late
        self.rejected.update(other.rejected)


class Taken(NamedTuple):
    """What became of a fetch: how many records of each kind, and the rejected ones for the dead-letter topic."""

    verdicts: Verdicts
    rejected: list[Rejected]


class Share(NamedTuple):
    """Accepted events of one epoch, pseudonymised under the key ``key_id``: int64 ``offsets``, int64 ``times`` (ms),
    uint64 ``pseudonyms``, uint32 ``record_keys``, int32 ``places``, int16 ``origins``, (n,) each. ``cipher``: for what
    of them lies on a disk."""

    epoch: Epoch
    key_id: str
    cipher: Cipher
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    pseudonyms: NDArray[np.uint64]
    record_keys: NDArray[np.uint32]
    places: NDArray[np.int32]
    origins: NDArray[np.int16]

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Share:
        """The events where ``which``, bool (n,), holds; or at the rows ``which``, int64 (m,)."""
        return Share(
            self.epoch,
            self.key_id,
            self.cipher,
            self.offsets[which],
            self.times[which],
            self.pseudonyms[which],
            self.record_keys[which],
            self.places[which],
            self.origins[which],
        )


class _Named(NamedTuple):
    epoch: Epoch
    pseudonymiser: Pseudonymiser
    cipher: Cipher

    @classmethod
    def of(cls, keys: EpochKeys, epoch: Epoch, pseudonymiser: Pseudonymiser) -> _Named:
        return cls(epoch, pseudonymiser, keys.cipher(epoch, pseudonymiser.key_id))


class Intake:
    """What reading one partition leaves, besides its accepted events: offsets, counts, the watermark, advances to come.

    ``next_offset``: of the next record; ``counted``: below it no counter moves; ``latest``: the highest event time that
    was accepted (ms), -1 without any.
    """

    def __init__(self, parts: ShardParts, next_offset: int = 0) -> None:
        self.next_offset = next_offset
        self.counted = next_offset
        self.verdicts = Verdicts()
        self.latest = -1
        self._parts = parts
        self._watermark = Watermark(parts.lateness)
        self._advances: list[tuple[int, int]] = []
        self._keys: dict[int, _Named] = {}

    @property
    def watermark(self) -> int:
        """The partition's watermark, UTC ms."""
        return self._watermark.value

    def take(self, fetch: Fetch, keep: Callable[[Share], None]) -> list[tuple[Fetch, Taken]]:
        """Take the records of a fetch that begins at :attr:`next_offset`, and say what became of them.

        ``keep`` is given what is accepted. The fetch is cut where an advance lies in it, so there may be several parts.
        If an epoch's key cannot be had, what comes before it is taken all the same, and :attr:`next_offset` says how
        far it went; ``KeyStoreError`` is raised when that is nothing;
        ``EpochEndedError`` if the key is destroyed.
        """
        parts: list[tuple[Fetch, Taken]] = []
        while self.next_offset < fetch.end:
            self._apply_advances()
            cuts = [offset for offset, _ in self._advances if offset < fetch.end]
            if self.next_offset < self.counted < fetch.end:
                cuts.append(self.counted)
            part, fetch = (fetch.before(min(cuts)), fetch.since(min(cuts))) if cuts else (fetch, fetch)
            try:
                parts.append((part, self._take(part, keep)))
            except (KeyStoreError, EpochEndedError):
                if not parts:
                    raise
                break
        self._apply_advances()
        return parts

    def _take(self, fetch: Fetch, keep: Callable[[Share], None]) -> Taken:
        events, rejected = self._parts.decoder.decode(fetch)
        mark = self._watermark.copy()
        late = mark.pass_over(events.times, fetch.timestamps[events.rows])
        on_time = events.only(~late) if late.any() else events
        for share in self._shares(fetch.offsets[on_time.rows], on_time):
            keep(share)
        self.latest = int(on_time.times.max(initial=self.latest))
        self._watermark = mark
        again = self.next_offset < self.counted
        self.next_offset = fetch.end
        if again:
            return Taken(Verdicts(), [])
        self.counted = fetch.end
        reasons = Counter(reason for _, reason in rejected)
        verdicts = Verdicts(len(fetch), len(on_time.rows), len(late) - len(on_time.rows), reasons)
        self.verdicts.add(verdicts)
        return Taken(verdicts, rejected)

    def _shares(self, offsets: NDArray[np.int64], events: Events) -> list[Share]:
        """The events by epoch, pseudonymised; all keys are at hand before the first is handed on."""
        parts: list[tuple[_Named, NDArray[np.int64], Events]] = []
        while len(events.times):
            epoch = self._parts.calendar.epoch_of(int(events.times[0]))
            inside = (events.times >= epoch.start) & (events.times < epoch.end)
            try:
                named = self._named(epoch)
            except EpochEndedError:
                if self.next_offset >= self.counted:
                    raise
                # what waited when its key was destroyed is gone; the shard has said so
                offsets, events = offsets[~inside], events.only(~inside)
                continue
            if inside.all():
                parts.append((named, offsets, events))
                break
            parts.append((named, offsets[inside], events.only(inside)))
            offsets, events = offsets[~inside], events.only(~inside)
        return [
            Share(epoch, name.key_id, cipher, rows, part.times, *name.of(part.subscribers), part.places, part.origins)
            for (epoch, name, cipher), rows, part in parts
        ]

    def _named(self, epoch: Epoch) -> _Named:
        named = self._keys.get(epoch.number)
        if named is None:
            keys = self._parts.keys
            named = self._keys[epoch.number] = _Named.of(keys, epoch, keys.pseudonymiser(epoch))
        return named

    @property
    def keys(self) -> dict[Epoch, str]:
        """The ids of the keys of the epochs that go on."""
        return {named.epoch: named.pseudonymiser.key_id for named in self._keys.values()}

    def forget_ended_epochs(self) -> None:
        """Let go of the keys of epochs that the watermark has passed."""
        over = [number for number, named in self._keys.items() if named.epoch.end <= self.watermark]
        for number in over:
            del self._keys[number]

    def skip_to(self, offset: int) -> None:
        """Pass over offsets that the log no longer has; :meth:`take` goes on at ``offset``."""
        self.next_offset = offset
        self.counted = max(self.counted, offset)
        self._apply_advances()

    def advance(self, next_offset: int, watermark: int) -> bool:
        """Move up to ``watermark`` (ms) when the next offset is ``next_offset``; False if that has passed."""
        if next_offset < self.next_offset:
            return False
        self._advances.append((next_offset, watermark))
        self._apply_advances()
        return True

    def _apply_advances(self) -> None:
        due = [watermark for offset, watermark in self._advances if offset <= self.next_offset]
        self._advances = [advance for advance in self._advances if advance[0] > self.next_offset]
        for watermark in due:
            self._watermark.advance(watermark)

    def write(self, writer: Writer) -> None:
        """Put all but the offsets and the keys into a snapshot."""
        writer.value("watermark", [self._watermark.highest, self._watermark.frontier])
        writer.value("latest", self.latest)
        writer.value("advances", self._advances)
        counted = self.verdicts
        writer.value("verdicts", [counted.read, counted.accepted, counted.late, dict(counted.rejected)])

    @classmethod
    def restored(
        cls, parts: ShardParts, reader: Reader, position: int, counted: int, keys: Mapping[Epoch, str]
    ) -> Intake:
        """The intake of a snapshot, to be fed from ``position`` on. ``keys``: the ids of the open epochs' keys; those
        that are destroyed are not asked for.

        Raises ``KeyMissingError`` if the store does not have such a key, ``KeyStoreError`` if it does not answer.
        """
        intake = cls(parts, position)
        intake.counted = counted
        intake._watermark = Watermark(parts.lateness, *reader.value("watermark"))
        intake.latest = reader.value("latest")
        intake._advances = [(offset, mark) for offset, mark in reader.value("advances")]
        read, accepted, late, rejected = reader.value("verdicts")
        intake.verdicts = Verdicts(read, accepted, late, Counter(rejected))
        for epoch, key_id in keys.items():
            if parts.keys.is_ended(epoch):
                continue
            intake._keys[epoch.number] = _Named.of(parts.keys, epoch, parts.keys.same(epoch, key_id))
        return intake
