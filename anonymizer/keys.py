"""Epoch keys: made once by the first who needs one, held in memory, destroyed with the epoch (docs/privacy.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from anonymizer.pseudonyms import Pseudonymiser
from indicators.calendar import Epoch

KEY_BYTES = 32


class KeyStore(Protocol):
    """Where the workers of one group share the key of an epoch: memory only, never a disk.

    Every method raises ``KeyStoreError`` when the store does not answer; no message holds a key.
    """

    def get(self, epoch: str) -> bytes | None:
        """The key in force for the epoch with this label, or None."""

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep ``key`` for ``ttl_ms`` unless the epoch has one; return the key that is then in force."""

    def destroy(self, epoch: str) -> None:
        """Forget the epoch's key; nothing happens if there is none."""


class MemoryKeyStore:
    """A key store for one process: a batch run, a trial, a test. Its keys end with the process."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}

    def get(self, epoch: str) -> bytes | None:
        """The key in force for the epoch with this label, or None."""
        return self._keys.get(epoch)

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep ``key`` unless the epoch has one; the time to live is the process's own."""
        return self._keys.setdefault(epoch, key)

    def destroy(self, epoch: str) -> None:
        """Forget the epoch's key."""
        self._keys.pop(epoch, None)

    def __repr__(self) -> str:
        return f"MemoryKeyStore({len(self._keys)} keys)"


class EpochKeys:
    """Gives a worker the pseudonymiser of an epoch, and makes the epoch's key if nobody has yet.

    ``max_age`` (ms): a key's time to live in the store beyond the later of its epoch's end and its making.
    ``now``: the wall clock in ms, passed in so that nothing here reads a clock.
    """

    def __init__(self, store: KeyStore, max_age: int, now: Callable[[], int]) -> None:
        self._store = store
        self._max_age = max_age
        self._now = now
        self._known: dict[str, Pseudonymiser] = {}

    def pseudonymiser(self, epoch: Epoch) -> Pseudonymiser:
        """The pseudonymiser of this epoch; raises ``KeyStoreError`` if the store does not answer."""
        known = self._known.get(epoch.label)
        if known is None:
            ttl = max(epoch.end - self._now(), 0) + self._max_age
            key = self._store.put_if_absent(epoch.label, secrets.token_bytes(KEY_BYTES), ttl)
            known = self._known[epoch.label] = Pseudonymiser(key)
        return known

    def drop(self, epoch: Epoch) -> None:
        """Forget the epoch's key in this process; the store still has it for shards that are behind."""
        self._known.pop(epoch.label, None)

    def destroy(self, epoch: Epoch) -> None:
        """Forget the epoch's key here and in the store: from now on nobody can link its pseudonyms to a person."""
        self.drop(epoch)
        self._store.destroy(epoch.label)

    def __repr__(self) -> str:
        return f"EpochKeys({sorted(self._known)})"
