"""A window on the log that has not been decided: what the shards have counted in it, sealed until it is."""

from __future__ import annotations

from typing import Protocol

from anonymizer.cipher import Cipher
from anonymizer.perturbation import Perturbation
from anonymizer.pseudonyms import label_of
from indicators.calendar import Window
from indicators.counts import Counts
from streams.reports import Reports
from streams.wire import TallyPart


class Secrets(Protocol):
    """What follows from the keys of epochs, as far as this process may know them."""

    def of(self, start: int, key_id: str) -> tuple[Cipher, Perturbation]:
        """The cipher and the errors of the epoch of a window that begins at ``start`` (UTC ms), under this key.

        Raises ``EpochEndedError`` if the key is destroyed, ``KeyMissingError`` if it is not there, ``KeyStoreError``
        if the store does not answer.
        """

    def is_lost(self, key_id: str) -> bool:
        """Whether the key was given up."""


class OpenWindow:
    """The tallies of a window; a part that comes again takes the place of itself.

    ``first_offset``: of its first tally on the log.
    """

    def __init__(self, window: Window, offset: int) -> None:
        self.window = window
        self.first_offset = offset
        self._parts: dict[tuple[int, int], TallyPart] = {}

    def add(self, part: TallyPart) -> None:
        """Take a part of a shard's tally."""
        self._parts[part.shard, part.part] = part

    def forget(self, shard: int) -> None:
        """Forget what the shard has sent: a new owner will send it again."""
        self._parts = {key: part for key, part in self._parts.items() if key[0] != shard}

    def _reported(self, reports: Reports) -> list[TallyPart]:
        """The parts of the shards that have reported; of another, what is here may be half a tally."""
        parts = sorted(self._parts.items())
        return [part for (shard, _), part in parts if reports.has_reported(shard, self.window.end)]

    def keys(self, reports: Reports) -> list[str]:
        """The ids of the keys by which the shards that have reported tell devices apart, the newest last."""
        return sorted({part.key for part in self._reported(reports)}, key=lambda key: (len(label_of(key)), key))

    def opened(self, reports: Reports, secrets: Secrets) -> tuple[dict[str, Counts], Perturbation | None]:
        """Each indicator's sum over the shards that have reported, and the errors of its numbers, by the newest key.

        Without errors where there is nothing. Raises what ``secrets`` raise, and ``ContractError`` if a part cannot be
        opened.
        """
        known = {key: secrets.of(self.window.start, key) for key in self.keys(reports)}
        found: dict[str, list[Counts]] = {}
        for part in self._reported(reports):
            for indicator, counts in part.counts(known[part.key][0]).items():
                found.setdefault(indicator, []).append(counts)
        totals = {indicator: Counts.total(some) for indicator, some in found.items()}
        return totals, [perturbation for _, perturbation in known.values()][-1] if known else None
