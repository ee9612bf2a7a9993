"""Epoch keys: made once by the first who needs one, held in memory, destroyed with the epoch (docs/privacy.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from anonymizer.cipher import Cipher
from anonymizer.perturbation import Perturbation
from anonymizer.pseudonyms import Pseudonymiser, label_of
from config.errors import EpochEndedError, KeyMissingError
from indicators.calendar import Epoch

KEY_BYTES = 32

#: What a key store has in place of a key that was destroyed.
DESTROYED = b""


class KeyStore(Protocol):
    """Where the workers of one group share the key of an epoch: memory only, never a disk.

    Every method raises ``KeyStoreError`` when the store does not answer; no message holds a key.
    """

    def get(self, label: str) -> bytes | None:
        """The key with this label, or None; :data:`DESTROYED` if it was destroyed."""

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep ``key`` for ``ttl_ms`` unless there is one; return what is then there, as :meth:`get` does."""

    def replace(self, label: str, key: bytes, ttl_ms: int) -> None:
        """Keep ``key`` for ``ttl_ms``, whatever is there."""

    def destroy(self, label: str, ttl_ms: int) -> None:
        """Forget the key, and for ``ttl_ms`` take none under this label from a worker that has not heard of it."""


class MemoryKeyStore:
    """A key store for one process: a batch run, a trial, a test. Its keys end with the process."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}

    def get(self, label: str) -> bytes | None:
        """The key with this label, or None; :data:`DESTROYED` if it was destroyed."""
        return self._keys.get(label)

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep ``key`` unless there is one; the time to live is the process's own."""
        return self._keys.setdefault(label, key)

    def replace(self, label: str, key: bytes, ttl_ms: int) -> None:
        """Keep ``key``, whatever is there."""
        self._keys[label] = key

    def destroy(self, label: str, ttl_ms: int) -> None:
        """Forget the key, and take none under this label."""
        self._keys[label] = DESTROYED

    def __repr__(self) -> str:
        return f"MemoryKeyStore({sum(key != DESTROYED for key in self._keys.values())} keys)"


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

    def is_ended(self, epoch: str) -> bool:
        """Whether the keys of the epoch are destroyed."""

    def made_at(self, label: str) -> int | None:
        """When the key in force was made (wall clock, ms), or None if none is known yet."""

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

    def is_ended(self, epoch: str) -> bool:
        """The store alone knows."""
        return False

    def made_at(self, label: str) -> int | None:
        """Not known: its life is the process's."""
        return None

    def labels(self, epoch: str) -> list[str]:
        """The label of the only key."""
        return [epoch]


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    pseudonymiser: Pseudonymiser
    cipher: Cipher
    perturbation: Perturbation
    key: bytearray
    epoch: Epoch

    @property
    def key_id(self) -> str:
        return self.pseudonymiser.key_id

    def wipe(self) -> None:
        """Overwrite the key; what hash and cipher have made of it is freed with their last user (docs/privacy.md)."""
        self.key[:] = bytes(len(self.key))


class EpochKeys:
    """Gives a worker the pseudonymiser of an epoch, and makes the epoch's key if nobody has yet.

    ``max_age`` (ms): how long a key lives at most beyond the later of its epoch's end and its making.
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

        Raises ``EpochEndedError`` if the epoch's key is destroyed, ``KeyStoreError`` if the store does not answer or
        the register is not up to date, ``KeyMissingError`` if a key is in force and the store does not have it.
        """
        label = self._register.label(epoch.label)
        if self.is_ended(epoch):
            raise EpochEndedError(epoch.label, epoch.end)
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
            self._forget(label)
            raise _missing(label, "another one is in its place")
        return held.pseudonymiser

    def same(self, epoch: Epoch, key_id: str) -> Pseudonymiser:
        """The pseudonymiser under which this epoch's pseudonyms were made, known by its key's id.

        Raises ``KeyMissingError`` if that key is not there: under another one every device would count a second time.
        ``EpochEndedError`` if it is destroyed, ``KeyStoreError`` if the store does not answer.
        """
        return self._same(epoch, key_id).pseudonymiser

    def cipher(self, epoch: Epoch, key_id: str) -> Cipher:
        """The cipher for what of this epoch lies on a disk, known by its key's id; raises what :meth:`same` raises."""
        return self._same(epoch, key_id).cipher

    def perturbation(self, epoch: Epoch, key_id: str, bound: int) -> Perturbation:
        """The errors of this epoch's numbers, at most ``bound``; raises what :meth:`same` raises."""
        return self._same(epoch, key_id).perturbation.bounded(bound)

    def _same(self, epoch: Epoch, key_id: str) -> _Held:
        label = label_of(key_id)
        if self.is_ended(epoch):
            raise EpochEndedError(epoch.label, epoch.end)
        held = self._held.get(label)
        if held is None:
            held = self._holding(label, self._store.get(label), epoch)
        if held.key_id != key_id:
            raise _missing(label, "another one is in its place")
        self._held[label] = held
        return held

    def is_lost(self, key_id: str) -> bool:
        """Whether the key with this id was given up, so that what was made under it cannot go on."""
        return self._register.is_lost(label_of(key_id))

    def is_ended(self, epoch: Epoch) -> bool:
        """Whether the epoch's key is destroyed, or has outlived its time and is about to be."""
        return self._register.is_ended(epoch.label) or self._now() >= self.deadline(epoch)

    def deadline(self, epoch: Epoch) -> int:
        """Until when the epoch's key may live at most (ms): ``max_age`` after the later of its end and its making."""
        made = [self._register.made_at(label) for label in self._register.labels(epoch.label)]
        made_at = next((at for at in reversed(made) if at is not None), self._now())
        return max(epoch.end, made_at) + self._max_age

    def _holding(self, label: str, key: bytes | None, epoch: Epoch) -> _Held:
        if key == DESTROYED:
            raise EpochEndedError(epoch.label, epoch.end)
        if key is None:
            raise _missing(label, "it was emptied or restarted")
        return _Held(Pseudonymiser(key, label), Cipher(key), Perturbation(key, 0), bytearray(key), epoch)

    def _ttl(self, epoch: Epoch) -> int:
        return max(1, self.deadline(epoch) - self._now())

    def keep(self) -> None:
        """Put the keys in force that this process holds back into the store if it has lost them, or has others in their
        place, which nobody uses. Keys that are destroyed are forgotten here, too; until then each process holds those
        that it has used, also of epochs that it is past: a window may wait to be released.

        Raises ``KeyStoreError`` if it does not answer.
        """
        for label, held in list(self._held.items()):
            if self.is_ended(held.epoch):
                self._forget(label)
            elif not self._register.is_lost(label):
                self._put_back(label, held)

    def _put_back(self, label: str, held: _Held) -> None:
        key = bytes(held.key)
        if self._held.get(label) is not held:
            return  # another thread has forgotten it, and may have overwritten what was copied
        there = self._store.put_if_absent(label, key, self._ttl(held.epoch))
        if there == DESTROYED:
            self._forget(label)
        elif there != key and self._register.in_force(label) == held.key_id:
            self._store.replace(label, key, self._ttl(held.epoch))

    def destroy(self, epoch: Epoch) -> None:
        """Forget the epoch's keys here and in the store, for good: nobody can link its pseudonyms to a person any more.

        Raises ``KeyStoreError`` if the store does not answer.
        """
        for label in [label for label, held in self._held.items() if held.epoch == epoch]:
            self._forget(label)
        for label in self._register.labels(epoch.label):
            self._store.destroy(label, self._max_age)

    def _forget(self, label: str) -> None:
        held = self._held.pop(label, None)  # first, so that who finds it there has a key that is whole
        if held is not None:
            held.wipe()

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
