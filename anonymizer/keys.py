"""Epoch keys: made once by the first who needs one, held in memory, destroyed with the epoch (docs/privacy.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from anonymizer.pseudonyms import Pseudonymiser, label_of
from config.errors import KeyMissingError
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


class Register(Protocol):
    """Which key of an epoch is in force: its first, or a later one because the earlier ones were lost.

    A key's label is the epoch's, with ``.1``, ``.2``, ... behind it if it is not the first.
    """

    def label(self, epoch: str) -> str:
        """The label of the key in force; raises ``KeyStoreError`` while that is not known."""

    def in_force(self, label: str) -> str | None:
        """The id of the key in force under this label; None if none is known yet."""

    def offer(self, label: str, key_id: str) -> None:
        """Offer a key to be in force, as long as none is known to be.

        Raises ``KeyStoreError`` if others may have offered one, too: then :meth:`in_force` says later whose it is.
        """

    def is_lost(self, label: str) -> bool:
        """Whether the key was given up."""

    def labels(self, epoch: str) -> list[str]:
        """The labels of all keys that the epoch has had."""


class FirstKeys:
    """The register of a single process whose store cannot lose a key."""

    def label(self, epoch: str) -> str:
        """The label of the only key."""
        return epoch

    def in_force(self, label: str) -> str | None:
        """The store alone decides."""
        return None

    def offer(self, label: str, key_id: str) -> None:
        """There are no others."""

    def is_lost(self, label: str) -> bool:
        """Never."""
        return False

    def labels(self, epoch: str) -> list[str]:
        """The label of the only key."""
        return [epoch]


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    pseudonymiser: Pseudonymiser
    key: bytes
    epoch: Epoch

    @property
    def key_id(self) -> str:
        return self.pseudonymiser.key_id


class EpochKeys:
    """Gives a worker the pseudonymiser of an epoch, and makes the epoch's key if nobody has yet.

    ``max_age`` (ms): a key's time to live in the store beyond the later of its epoch's end and its making.
    ``now``: the wall clock in ms, passed in so that nothing here reads a clock.
    """

    def __init__(self, store: KeyStore, max_age: int, now: Callable[[], int], register: Register | None = None) -> None:
        self._store = store
        self._max_age = max_age
        self._now = now
        self._register = FirstKeys() if register is None else register
        self._held: dict[str, _Held] = {}

    def pseudonymiser(self, epoch: Epoch) -> Pseudonymiser:
        """The pseudonymiser of this epoch.

        A key is in the store before it is offered, and nobody uses it before it is in force: who ends in between
        leaves nothing behind that others would wait for.

        Raises ``KeyStoreError`` if the store does not answer or the register is not up to date, ``KeyMissingError`` if
        a key is in force and the store does not have it.
        """
        label = self._register.label(epoch.label)
        in_force = self._register.in_force(label)
        held = self._held.get(label)
        if held is None:
            key: bytes | None
            if in_force is None:
                key = self._store.put_if_absent(label, secrets.token_bytes(KEY_BYTES), self._ttl(epoch))
            else:
                key = self._store.get(label)
            held = self._held[label] = self._holding(label, key, epoch)
        if in_force is None:
            self._register.offer(label, held.key_id)
        elif in_force != held.key_id:
            del self._held[label]
            raise _missing(label, "another one is in its place")
        return held.pseudonymiser

    def same(self, epoch: Epoch, key_id: str) -> Pseudonymiser:
        """The pseudonymiser under which this epoch's pseudonyms were made, known by its key's id.

        Raises ``KeyMissingError`` if that key is not there: under another one every device would count a second time.
        ``KeyStoreError`` if the store does not answer.
        """
        label = label_of(key_id)
        held = self._held.get(label)
        if held is None:
            held = self._holding(label, self._store.get(label), epoch)
        if held.key_id != key_id:
            raise _missing(label, "another one is in its place")
        self._held[label] = held
        return held.pseudonymiser

    def is_lost(self, key_id: str) -> bool:
        """Whether the key with this id was given up, so that what was made under it cannot go on."""
        return self._register.is_lost(label_of(key_id))

    def _holding(self, label: str, key: bytes | None, epoch: Epoch) -> _Held:
        if key is None:
            raise _missing(label, "it was emptied or restarted")
        return _Held(Pseudonymiser(key, label), key, epoch)

    def _ttl(self, epoch: Epoch) -> int:
        return max(epoch.end - self._now(), 0) + self._max_age

    def keep(self) -> None:
        """Put the keys in force that this process holds back into the store if it has lost them, or has others in their
        place, which nobody uses.

        Raises ``KeyStoreError`` if it does not answer.
        """
        for label, held in list(self._held.items()):
            if self._register.is_lost(label):
                continue
            there = self._store.put_if_absent(label, held.key, self._ttl(held.epoch))
            if there != held.key and self._register.in_force(label) == held.key_id:
                self._store.destroy(label)
                self._store.put_if_absent(label, held.key, self._ttl(held.epoch))

    def drop(self, epoch: Epoch) -> None:
        """Forget the epoch's keys in this process; the store still has them for shards that are behind."""
        for label in [label for label, held in self._held.items() if held.epoch == epoch]:
            del self._held[label]

    def destroy(self, epoch: Epoch) -> None:
        """Forget the epoch's keys here and in the store: from now on nobody can link its pseudonyms to a person."""
        self.drop(epoch)
        for label in self._register.labels(epoch.label):
            self._store.destroy(label)

    def __repr__(self) -> str:
        return f"EpochKeys({sorted(self._held)})"


def numbered(epoch: str, number: int) -> str:
    """The label of an epoch's key; ``number``: how many were lost before it."""
    return f"{epoch}.{number}" if number else epoch


def _missing(label: str, why: str) -> KeyMissingError:
    return KeyMissingError(
        label,
        f"the key {label} is not in the key store: {why}. A worker that holds it puts it back with its next "
        "checkpoint; if none does, the epoch ends early and its open windows are not released",
    )
