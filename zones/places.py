"""Places: one integer for each combination of zones, one of every layer, that a cell or a point lies in."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
import shapely
from numpy.typing import NDArray

from config.errors import ZonesError
from config.sections import ZonesSettings
from zones import catalogue, differences, layers
from zones.catalogue import Catalogue
from zones.layers import Layer, ZoneFile
from zones.locate import Locator
from zones.nesting import Drawn, nest

UNKNOWN = -1


class Places:
    """The layers, and the place of every cell and point.

    A place is the row of ``zones``; its number has a meaning in this process only, since points may add
    places in the order in which they come. Not safe for threads.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        cells: Sequence[str],
        zones_of_cells: NDArray[np.int32],
        locators: Sequence[Locator | None],
        fingerprint: str,
        report: Iterable[str],
    ) -> None:
        """``zones_of_cells`` is (n_cells, n_layers); a layer without a locator has no points inside."""
        self.layers = tuple(layers)
        self.fingerprint = fingerprint
        self.report = tuple(report)
        self.shared_points = np.zeros(len(self.layers), dtype=np.int64)
        """Points that of_points found in more than one zone of a layer so far, (n_layers,)."""
        self._locators = tuple(locators)
        self._zones = np.empty((16, len(self.layers)), dtype=np.int32)
        self._known: dict[tuple[int, ...], int] = {}
        self._cells = dict(zip(cells, self._places(zones_of_cells).tolist(), strict=True))

    @property
    def zones(self) -> NDArray[np.int32]:
        """The zone of each place in each layer, (n_places, n_layers); grows as of_points adds places."""
        zones = self._zones[: len(self._known)]
        zones.flags.writeable = False
        return zones

    def cells_of_zones(self, layer: int) -> NDArray[np.int64]:
        """How many cells of the catalogue lie in each zone of a layer, (zones,) int64."""
        places = np.fromiter(self._cells.values(), np.int64, len(self._cells))
        zones = self.zones[places, layer]
        return np.bincount(zones, minlength=self.layers[layer].outside + 1)[:-1]

    def of_cells(self, cells: Sequence[str]) -> NDArray[np.int32]:
        """The place of each cell, (n,) int32; -1 where the catalogue does not know the cell."""
        return np.fromiter(map(self._cells.get, cells, repeat(UNKNOWN)), np.int32, len(cells))

    def of_points(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int32]:
        """The place of each point, (n,) int32, from finite WGS84 degrees, (n,) each; may add places."""
        zones = np.empty((len(lat), len(self.layers)), dtype=np.int32)
        for at, (layer, locator) in enumerate(zip(self.layers, self._locators, strict=True)):
            if locator is None:
                zones[:, at] = layer.outside
                continue
            located = locator.locate(lat, lon)
            zones[:, at] = located.zone
            self.shared_points[at] += np.count_nonzero(located.shared)
        return self._places(zones)

    def _places(self, zones: NDArray[np.int32]) -> NDArray[np.int32]:
        """The place of each row of (n, n_layers), numbering those not met before as they appear."""
        code = np.zeros(len(zones), dtype=np.int64)
        first = np.zeros(min(len(zones), 1), dtype=np.int64)
        for at, layer in enumerate(self.layers):
            # Codes stay below n, so the product fits whatever the number of layers.
            combined = code * (layer.outside + 1) + zones[:, at]
            _, first, code = np.unique(combined, return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.int32)
        for at in np.argsort(first):
            place[at] = self._place(tuple(zones[first[at]].tolist()))
        return place[code]

    def _place(self, zones: tuple[int, ...]) -> int:
        place = self._known.get(zones)
        if place is None:
            place = self._known[zones] = len(self._known)
            if place == len(self._zones):
                self._zones = np.concatenate([self._zones, np.empty_like(self._zones)])
            self._zones[place] = zones
        return place


def load(settings: ZonesSettings) -> Places:
    """Reads the layers and the catalogue of the settings and locates every cell.

    Raises ZonesError where a file cannot be used; what was repaired or counted is in ``Places.report``.
    """
    if not settings.layers:
        raise ZonesError("zones.layers is empty; at least one layer is expected: add [[zones.layers]]")
    files = {layer.name: layers.read(layer.file, layer) for layer in settings.layers if layer.file is not None}
    known = _read_catalogue(settings)
    report = [line for file in files.values() for line in file.report]
    report += known.report
    drawn: list[Drawn] = []
    locators: list[Locator | None] = []
    zones_of_cells = np.empty((len(known.cells), len(settings.layers)), dtype=np.int32)
    for at, name in enumerate(layer.name for layer in settings.layers):
        if name in files:
            layer, locator = files[name].layer, Locator(files[name].polygons)
            zones_of_cells[:, at] = _locate_cells(layer, locator, known, report)
        else:
            (layer, zones_of_cells[:, at]), locator = known.layers[name], None
            report.append(
                f"layer {name}: {len(layer.ids)} zones from the catalogue; events that have a point and no "
                "cell are outside"
            )
        _count_outside(layer, zones_of_cells[:, at], report)
        drawn.append(Drawn(layer, zones_of_cells[:, at], files[name].polygons if name in files else None))
        locators.append(locator)
    ordered = nest(drawn, settings.layers, report)
    report += differences.check(ordered, zones_of_cells, settings.min_difference)
    fingerprint = _fingerprint(ordered, files, known, zones_of_cells)
    return Places(ordered, known.cells, zones_of_cells, locators, fingerprint, report)


def _read_catalogue(settings: ZonesSettings) -> Catalogue:
    if settings.cells is not None:
        return catalogue.read(settings.cells, settings)
    for layer in settings.layers:
        if layer.column is not None:
            raise ZonesError(
                f"layer {layer.name} comes from the column {layer.column!r} of the cell catalogue, but "
                "zones.cells names no file: set it, or give the layer a GeoJSON file"
            )
    report = ("no cell catalogue (zones.cells); only events with a point can be located",)
    return Catalogue((), np.empty(0), np.empty(0), {}, report)


def _locate_cells(layer: Layer, locator: Locator, known: Catalogue, report: list[str]) -> NDArray[np.int32]:
    located = locator.locate(known.lat, known.lon)
    shared = np.flatnonzero(located.shared)
    if shared.size:
        cell = shared[0]
        zones = locator.zones_at(float(known.lat[cell]), float(known.lon[cell]))
        names = ", ".join(layer.zone_name(int(zone)) for zone in zones)
        report.append(
            f"layer {layer.name}: {shared.size} of {len(known.cells)} cells lie in more than one zone; the "
            f"first in the file is taken (for example of {names})"
        )
    return located.zone


def _count_outside(layer: Layer, zone: NDArray[np.int32], report: list[str]) -> None:
    outside = int(np.count_nonzero(zone == layer.outside))
    if outside:
        hint = "; are latitude and longitude exchanged?" if outside == len(zone) else ""
        report.append(f"layer {layer.name}: {outside} of {len(zone)} cells lie in no zone{hint}")


def _fingerprint(
    ordered: Sequence[Layer],
    files: dict[str, ZoneFile],
    known: Catalogue,
    zones_of_cells: NDArray[np.int32],
) -> str:
    """A digest of all that decides which zone an event is in, and which zones nest; each part with its length."""
    digest = hashlib.blake2b(digest_size=16)

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)

    def add_texts(texts: Sequence[str]) -> None:
        add("\0".join([str(len(texts)), *texts]).encode())

    for layer in ordered:
        add_texts((layer.name, *layer.ids))
        add_texts([str(at) for at in (layer.parent, *layer.parents)])
        if layer.name in files:
            for outline in shapely.to_wkb(files[layer.name].polygons, byte_order=1):
                add(outline)
    add_texts(known.cells)
    add(known.lat.astype("<f8").tobytes() + known.lon.astype("<f8").tobytes())
    add(np.ascontiguousarray(zones_of_cells, dtype="<i4").tobytes())
    return digest.hexdigest()
