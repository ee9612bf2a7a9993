"""A seeded crowd for a run with faults: partitions of unequal rate, silences, records out of order and damaged ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foule.oracle.parameters import HOUR, MINUTE, SECOND
from foule.partitioner import Partitioner
from tests.damage import fuzz
from tests.generators import crowd

#: 28 June 2014, 22:00 in Paris; the epoch ends six hours later, and the next one within a day of that.
START = 1_403_985_600_000
SPAN = 28 * HOUR

CATALOGUE = crowd(1, events=1).universe.catalogue()
"""The cells as a CSV with a column for each layer of :data:`LAYERS`."""
LAYERS = ("spots", "towns")

_CELLS = 40
_BOUNDARY = 5 * MINUTE
_DAMAGED = 0.002
_LARGEST = 100_000  # bytes; a larger damaged record would be refused by the producer
_CHUNK = 5_000
_HOMES = (b"17", b"33", b"75", b"13", b"99")
_RATES = (0.36, 0.3, 0.2, 0.14)
#: The slowest partition falls idle and comes back; the one before it stops for good (shares of the span).
_SILENT = {3: (0.35, 0.6), 2: (0.85, 1.0)}
_DELAYS = np.array([0] * 30 + [SECOND, SECOND, 30 * SECOND, MINUTE, 119 * SECOND, 2 * MINUTE, 4 * MINUTE])


class Batch(NamedTuple):
    """Records in the order in which they are sent; ``due`` is (n,) float64, the share of the span at which each is
    due. Shows no personal data."""

    due: NDArray[np.float64]
    keys: list[bytes]
    values: list[bytes]

    def __repr__(self) -> str:
        return f"Batch({len(self.values)} records)"


class ChaosCrowd:
    """``events`` records over :data:`SPAN` of event time, the same for the same seed.

    One in fifty or so comes too late, one in 500 is damaged, and one in fifty lies on the end of a window or 1 ms off.
    Devices are of several countries and home areas, and one event in fifty is as if its SIM were another's.
    The partitions, four by default settings, have very different rates; which one is which is the seed's choice.
    """

    def __init__(self, seed: int, events: int, partitions: int = len(_RATES)) -> None:
        self.events = events
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._rates = np.resize(np.array(_RATES), partitions)
        self._silent = {rank: span for rank, span in _SILENT.items() if rank < partitions}
        self._devices = self._by_rank(max(500, events // 150), partitions)

    def _by_rank(self, devices: int, partitions: int) -> list[list[bytes]]:
        """The devices of each rank of rate: those whose key leads to one partition."""
        ids = [b"20801%010d" % number for number in range(devices * 2)]
        found = Partitioner(partitions).of(ids)
        order = self._rng.permutation(partitions)
        share = self._rates / self._rates.sum()
        by_rank = []
        for rank, partition in enumerate(order.tolist()):
            mine = [ids[row] for row in np.flatnonzero(found == partition).tolist()]
            by_rank.append(mine[: max(50, int(devices * share[rank]))])
        return by_rank

    def batches(self) -> Iterator[Batch]:
        """All records, in the order in which they are to be sent."""
        damaged = fuzz(self._seed, self.events, cell="c0", ts=START + HOUR)
        for first in range(0, self.events, _CHUNK):
            yield self._batch(first, min(_CHUNK, self.events - first), damaged)

    def _batch(self, first: int, count: int, damaged: Iterator[tuple[bytes | None, str | None]]) -> Batch:
        rng = self._rng
        due = (first + np.sort(rng.random(count)) * count) / self.events
        ts = START + (due * SPAN).astype(np.int64) - rng.choice(_DELAYS, count)
        near = (ts + _BOUNDARY // 2) // _BOUNDARY * _BOUNDARY + rng.choice(np.array([-1, 0, 0, 1]), count)
        ts = np.where((abs(near - ts) < 20 * SECOND) & (rng.random(count) < 0.2), near, ts)
        rank = self._ranks(due)
        choice = rng.random(count) ** 1.5  # some are seen often, most now and then
        step, way = rng.integers(0, 4, count).tolist(), (ts - START) // (2 * HOUR)
        unknown = rng.random(count) < 0.001
        keys, values = [], []
        for row, (at, moment) in enumerate(zip(rank.tolist(), ts.tolist(), strict=True)):
            devices = self._devices[at]
            number = int(choice[row] * len(devices))
            place = (number * 7 + step[row] + int(way[row])) % _CELLS
            name = "nowhere" if unknown[row] else f"c{place}"
            keys.append(devices[number])
            told = (moment, keys[row], name.encode(), _origin(number + (row % 50 == 0)))
            values.append(b'{"ts":%d,"subscriber":"%b","cell":"%b"%b}' % told)
        for row in np.flatnonzero(rng.random(count) < _DAMAGED).tolist():
            value = next(damaged)[0] or b""
            values[row] = value if len(value) <= _LARGEST else value[:_LARGEST]
        return Batch(due, keys, values)

    def _ranks(self, due: NDArray[np.float64]) -> NDArray[np.int64]:
        """Which rank of rate sends each record; what a silent one would have sent goes to the first."""
        share = np.cumsum(self._rates) / self._rates.sum()
        rank = np.searchsorted(share, self._rng.random(len(due)), side="right")
        for silent, (begin, end) in self._silent.items():
            rank[(rank == silent) & (due >= begin) & (due < end)] = 0
        return np.minimum(rank, len(self._rates) - 1)


def _origin(device: int) -> bytes:
    """What an event of a device says of where its SIM is from; if nothing, its IMSI tells the country."""
    if device % 8 == 0:
        return b',"mcc":262' if device % 16 else b',"mcc":"310"'
    return b"" if device % 8 == 1 else b',"mcc":208,"home":"%b"' % _HOMES[device % len(_HOMES)]
