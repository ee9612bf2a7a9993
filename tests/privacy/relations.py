"""What must hold between the counts of a day, whoever was where: the attacker's knowledge for bounds.

Every relation is ``x <= sum of some y``: distinct devices of a part are among those of the whole. With bounds on each
count, the counts that fit are closed under taking the larger of two of them place by place ("max-closed", Jeavons and
Cooper, "Tractable constraints on ordered domains", Artificial Intelligence 79, 1995). So one of them is the largest
everywhere, and is found by lowering upper bounds until nothing moves: that is exact, and in whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from indicators.counts import FLOWS, INDICATORS, ZONE_INDICATORS
from zones import Layer

Ints = NDArray[np.int64]

_MOVES = ("arrivals", "departures")


class Index:
    """Numbers every count of some windows: of a wide window and of the short ones within it, in all layers."""

    def __init__(self, layers: tuple[Layer, ...], shorts: int) -> None:
        """``shorts``: how many short windows; the wide one is number ``shorts``."""
        self.layers = layers
        self.windows = shorts + 1
        self._first: dict[tuple[str, str], int] = {}
        count = 0
        for layer in layers:
            size = layer.outside + 1
            for indicator in INDICATORS:
                self._first[layer.name, indicator] = count
                count += size * size if indicator == FLOWS else size
        self.per_window = count

    def __len__(self) -> int:
        return self.windows * self.per_window

    def cells(self, layer: Layer, indicator: str, window: int) -> Ints:
        """The numbers of all cells of an indicator in a window, in the order of the tables."""
        size = layer.outside + 1
        cells = size * size if indicator == FLOWS else size
        return np.arange(cells) + self._first[layer.name, indicator] + window * self.per_window

    def flows(self, layer: Layer, window: int) -> Ints:
        """The numbers of the flows, (zones + 1, zones + 1): from, to."""
        size = layer.outside + 1
        return self.cells(layer, FLOWS, window).reshape(size, size)


class Relations:
    """Relations ``x <= sum of y`` over the counts of an :class:`Index`, as columns."""

    def __init__(self, index: Index, places: NDArray[np.int32]) -> None:
        """``places``: int32 (n, layers), the zones of every place, as the cell catalogue has them."""
        self._index = index
        self._places = places
        self._left: list[int] = []
        self._right: list[Ints] = []
        wide = index.windows - 1
        for layer in index.layers:
            for window in range(index.windows):
                self._within_window(layer, window)
            for window in range(wide - 1):
                self._one_after_the_other(layer, window)
            for indicator in INDICATORS:
                shorts = np.array([index.cells(layer, indicator, window) for window in range(wide)])
                for cell, whole in enumerate(index.cells(layer, indicator, wide).tolist()):
                    self._add(whole, shorts[:, cell])
                    for part in shorts[:, cell].tolist():
                        self._add(part, np.array([whole]))
        for one in range(len(index.layers)):
            for other in range(len(index.layers)):
                if one != other:
                    for window in range(index.windows):
                        self._across(one, other, window)
        self.left = np.array(self._left, np.int64)
        lengths = np.array([len(right) for right in self._right])
        order = np.argsort(self.left, kind="stable")
        self.left = self.left[order]
        columns = np.concatenate([self._right[at] for at in order.tolist()])
        starts = np.concatenate([[0], np.cumsum(lengths[order])])
        self.right = csr_matrix((np.ones(len(columns)), columns, starts), (len(order), len(index)))
        self._firsts = np.flatnonzero(np.diff(self.left, prepend=-1))

    def _add(self, left: int, right: Iterable[int] | Ints) -> None:
        self._left.append(left)
        self._right.append(np.asarray(right, np.int64))

    def _within_window(self, layer: Layer, window: int) -> None:
        index = self._index
        flows = index.flows(layer, window)
        cells = {name: index.cells(layer, name, window) for name in ZONE_INDICATORS}
        for zone in range(layer.outside + 1):
            for name in ZONE_INDICATORS[1:]:
                self._add(cells[name][zone], [cells["presence"][zone]])
            others = np.arange(layer.outside + 1) != zone
            self._add(cells["departures"][zone], flows[zone][others])
            self._add(cells["arrivals"][zone], flows[others, zone])
            for to in np.flatnonzero(others).tolist():
                self._add(flows[zone, to], [cells["departures"][zone]])
                self._add(flows[zone, to], [cells["arrivals"][to]])

    def _one_after_the_other(self, layer: Layer, window: int) -> None:
        """Who is there was there before, or has come; who was there is there still, or had left."""
        index = self._index
        now, then = ({name: index.cells(layer, name, at) for name in ZONE_INDICATORS} for at in (window, window + 1))
        for zone in range(layer.outside + 1):
            presence = now["presence"][zone], then["presence"][zone]
            self._add(presence[1], [presence[0], then["arrivals"][zone], then["appeared"][zone]])
            self._add(presence[0], [presence[1], now["departures"][zone], now["vanished"][zone]])

    def _across(self, one: int, other: int, window: int) -> None:
        """Every place lies in a zone of each layer, so who is in a zone of one is in some zone of the other that shares
        a place with it; ``outside`` is a zone."""
        layer, second = self._index.layers[one], self._index.layers[other]
        shared: list[set[int]] = [set() for _ in range(layer.outside + 1)]
        back: list[set[int]] = [set() for _ in range(second.outside + 1)]
        for place in self._places.tolist():
            shared[place[one]].add(place[other])
            back[place[other]].add(place[one])
        index = self._index
        for name in ZONE_INDICATORS:
            cells, others = index.cells(layer, name, window), index.cells(second, name, window)
            for zone in range(layer.outside):
                only_here = all(back[there] == {zone} for there in shared[zone])
                if shared[zone] and (only_here or name not in _MOVES):
                    self._add(cells[zone], others[sorted(shared[zone])])
        flows, others = index.flows(layer, window), index.flows(second, window)
        for origin in range(layer.outside + 1):
            for to in range(layer.outside + 1):
                froms, tos = sorted(shared[origin]), sorted(shared[to])
                if origin != to and froms and tos and not shared[origin] & shared[to]:
                    self._add(flows[origin, to], others[np.ix_(froms, tos)].ravel())

    def largest(self, upper: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest counts that fit under ``upper``, (counts,) or (counts, m) for m systems side by side."""
        bounds = upper.copy()
        lefts = self.left[self._firsts]
        while True:
            sums = self.right @ bounds
            least = np.minimum.reduceat(sums, self._firsts, axis=0)
            lower = least < bounds[lefts]
            if not lower.any():
                return bounds
            bounds[lefts] = np.minimum(bounds[lefts], least)
