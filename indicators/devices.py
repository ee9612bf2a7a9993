"""What is fixed of the devices of an epoch: by slot, their record keys and where they are from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indicators.counts import Counts


class Devices:
    """What is fixed of the devices of an epoch, a row a slot: uint32 ``record_keys`` and int16 ``origins``, (n,)
    each."""

    def __init__(self, record_keys: NDArray[np.uint32], origins: NDArray[np.int16]) -> None:
        self.record_keys = record_keys
        self.origins = origins

    def __len__(self) -> int:
        return len(self.record_keys)

    def count(self, slots: NDArray[np.int64], cells: NDArray[np.int64]) -> Counts:
        """The devices of each cell; ``slots``, ``cells``: int64 (n,), no pair twice."""
        return Counts.of_cells(cells, self.record_keys[slots])

    def by_origin(self, slots: NDArray[np.int64], cells: NDArray[np.int64], origins: int) -> NDArray[np.int64]:
        """Cells that tell the ``origins`` of the devices apart, as ``cell * origins + origin``: int64 (n,)."""
        return cells * origins + self.origins[slots].astype(np.int64)
