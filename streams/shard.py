"""A shard: all that one partition of events has become. Its state is a function of its records and the advances.

A shard runs without a broker: the crowd agent feeds it fetches and carries away what it closes, and so do ``batch``
and the tests.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.keys import EpochKeys
from config.errors import ContractError, KeyStoreError
from config.settings import Settings
from indicators.calendar import Calendar, Epoch
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd
from streams.decode import Decoder, Events, Rejected
from streams.epochs import OpenEpoch
from streams.fetch import Fetch
from streams.watermark import Watermark
from zones import Places

_FORMAT = 1


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


@dataclass(frozen=True, slots=True)
class ShardParts:
    """What all shards of a worker share."""

    decoder: Decoder
    places: Places
    calendar: Calendar
    keys: EpochKeys
    lateness: int
    linger: int
    k: int

    @classmethod
    def of(cls, settings: Settings, places: Places, keys: EpochKeys) -> ShardParts:
        """The parts that the settings describe."""
        return cls(
            Decoder(settings.events, places),
            places,
            Calendar.of(settings.time),
            keys,
            settings.time.lateness,
            settings.time.linger,
            settings.privacy.k,
        )

    @property
    def zones(self) -> list[int]:
        """For each layer, how many zones it has, ``outside`` included."""
        return [layer.outside + 1 for layer in self.places.layers]

    @property
    def fingerprint(self) -> str:
        """What published numbers depend on besides the records: the zones, the windows, the times and the threshold."""
        named = [self.places.fingerprint, repr(self.calendar), str(self.lateness), str(self.linger), str(self.k)]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()


class Shard:
    """One partition's events: decoded, ordered by event time, turned into visits and tallies."""

    def __init__(self, partition: int, parts: ShardParts, next_offset: int = 0) -> None:
        self.partition = partition
        self.next_offset = next_offset
        self.counted = next_offset
        self.verdicts = Verdicts()
        self.latest = -1
        self.moves = np.zeros(len(parts.places.layers), np.int64)
        self._parts = parts
        self._watermark = Watermark(parts.lateness)
        self._epochs: dict[int, OpenEpoch] = {}
        self._tallies: list[Tally] = []
        self._advances: list[tuple[int, int]] = []

    @property
    def watermark(self) -> int:
        """The shard's watermark, UTC ms."""
        return self._watermark.value

    @property
    def position(self) -> int:
        """The oldest offset that is still buffered; reading from here on brings everything back."""
        oldest = [epoch.oldest for epoch in self._epochs.values()]
        return min([self.next_offset, *(offset for offset in oldest if offset is not None)])

    @property
    def devices(self) -> int:
        """Devices in the state, over all open epochs."""
        return sum(len(epoch.crowd.slots) for epoch in self._epochs.values())

    def take(self, fetch: Fetch) -> list[tuple[Fetch, Taken]]:
        """Take the records of a fetch that begins at :attr:`next_offset`, and say what became of them.

        The fetch is cut where an advance lies in it, so there may be several parts. If an epoch's key cannot be had,
        what comes before it is taken all the same, and :attr:`next_offset` says how far it went; ``KeyStoreError`` is
        raised when that is nothing.
        """
        parts: list[tuple[Fetch, Taken]] = []
        while self.next_offset < fetch.end:
            self._apply_advances()
            cuts = [offset for offset, _ in self._advances if offset < fetch.end]
            if self.next_offset < self.counted < fetch.end:
                cuts.append(self.counted)
            part, fetch = (fetch.before(min(cuts)), fetch.since(min(cuts))) if cuts else (fetch, fetch)
            try:
                parts.append((part, self._take(part)))
            except KeyStoreError:
                if not parts:
                    raise
                break
        self._apply_advances()
        if any(epoch.is_due(self.watermark) for epoch in self._epochs.values()):
            self.settle()
        return parts

    def skip_to(self, offset: int) -> None:
        """Pass over offsets that the log no longer has; :meth:`take` goes on at ``offset``."""
        self.next_offset = offset
        self.counted = max(self.counted, offset)
        self._apply_advances()

    def _take(self, fetch: Fetch) -> Taken:
        events, rejected = self._parts.decoder.decode(fetch)
        mark = self._watermark.copy()
        late = mark.pass_over(events.times, fetch.timestamps[events.rows])
        on_time = events.only(~late) if late.any() else events
        self._buffer(fetch.offsets[on_time.rows], on_time)
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

    def _buffer(self, offsets: NDArray[np.int64], events: Events) -> None:
        """Hand events to their epochs; all keys are at hand before the first is changed."""
        shares: list[tuple[OpenEpoch, NDArray[np.int64], Events]] = []
        while len(events.times):
            epoch = self._parts.calendar.epoch_of(int(events.times[0]))
            inside = (events.times >= epoch.start) & (events.times < epoch.end)
            opened = self._opened(epoch)
            if inside.all():
                shares.append((opened, offsets, events))
                break
            shares.append((opened, offsets[inside], events.only(inside)))
            offsets, events = offsets[~inside], events.only(~inside)
        for opened, rows, share in shares:
            opened.add(rows, share)

    def _opened(self, epoch: Epoch) -> OpenEpoch:
        opened = self._epochs.get(epoch.number)
        if opened is None:
            parts = self._parts
            pseudonymiser = parts.keys.pseudonymiser(epoch)
            crowd = EpochCrowd(parts.calendar, epoch, parts.zones, parts.linger)
            opened = self._epochs[epoch.number] = OpenEpoch(crowd, pseudonymiser)
        return opened

    def advance(self, next_offset: int, watermark: int) -> bool:
        """Move up to ``watermark`` (ms) when the next offset is ``next_offset``; False if that has passed."""
        if next_offset < self.next_offset:
            return False
        self._advances.append((next_offset, watermark))
        if self._apply_advances():
            self.settle()
        return True

    def _apply_advances(self) -> bool:
        due = [watermark for offset, watermark in self._advances if offset <= self.next_offset]
        self._advances = [advance for advance in self._advances if advance[0] > self.next_offset]
        for watermark in due:
            self._watermark.advance(watermark)
        return bool(due)

    def settle(self) -> None:
        """Apply all that the watermark has reached; epochs that it has passed end, and their state is dropped."""
        zones = self._parts.places.zones
        for number, opened in sorted(self._epochs.items()):
            self._tallies += opened.settle(self.watermark, zones)
            if opened.crowd.is_over:
                self.moves += opened.crowd.visits.moves
                self._parts.keys.drop(opened.crowd.epoch)
                del self._epochs[number]

    def closed(self) -> list[Tally]:
        """Hand over the tallies of the windows that have closed since the last call, in order of their end."""
        tallies, self._tallies = self._tallies, []
        return tallies

    def snapshot(self) -> Writer:
        """A copy of the whole state at this instant, applied up to the watermark; encode it when it suits.

        Tallies that :meth:`closed` has not handed over are not in it: carry them away first.
        """
        self.settle()
        writer = Writer()
        writer.value("format", _FORMAT)
        writer.value("fingerprint", self._parts.fingerprint)
        writer.value("offsets", [self.position, self.counted])
        writer.value("watermark", [self._watermark.highest, self._watermark.frontier])
        writer.value("latest", self.latest)
        writer.value("advances", self._advances)
        counted = self.verdicts
        writer.value("verdicts", [counted.read, counted.accepted, counted.late, dict(counted.rejected)])
        writer.column("moves", self.moves)
        writer.value("epochs", list(self._epochs))
        for number, opened in self._epochs.items():
            inner = writer.under(f"epoch/{number}")
            inner.value("key", opened.key_id)
            opened.crowd.write(inner)
        return writer

    @classmethod
    def restored(cls, partition: int, parts: ShardParts, data: bytes) -> Shard:
        """The shard of a snapshot's bytes; feed it from its :attr:`next_offset` on.

        Records below ``counted`` only fill the buffer again: they are not counted and not rejected a second time.
        Raises ``KeyLostError`` if the key of an open epoch is gone, ``KeyStoreError`` if the store does not answer,
        ``ContractError`` if the snapshot was made by another version or under other settings.
        """
        reader = Reader(data)
        if reader.value("format") != _FORMAT or reader.value("fingerprint") != parts.fingerprint:
            raise ContractError(
                f"the snapshot of shard {partition} was made by another version of foule or under other zones, "
                "windows, times or another k: go back to those settings, or set topics.checkpoints and "
                "kafka.group to new names"
            )
        position, counted = reader.value("offsets")
        shard = cls(partition, parts, position)
        shard.counted = counted
        shard._watermark = Watermark(parts.lateness, *reader.value("watermark"))
        shard.latest = reader.value("latest")
        shard._advances = [(offset, mark) for offset, mark in reader.value("advances")]
        read, accepted, late, rejected = reader.value("verdicts")
        shard.verdicts = Verdicts(read, accepted, late, Counter(rejected))
        shard.moves = reader.column("moves")
        for number in reader.value("epochs"):
            inner = reader.under(f"epoch/{number}")
            crowd = EpochCrowd.restored(parts.calendar, parts.zones, parts.linger, inner)
            shard._epochs[number] = OpenEpoch(crowd, parts.keys.same(crowd.epoch, inner.value("key")))
        return shard
