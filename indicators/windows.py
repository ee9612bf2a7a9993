"""Open windows: which devices did what since the window began, counted once each when it closes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indicators.calendar import Window
from indicators.columns import Reader, Writer
from indicators.counts import FLOWS, Counts, Tally
from indicators.sorting import distinct
from indicators.visits import Changes, Visits

_COMPACT_AT = 1 << 16
_MOVES = ("arrivals", "departures", FLOWS)
_EDGES = ("appeared", "vanished")
_KINDS = (*_MOVES, *_EDGES)


class Distinct:
    """A set of (device, cell) pairs that grows by columns; its count of a cell is the cell's distinct devices."""

    def __init__(self, cells: int) -> None:
        """``cells``: how many cells there are; a pair is kept as ``slot * cells + cell`` in 8 bytes."""
        self._cells = cells
        self._pairs = np.empty(0, np.int64)
        self._pending: list[NDArray[np.int64]] = []
        self._waiting = 0

    def add(self, slots: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
        """Add pairs: int64 (n,) slots and int64 (n,) cells, in any order, repeats allowed."""
        if len(slots):
            self._pending.append(slots * self._cells + cells)
            self._waiting += len(slots)
            if self._waiting > max(_COMPACT_AT, len(self._pairs)):
                self._compact()

    def _compact(self) -> None:
        if self._pending:
            self._pairs = distinct(np.concatenate([self._pairs, *self._pending]))
            self._pending.clear()
            self._waiting = 0

    @property
    def pairs(self) -> NDArray[np.int64]:
        """The distinct pairs, sorted: int64 (n,)."""
        self._compact()
        return self._pairs

    def counts(self, record_keys: NDArray[np.uint32]) -> Counts:
        """Distinct devices of each cell; ``record_keys``: uint32 (slots,)."""
        slots, cells = np.divmod(self.pairs, self._cells)
        return Counts.of_cells(cells, record_keys[slots])

    def write(self, writer: Writer, name: str) -> None:
        """Put the pairs into a snapshot. No array of pairs is ever changed, only replaced, so none is copied."""
        writer.distinct(name, [self._pairs, *self._pending])

    def restore(self, pairs: NDArray[np.int64]) -> None:
        """Take over the pairs of a snapshot."""
        self._pairs = pairs


class OpenWindow:
    """One window that has not closed yet, over all layers."""

    def __init__(self, window: Window, zones: Sequence[int]) -> None:
        """``zones``: for each layer, how many zones it has, ``outside`` included."""
        self.window = window
        self._zones = zones
        self._sets = [{kind: Distinct(count * count if kind == FLOWS else count) for kind in _KINDS} for count in zones]

    def add(self, layer: int, changes: Changes) -> None:
        """Take in what happened in a layer within the window."""
        sets, zones = self._sets[layer], self._zones[layer]
        moved_from, moved_to = changes.moved_from.astype(np.int64), changes.moved_to.astype(np.int64)
        sets["departures"].add(changes.moved, moved_from)
        sets["arrivals"].add(changes.moved, moved_to)
        sets[FLOWS].add(changes.moved, moved_from * zones + moved_to)
        sets["vanished"].add(changes.fell_silent, changes.silent_zone.astype(np.int64))
        sets["appeared"].add(changes.came, changes.came_zone.astype(np.int64))

    def close(self, layer: int, visits: Visits, record_keys: NDArray[np.uint32]) -> Tally | None:
        """Count a layer at the window's end; None if no device was anywhere. ``record_keys``: uint32 (slots,).

        ``visits`` has applied every event before the window's end, and ended the visits whose silence ended before
        it. A device is present where its visit is open, and where a visit of its ended in the window.
        """
        zones = self._zones[layer]
        sets = self._sets[layer]
        left = distinct(np.concatenate([sets["departures"].pairs, sets["vanished"].pairs]))
        elsewhere = left[visits.zone[layer][left // zones] != left % zones]
        gone = Counts.of_cells(elsewhere % zones, record_keys[elsewhere // zones])
        counts = {"presence": visits.present(layer, zones, record_keys).plus(gone)}
        counts.update({kind: pairs.counts(record_keys) for kind, pairs in sets.items()})
        held = {kind: count for kind, count in counts.items() if len(count.cells)}
        return Tally(layer, self.window.width, self.window.start, self.window.end, held) if held else None

    def write(self, writer: Writer) -> None:
        """Put the window's sets into a snapshot."""
        writer.value("window", list(self.window))
        for layer, sets in enumerate(self._sets):
            for kind, held in sets.items():
                held.write(writer, f"{layer}/{kind}")

    def read(self, reader: Reader) -> None:
        """Take over what :meth:`write` put into a snapshot."""
        for layer, sets in enumerate(self._sets):
            for kind, held in sets.items():
                held.restore(reader.column(f"{layer}/{kind}"))
