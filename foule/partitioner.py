"""Kafka's default partitioner: which partition the records of a subscriber go to, whoever sends them."""

from collections.abc import Iterator, Sequence

import numpy as np
from kafka.partitioner.default import murmur2
from numpy.typing import NDArray

_REMEMBERED = 1 << 18


class Partitioner:
    """Assigns records to partitions by their keys, as every Kafka client does by default.

    A record without a key takes the next partition in turn, by its number among all records seen. What keys gave
    before is remembered for this object's life, and only for some hundred thousand of them.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._known: dict[bytes, int] = {}
        self._records = 0

    def of(self, keys: Sequence[bytes | None]) -> NDArray[np.int32]:
        """The partition of each record, (n,) int32, in the order in which the records are sent."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        known = self._known
        for key in set(keys).difference(known):
            if key is not None:
                known[key] = (murmur2(key) & 0x7FFFFFFF) % self.partitions
        first, self._records = self._records, self._records + len(keys)
        count = self.partitions
        found = [(first + row) % count if key is None else known[key] for row, key in enumerate(keys)]
        return np.array(found, dtype=np.int32)


def by_partition(partitions: NDArray[np.int32]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each partition that has records, and which: ascending rows, (m,) int64, of the (n,) int32 ``partitions``."""
    order = np.argsort(partitions, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(partitions[order])) + 1):
        if len(rows):
            yield int(partitions[rows[0]]), rows
