"""Pseudonyms and record keys: a keyed BLAKE2b of the subscriber id under the epoch's key, for a whole fetch at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 12
_PSEUDONYM_BYTES = 8


class Named(NamedTuple):
    """What stands for subscribers: uint64 ``pseudonyms``, uint32 ``record_keys``, (n,) each.

    A record key is the device's share of the keys of the cells in which it is counted (anonymizer.perturbation). It
    says nothing about the pseudonym of the same device, nor the other way round.
    """

    pseudonyms: NDArray[np.uint64]
    record_keys: NDArray[np.uint32]


class Pseudonymiser:
    """Replaces subscriber ids by pseudonyms under one key; the key cannot be read back from it or its ``repr``.

    The digest is BLAKE2b (RFC 7693, keyed mode) of 12 bytes; the first 8, little endian, are the pseudonym, the other 4
    the record key. Two of a million devices share a pseudonym with a probability of about 3 in 100 million (birthday
    bound n^2 / 2^65). ``key_id``, the key's ``label`` and a digest, tells keys apart and says nothing about them.
    """

    def __init__(self, key: bytes, label: str = "") -> None:
        self.key_id = f"{label}/" + hashlib.blake2b(key=key, digest_size=8, person=b"foule key id").hexdigest()
        self._keyed = hashlib.blake2b(key=key, digest_size=DIGEST_BYTES)

    def of(self, subscribers: Sequence[str]) -> Named:
        """What stands for ``subscribers`` (n ids)."""
        start = self._keyed.copy
        digests: list[bytes] = []
        add = digests.append
        for subscriber in subscribers:
            digest = start()
            digest.update(subscriber.encode())
            add(digest.digest())
        words = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES)
        pseudonyms = np.ascontiguousarray(words[:, :_PSEUDONYM_BYTES]).view("<u8").ravel()
        record_keys = np.ascontiguousarray(words[:, _PSEUDONYM_BYTES:]).view("<u4").ravel()
        return Named(pseudonyms.astype(np.uint64, copy=False), record_keys.astype(np.uint32, copy=False))

    def __repr__(self) -> str:
        return "Pseudonymiser(...)"


def label_of(key_id: str) -> str:
    """What the key with this id is called."""
    return key_id.rpartition("/")[0]
