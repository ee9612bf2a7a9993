"""What the shards and the sources of a worker share: the settings' parts, and the fingerprint that names them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from anonymizer.cipher import Cipher
from anonymizer.gate import Gate
from anonymizer.keys import EpochKeys
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from config.errors import ContractError
from config.settings import Settings
from indicators.calendar import Calendar
from indicators.columns import Reader, Writer
from streams.counting import Counting
from streams.decode import Decoder
from streams.machines import Machines
from zones import Places

_FORMAT = 4


class WindowSecrets(NamedTuple):
    """What follows from the epochs' keys for windows. Implements ``streams.open_window.Secrets``."""

    keys: EpochKeys
    calendar: Calendar
    bound: int

    def of(self, start: int, key_id: str) -> tuple[Cipher, Perturbation]:
        """The cipher and the errors of the epoch of a window that begins at ``start`` (UTC ms), under this key.

        Raises ``EpochEndedError`` if the key is destroyed, ``KeyMissingError`` if it is not there, ``KeyStoreError``
        if the store does not answer.
        """
        epoch = self.calendar.epoch_of(start)
        return self.keys.cipher(epoch, key_id), self.keys.perturbation(epoch, key_id, self.bound)

    def is_lost(self, key_id: str) -> bool:
        """Whether the key was given up."""
        return self.keys.is_lost(key_id)


@dataclass(frozen=True, slots=True)
class ShardParts:
    """What all shards of a worker share, and all sources; ``shuffled``: the feed is not keyed by subscriber."""

    decoder: Decoder
    places: Places
    calendar: Calendar
    keys: EpochKeys
    lateness: int
    linger: int
    threshold: Threshold
    counting: Counting
    partitions: int = 1
    shuffled: bool = False

    @classmethod
    def of(cls, settings: Settings, places: Places, keys: EpochKeys) -> ShardParts:
        """The parts that the settings describe; raises ``SettingsError`` if a table that they name cannot be used."""
        counting = Counting.of(settings, places.layers)
        return cls(
            Decoder(settings.events, places, counting.origins, Machines.of(settings.events)),
            places,
            Calendar.of(settings.time),
            keys,
            settings.time.lateness,
            settings.time.linger,
            Threshold(settings.privacy.k, settings.privacy.noise),
            counting,
            settings.topics.partitions,
            settings.events.shuffle,
        )

    @property
    def zones(self) -> list[int]:
        """For each layer, how many zones it has, ``outside`` included."""
        return [layer.outside + 1 for layer in self.places.layers]

    @property
    def gate(self) -> Gate:
        """What decides what is published."""
        return Gate(self.threshold, self.places.layers, self.counting.cells)

    @property
    def secrets(self) -> WindowSecrets:
        """What follows from the epochs' keys for windows."""
        return WindowSecrets(self.keys, self.calendar, self.threshold.bound)

    @property
    def fingerprint(self) -> str:
        """What published numbers depend on besides the records and the keys: the zones, the windows, the times, the
        threshold, the bound of errors, what is counted by which rules, and what the numbers of origins mean."""
        named = [
            self.places.fingerprint,
            repr(self.calendar),
            str(self.lateness),
            str(self.linger),
            repr(self.threshold),
            str(self.counting.plan),
        ]
        if self.shuffled:
            named.append(f"shuffled over {self.partitions}")
        if self.counting.origins is not None:
            named.append(self.counting.origins.fingerprint)
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def begun_snapshot(self, part: str) -> Writer:
        """A snapshot of ``part`` that says by which format and under which settings it is made, and no more yet."""
        writer = Writer(part)
        writer.value("format", _FORMAT)
        writer.value("fingerprint", self.fingerprint)
        return writer

    def opened_snapshot(self, data: bytes, part: str) -> Reader:
        """The snapshot of ``part`` in these bytes; raises ``ContractError`` if its format or fingerprint is another."""
        reader = Reader(data, part)
        if reader.value("format") != _FORMAT or reader.value("fingerprint") != self.fingerprint:
            raise self._refusal(part)
        return reader

    def _refusal(self, part: str) -> ContractError:
        """The error for a snapshot of ``part`` whose format or fingerprint is another.

        All logs that carry tokens get new names: tokens are offsets of changelogs, and begin anew with them.
        """
        shuffled = ", topics.sources, topics.shuffled" if self.shuffled else ""
        return ContractError(
            f"the snapshot of {part} was made by another version of foule or under other zones, windows, times"
            f"{', partitions' * self.shuffled} or another k or noise: go back to those. Or begin anew with the next "
            f"epoch: stop all workers, set topics.checkpoints, topics.tallies{shuffled} to new names and "
            "events.not_before to that epoch's start, so that no window is counted twice, and make the topics with: "
            "foule topics"
        )
