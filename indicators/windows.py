"""Open windows: which devices did what since the window began, counted once each when it closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indicators.calendar import Window
from indicators.columns import Reader, Writer
from indicators.counts import FLOWS, Counts, Tally
from indicators.devices import Devices
from indicators.distinct import Distinct
from indicators.dwell import longest
from indicators.plan import Plan
from indicators.sorting import distinct
from indicators.visits import Changes, Visits

_MOVES = ("arrivals", "departures", FLOWS)
_EDGES = ("appeared", "vanished")
_KINDS = (*_MOVES, *_EDGES)
_DWELL = "dwell"
_BY_ORIGIN = {"arrival_origins": "arrivals", "departure_origins": "departures"}


class _Cells(NamedTuple):
    """Devices in cells, one row a pair: int64 (n,) each."""

    slots: NDArray[np.int64]
    cells: NDArray[np.int64]


class OpenWindow:
    """One window that has not closed yet, over all layers."""

    def __init__(self, window: Window, zones: Sequence[int], plan: Plan) -> None:
        """``zones``: for each layer, how many zones it has, ``outside`` included."""
        self.window = window
        self._zones = zones
        self._plan = plan
        self._bins = plan.bins
        self._has_dwell = window.width in plan.dwell
        self._by_origin = window.width in plan.by_origin
        self._sets = [self._sets_of(count) for count in zones]

    def _sets_of(self, zones: int) -> dict[str, Distinct]:
        sets = {kind: Distinct(zones * zones if kind == FLOWS else zones) for kind in _KINDS}
        return sets | {_DWELL: Distinct(zones * len(self._bins))} if self._has_dwell else sets

    def add(self, layer: int, changes: Changes) -> None:
        """Take in what happened in a layer within the window."""
        sets, zones = self._sets[layer], self._zones[layer]
        moved_from, moved_to = changes.moved_from.astype(np.int64), changes.moved_to.astype(np.int64)
        sets["departures"].add(changes.moved, moved_from)
        sets["arrivals"].add(changes.moved, moved_to)
        sets[FLOWS].add(changes.moved, moved_from * zones + moved_to)
        sets["vanished"].add(changes.fell_silent, changes.silent_zone.astype(np.int64))
        sets["appeared"].add(changes.came, changes.came_zone.astype(np.int64))
        if self._has_dwell and changes.ended is not None:
            ended = changes.ended
            bins = self._bins.of(ended.last - ended.first)
            sets[_DWELL].add(ended.slots, ended.zones.astype(np.int64) * len(self._bins) + bins)

    def close(self, layer: int, visits: Visits, devices: Devices) -> Tally | None:
        """Count a layer at the window's end; None if no device was anywhere.

        ``visits`` has applied every event before the window's end, and ended the visits whose silence ended before
        it. A device is present where its visit is open, and where a visit of its ended in the window.
        """
        zones = self._zones[layer]
        sets = self._sets[layer]
        left = distinct(np.concatenate([sets["departures"].pairs, sets["vanished"].pairs]))
        left = left[visits.zone[layer][left // zones] != left % zones]
        elsewhere = _Cells(*np.divmod(left, zones))
        counts = {"presence": visits.present(layer, zones, devices.record_keys).plus(devices.count(*elsewhere))}
        counts.update({kind: sets[kind].counts(devices.record_keys) for kind in _KINDS})
        if self._has_dwell:
            counts |= self._dwell(sets[_DWELL], zones, devices)
        if self._by_origin:
            counts |= self._origins(layer, visits, elsewhere, devices)
        held = {kind: count for kind, count in counts.items() if len(count.cells)}
        return Tally(layer, self.window.width, self.window.start, self.window.end, held) if held else None

    def _dwell(self, ended: Distinct, zones: int, devices: Devices) -> dict[str, Counts]:
        """The devices of each zone but ``outside`` by their longest visit, and the same by origin."""
        bins, origins = len(self._bins), self._plan.origins
        slots, cells = np.divmod(longest(ended.pairs, bins), zones * bins)
        inside = cells < (zones - 1) * bins
        slots, cells = slots[inside], cells[inside]
        counts = {_DWELL: devices.count(slots, cells)}
        if self._by_origin:
            zone, bin_ = np.divmod(cells, bins)
            cells = devices.by_origin(slots, zone, origins) * bins + bin_
            counts["dwell_origins"] = devices.count(slots, cells)
        return counts

    def _origins(self, layer: int, visits: Visits, elsewhere: _Cells, devices: Devices) -> dict[str, Counts]:
        """Who is present, comes, goes and moves by origin; of zones all but ``outside``."""
        zones, sets, origins = self._zones[layer], self._sets[layer], self._plan.origins
        opened = visits.open_in(layer)
        slots = np.concatenate([opened.slots, elsewhere.slots])
        found = {"origins": _Cells(slots, np.concatenate([opened.zones, elsewhere.cells]))}
        found |= {name: _Cells(*np.divmod(sets[kind].pairs, zones)) for name, kind in _BY_ORIGIN.items()}
        counts = {}
        for name, (slots, cells) in found.items():
            inside = cells != zones - 1
            counts[name] = devices.count(slots[inside], devices.by_origin(slots[inside], cells[inside], origins))
        slots, flows = np.divmod(sets[FLOWS].pairs, zones * zones)
        counts["flow_origins"] = devices.count(slots, devices.by_origin(slots, flows, origins))
        return counts

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
