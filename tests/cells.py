"""Counts and keys for tests that need some: what was counted by hand, and what it is sealed and perturbed by."""

from collections.abc import Mapping

import numpy as np

from anonymizer.cipher import Cipher
from anonymizer.keys import DESTROYED, MemoryKeyStore
from anonymizer.perturbation import Perturbation
from anonymizer.pseudonyms import Pseudonymiser, label_of
from config.errors import FouleError
from indicators.counts import Counts
from streams.wire import TallyPart

KEY = bytes(range(32))
CIPHER = Cipher(KEY)


def key_id(label: str = "20140628") -> str:
    """The id of :data:`KEY` as the key of an epoch."""
    return Pseudonymiser(KEY, label).key_id


def counts_of(people: Mapping[int, int], keys: Mapping[int, int] | None = None) -> Counts:
    """Devices by cell, and the sums of their record keys (0 if not given)."""
    cells = sorted(people)
    sums = [(keys or {}).get(cell, 0) for cell in cells]
    return Counts(
        np.array(cells, np.int64), np.array([people[cell] for cell in cells], np.int64), np.array(sums, np.uint32)
    )


def opened(part: TallyPart, store: MemoryKeyStore) -> dict[str, Counts]:
    """The counts of a part, under the key that the store has."""
    return part.counts(Cipher(store.get(label_of(part.key)) or b""))


class KnownKeys(MemoryKeyStore):
    """A key store that remembers all keys by their labels, as ``known``, also when they are destroyed."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, bytes] = {}

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        found = super().put_if_absent(label, key, ttl_ms)
        if found != DESTROYED:
            self.known[label] = found
        return found


class KeptSecrets:
    """The secrets of :data:`KEY`, whatever epoch and id are asked for; ``lost``: ids of keys that were given up;
    ``error``: why there are none now."""

    def __init__(self, noise: int = 0) -> None:
        self.lost: set[str] = set()
        self.error: FouleError | None = None
        self._perturbation = Perturbation(KEY, noise)

    def of(self, start: int, key_id: str) -> tuple[Cipher, Perturbation]:
        if self.error is not None:
            raise self.error
        return CIPHER, self._perturbation

    def is_lost(self, key_id: str) -> bool:
        return key_id in self.lost
