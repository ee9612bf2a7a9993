"""Slots: a small number for each pseudonym of an epoch, found for a whole fetch at once.

An open-addressing hash table on numpy columns. Pseudonyms are the output of a keyed hash, so their low bits serve as
they are. 24 bytes a device at half load, against about 150 for a dict of Python integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.sorting import distinct

_SMALLEST = 1 << 10
_EMPTY = -1


class SlotTable:
    """Numbers pseudonyms 0, 1, 2, ... as they come; a number is the device's row in all columns of its epoch."""

    def __init__(self, pseudonyms: NDArray[np.uint64] | None = None) -> None:
        """``pseudonyms``: uint64 (n,), distinct: those of slots 0 to n - 1, as :attr:`pseudonyms` gave them."""
        known = np.empty(0, np.uint64) if pseudonyms is None else pseudonyms
        self._by_slot = np.empty(max(_SMALLEST, len(known)), np.uint64)
        self._by_slot[: len(known)] = known
        self._count = len(known)
        self._rebuild()

    def __len__(self) -> int:
        return self._count

    @property
    def pseudonyms(self) -> NDArray[np.uint64]:
        """The pseudonym of each slot: uint64 (len,); a view that later calls may leave behind, but never change."""
        return self._by_slot[: self._count]

    def slots_of(self, pseudonyms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The slot of each pseudonym, new ones numbered: uint64 (n,) to int64 (n,)."""
        slots = self._find(pseudonyms)
        unknown = slots == _EMPTY
        if unknown.any():
            self._add(distinct(pseudonyms[unknown]))
            slots[unknown] = self._find(pseudonyms[unknown])
        return slots

    def _find(self, pseudonyms: NDArray[np.uint64]) -> NDArray[np.int64]:
        at = (pseudonyms & self._mask).astype(np.int64)
        slots: NDArray[np.int64] = self._table[at].astype(np.int64)
        astray = np.flatnonzero((slots != _EMPTY) & (self._by_slot[slots] != pseudonyms))
        while len(astray):
            at[astray] = (at[astray] + 1) & int(self._mask)
            slots[astray] = self._table[at[astray]]
            there = slots[astray]
            astray = astray[(there != _EMPTY) & (self._by_slot[there] != pseudonyms[astray])]
        return slots

    def _add(self, new: NDArray[np.uint64]) -> None:
        first, self._count = self._count, self._count + len(new)
        if self._count > len(self._by_slot):
            larger = np.empty(max(2 * len(self._by_slot), self._count), np.uint64)
            larger[:first] = self._by_slot[:first]
            self._by_slot = larger
        self._by_slot[first : self._count] = new
        if 2 * self._count > len(self._table):
            self._rebuild()
        else:
            self._place(np.arange(first, self._count, dtype=np.int32))

    def _rebuild(self) -> None:
        size = _SMALLEST
        while size < 3 * self._count:
            size *= 2
        self._table = np.full(size, _EMPTY, np.int32)
        self._mask = np.uint64(size - 1)
        self._place(np.arange(self._count, dtype=np.int32))

    def _place(self, slots: NDArray[np.int32]) -> None:
        """Give each slot a free place at or after its own; of several that want one place, one gets it a round."""
        at = (self._by_slot[slots] & self._mask).astype(np.int64)
        while len(slots):
            free = self._table[at] == _EMPTY
            self._table[at[free]] = slots[free]
            homeless = self._table[at] != slots
            slots, at = slots[homeless], (at[homeless] + 1) & int(self._mask)
