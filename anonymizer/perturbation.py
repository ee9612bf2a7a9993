"""Perturbation: a small error that every published number has, always the same for the same devices in the same cell.

The method is that of cell keys (Marley and Leaver, "A method for confidentialising user-defined tables", ISI 2011):
each device has a random record key, a cell's key is the sum of those of its devices, and the error is a fixed function
of it. So who asks twice, or sees the same people in several windows, learns nothing from comparing or averaging; and
when one device comes or goes, the error is drawn anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

_SECRET_BYTES = 32
_DRAW_BYTES = 8


class Perturbation:
    """The errors of one epoch; neither its key nor an error can be read back from it or its ``repr``.

    An error is one of the whole numbers -``bound`` to ``bound``, each with probability 1 / (2 ``bound`` + 1): mean 0,
    variance ``bound`` (``bound`` + 1) / 3. It depends on the secret, which is derived from the epoch's ``key``, the
    cell's name and the cell's key, and on nothing else. No other distribution on these numbers hides the presence of
    one device as well and is bounded: any that is less flat makes some step of 1 likelier to be seen.
    """

    def __init__(self, key: bytes | bytearray, bound: int) -> None:
        """``bound``: the largest error, of either sign; 0 for none."""
        secret = hashlib.blake2b(key=key, digest_size=_SECRET_BYTES, person=b"foule noise").digest()
        self.bound = bound
        self._keyed = hashlib.blake2b(key=secret, digest_size=_DRAW_BYTES)

    def bounded(self, bound: int) -> Perturbation:
        """Errors by the same secret, with this bound."""
        other = copy(self)
        other.bound = bound
        return other

    def error(self, name: str, key: int) -> int:
        """The error of one cell: its ``name`` without the window, and its ``key``."""
        draw = self._keyed.copy()
        draw.update(key.to_bytes(4, "little") + name.encode())
        return int.from_bytes(draw.digest(), "little") % (2 * self.bound + 1) - self.bound

    def errors(self, names: Sequence[str], keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The errors of cells: ``names`` (n) without the window, uint32 ``keys`` (n,) to int64 (n,).

        BLAKE2b under the secret of the cell's key (4 bytes, little endian) and name, 8 bytes, little endian, modulo
        the number of errors: the deviation from equal probabilities is below 1 in 10^17.
        """
        start = self._keyed.copy
        draws = np.empty(len(names), np.uint64)
        for at, (name, key) in enumerate(zip(names, keys.tolist(), strict=True)):
            draw = start()
            draw.update(key.to_bytes(4, "little") + name.encode())
            draws[at] = int.from_bytes(draw.digest(), "little")
        return (draws % np.uint64(2 * self.bound + 1)).astype(np.int64) - self.bound

    def __repr__(self) -> str:
        return f"Perturbation(..., bound={self.bound})"
