"""A layer's zones with the numbers of one window, as GeoJSON for a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import shapely

from config.errors import FouleError
from config.sections import LayerSettings
from config.times import Instant
from foule.history.files import OutFolder
from foule.history.history import Day, History
from foule.history.tables import ESTIMATE
from foule.history.values import FLOWS, OF_PAIRS, PRESENCE, Number
from indicators.calendar import Calendar, label_of_start, label_of_width
from indicators.occupancy import Flow, flows_through, top_flows
from zones import OUTSIDE
from zones.centres import areas_km2
from zones.layers import Layer, read

_PEOPLE: Final = "people"


def write_map(folder: Path, history: History, layer: LayerSettings, width: int, window: str | None) -> list[str]:
    """Write ``LAYER_WIDTH_START.geojson``, of the latest window of the width (ms) or of the one that starts at
    ``window`` (``20140628T1000Z`` or ISO 8601); returns its name.

    Raises FouleError where the layer has no polygons, where nothing of that window is published, or where the folder
    cannot be written.
    """
    zones = read(polygons_of(layer), layer)
    start = _chosen(history, layer.name, width, window)
    of = history.calendar.date_of(start)
    numbers = [number for number in history.numbers(Day(layer.name, of, width)) if number.start == start]
    content = _collection(zones.layer, zones.polygons, width, numbers)
    with OutFolder(folder) as out:
        out.write(Path(f"{layer.name}_{label_of_width(width)}_{label_of_start(start)}.geojson"), content)
        return out.complete()


def polygons_of(layer: LayerSettings) -> Path:
    """The file of a layer; raises FouleError for one from a column."""
    if layer.file is None:
        raise FouleError(
            f"layer {layer.name} comes from a column of the cell catalogue and has no polygons to draw; give a --layer "
            "that has a file, or another --format"
        )
    return layer.file


def layer_of(layers: Sequence[LayerSettings], names: Sequence[str]) -> LayerSettings:
    """The layer that is named, or the only one there is; raises FouleError where that is not one with polygons."""
    found = [layer for layer in layers if layer.name in names or not names]
    if len(found) != 1:
        known = ", ".join(layer.name for layer in layers)
        raise FouleError(f"--format geojson draws one layer; give one of {known} as --layer")
    polygons_of(found[0])
    return found[0]


def width_of(calendar: Calendar, label: str | None) -> int:
    """The width in ms with this label, such as 5m; without one the widest. Raises FouleError where there is none."""
    found = [width for width in calendar.widths if label in (None, label_of_width(width))]
    if not found:
        known = ", ".join(map(label_of_width, calendar.widths))
        raise FouleError(f"--width {label}: one of time.windows is expected: {known}")
    return found[-1]


def _chosen(history: History, layer: str, width: int, window: str | None) -> int:
    starts = [start for start, _ in history.windows(layer, width)]
    label = label_of_width(width)
    if not starts:
        raise FouleError(f"nothing is published of windows of {label} of layer {layer} in this range of time")
    if window is None:
        return starts[-1]
    try:
        start = int(Instant.parse(window))
    except ValueError:
        raise FouleError(
            f"--window {window!r}: the start of a window is expected, such as {label_of_start(starts[-1])} or "
            f"{Instant(starts[-1]).text}"
        ) from None
    if start not in starts:
        raise FouleError(
            f"nothing is published of a window of {label} of layer {layer} that starts at {label_of_start(start)}; the "
            f"first is {label_of_start(starts[0])}, the last {label_of_start(starts[-1])}"
        )
    return start


def _collection(layer: Layer, polygons: Any, width: int, numbers: Sequence[Number]) -> bytes:
    flows = {(number.cell[0], number.cell[1]): number.people for number in numbers if number.indicator == FLOWS}
    through, main = flows_through(flows), _main(flows)
    properties: dict[str, dict[str, Any]] = {zone: {} for zone in layer.ids}
    for number in numbers:
        # of pairs, and of segments within segments, no zone has one number
        if number.indicator not in OF_PAIRS and len(number.cell) == 1 and number.cell[0] in properties:
            properties[number.cell[0]] |= _told(number)
    areas = np.round(areas_km2(polygons), 4).tolist()
    features = []
    for at, zone in enumerate(layer.ids):
        of = {"id": zone, "title": layer.titles[at], "area_km2": areas[at], **properties[zone]}
        if _PEOPLE in of and areas[at] > 0:
            of["density"] = round(of[_PEOPLE] / areas[at], 2)
        if zone in through:
            of |= {
                name: people for name, people in zip(("flows_in", "flows_out"), through[zone], strict=True) if people
            }
        of |= main.get(zone, {})
        geometry = msgspec.Raw(shapely.to_geojson(polygons[at]).encode())
        features.append({"type": "Feature", "id": zone, "properties": of, "geometry": geometry})
    first = numbers[0]
    window = {
        "layer": layer.name,
        "width": label_of_width(width),
        "start": Instant(first.start).text,
        "end": Instant(first.end).text,
        "coverage": min(number.coverage for number in numbers),
    }
    return msgspec.json.encode({"type": "FeatureCollection", "window": window, "features": features}) + b"\n"


def _told(number: Number) -> dict[str, int]:
    """A number as properties: the devices by its name, and the estimate of people, if there is one, by those names that
    the Parquet tables have, behind that of the number unless that is people."""
    name = _name(number)
    if number.estimate is None:
        return {name: number.people}
    before = "" if name == _PEOPLE else f"{name}:"
    columns = (f"{before}{column}" for column in ESTIMATE)
    return {name: number.people, **dict(zip(columns, number.estimate, strict=True))}


def _name(number: Number) -> str:
    if number.segment is not None:
        return f"{number.indicator}:{number.segment}"
    return _PEOPLE if number.indicator == PRESENCE else number.indicator


def _main(flows: Mapping[Flow, int]) -> dict[str, dict[str, str]]:
    """For each zone, from where most came and to where most went; outside, which is nowhere on the map, is left out."""
    found: dict[str, dict[str, str]] = {}
    for (origin, to), _ in top_flows(flows, len(flows)):
        if OUTSIDE not in (origin, to):
            found.setdefault(origin, {}).setdefault("main_destination", to)
            found.setdefault(to, {}).setdefault("main_origin", origin)
    return found
