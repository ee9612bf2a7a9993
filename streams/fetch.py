"""A fetch: a run of records of one partition, as columns, with the offset range that it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

#: What a record without a Kafka timestamp has in its place.
NO_TIMESTAMP = -1

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fetch:
    """Records of a partition, in order.

    ``start``, ``end``: the covered offsets ``[start, end)``; offsets in it without a record (transaction markers,
    compaction) are no holes. ``values``: n raw values; ``timestamps``: int64 (n,) Kafka timestamps in ms, or
    :data:`NO_TIMESTAMP`; ``offsets``: int64 (n,); ``headers``: of the rows that have any.
    """

    partition: int
    start: int
    end: int
    values: list[bytes | None]
    timestamps: NDArray[np.int64]
    offsets: NDArray[np.int64]
    headers: Mapping[int, Headers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def before(self, offset: int) -> Fetch:
        """The part of the fetch below ``offset``, which lies in the range."""
        cut = int(np.searchsorted(self.offsets, offset))
        return self._rows(0, cut, self.start, offset)

    def since(self, offset: int) -> Fetch:
        """The part of the fetch from ``offset`` on, which lies in the range."""
        cut = int(np.searchsorted(self.offsets, offset))
        return self._rows(cut, len(self), offset, self.end)

    def _rows(self, first: int, last: int, start: int, end: int) -> Fetch:
        headers = {row - first: headers for row, headers in self.headers.items() if first <= row < last}
        return replace(
            self,
            start=start,
            end=end,
            values=self.values[first:last],
            timestamps=self.timestamps[first:last],
            offsets=self.offsets[first:last],
            headers=headers,
        )


def contiguous(partition: int, start: int, values: list[bytes | None], timestamps: NDArray[np.int64]) -> Fetch:
    """A fetch of records at the offsets ``start``, ``start + 1``, ..."""
    end = start + len(values)
    return Fetch(partition, start, end, values, timestamps, np.arange(start, end, dtype=np.int64))
