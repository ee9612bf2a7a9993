"""Epoch keys: made once by the first who needs one, held in memory, destroyed with the epoch (docs/privacy.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from anonymizer.pseudonyms import Pseudonymiser
from config.errors import KeyLostError
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


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    pseudonymiser: Pseudonymiser
    key: bytes
    epoch_end: int


class EpochKeys:
    """Gives a worker the pseudonymiser of an epoch, and makes the epoch's key if nobody has yet.

    ``max_age`` (ms): a key's time to live in the store beyond the later of its epoch's end and its making.
    ``now``: the wall clock in ms, passed in so that nothing here reads a clock.
    """

    def __init__(self, store: KeyStore, max_age: int, now: Callable[[], int]) -> None:
        self._store = store
        self._max_age = max_age
        self._now = now
        self._held: dict[str, _Held] = {}

    def pseudonymiser(self, epoch: Epoch) -> Pseudonymiser:
        """The pseudonymiser of this epoch; raises ``KeyStoreError`` if the store does not answer."""
        held = self._held.get(epoch.label)
        if held is None:
            ttl = max(epoch.end - self._now(), 0) + self._max_age
            key = self._store.put_if_absent(epoch.label, secrets.token_bytes(KEY_BYTES), ttl)
            held = self._held[epoch.label] = _Held(Pseudonymiser(key), key, epoch.end)
        return held.pseudonymiser

    def same(self, epoch: Epoch, key_id: str) -> Pseudonymiser:
        """The pseudonymiser under which this epoch's pseudonyms were made, known by its key's id.

        Raises ``KeyLostError`` if that key is gone: under another one every device would count a second time.
        ``KeyStoreError`` if the store does not answer.
        """
        held = self._held.get(epoch.label)
        if held is None and (key := self._store.get(epoch.label)) is not None:
            held = _Held(Pseudonymiser(key), key, epoch.end)
        if held is None or held.pseudonymiser.key_id != key_id:
            raise KeyLostError(
                f"the key of epoch {epoch.label} is lost: the key store was emptied or restarted. Its devices cannot "
                "be told from new ones, so going on would count them twice. Begin anew: set topics.checkpoints, "
                "topics.tallies and kafka.group to new names; events before now are then counted again from their log"
            )
        self._held[epoch.label] = held
        return held.pseudonymiser

    def keep(self) -> None:
        """Put the keys that this process holds back into the store if it has lost them.

        Raises ``KeyLostError`` if the store has another key for an epoch, ``KeyStoreError`` if it does not answer.
        """
        for label, held in list(self._held.items()):
            ttl = max(held.epoch_end - self._now(), 0) + self._max_age
            if self._store.put_if_absent(label, held.key, ttl) != held.key:
                raise KeyLostError(f"the key of epoch {label} was lost and another one made: devices would count twice")

    def drop(self, epoch: Epoch) -> None:
        """Forget the epoch's key in this process; the store still has it for shards that are behind."""
        self._held.pop(epoch.label, None)

    def destroy(self, epoch: Epoch) -> None:
        """Forget the epoch's key here and in the store: from now on nobody can link its pseudonyms to a person."""
        self.drop(epoch)
        self._store.destroy(epoch.label)

    def __repr__(self) -> str:
        return f"EpochKeys({sorted(self._held)})"
