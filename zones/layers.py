"""Layers of zones: named areas that are read from a GeoJSON file."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from config.errors import ZonesError
from config.sections import LayerSettings
from zones import centres
from zones.files import read_bytes, refuse, some
from zones.wgs84 import advice, off_globe

OUTSIDE = "outside"

# Field "_" of a live hash is about its window, FROM>TO names a flow, and "other" those whose zone is not told (docs:
# contracts of Redis).
_RESERVED_IDS = (OUTSIDE, "_", "other")
_POLYGONAL = ("Polygon", "MultiPolygon")
_BOM = b"\xef\xbb\xbf"
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of zones. A zone is known by its index in ``ids``; ``outside`` is the index of no zone.

    ``titles`` and ``areas`` run parallel to ``ids``. An area is the code of the zone's home area (the
    property ``area`` of its feature), or None where it has none. ``parent`` is the index of the parent layer
    in ``Places.layers``, or None; ``parents``, parallel to ``ids``, has the index of each zone's zone there, or
    of outside, and is empty without a parent layer. ``centres``, parallel to ``ids``, has the latitude and longitude of
    each zone's middle (``zones/centres.py``), or None where no position is known; it is empty where none was looked
    for, and does not make two layers differ.
    """

    name: str
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    areas: tuple[str | None, ...]
    parent: int | None = None
    parents: tuple[int, ...] = ()
    centres: tuple[tuple[float, float] | None, ...] = field(default=(), compare=False)

    @property
    def outside(self) -> int:
        """The index that stands for no zone of this layer."""
        return len(self.ids)

    def zone_name(self, index: int) -> str:
        """The id of zone ``index``, or "outside"; IndexError for an index that the layer does not have."""
        if index == len(self.ids):
            return OUTSIDE
        if index < 0:
            raise IndexError(index)
        return self.ids[index]

    @property
    def centre_of(self) -> dict[str, tuple[float, float]]:
        """The centre of each zone that has one, by its id."""
        return {zone: centre for zone, centre in zip(self.ids, self.centres, strict=False) if centre is not None}


class ZoneFile(NamedTuple):
    """A layer with its geometry: ``polygons`` (n_zones,) of shapely Polygon or MultiPolygon, all valid."""

    layer: Layer
    polygons: NDArray[np.object_]
    report: tuple[str, ...]


class _Collection(msgspec.Struct):
    type: str | None = None
    features: list[msgspec.Raw] | None = None
    crs: Any = None


class _Feature(msgspec.Struct):
    properties: dict[str, Any] | None = None
    geometry: msgspec.Raw = msgspec.Raw(b"null")


class _Geometry(msgspec.Struct):
    type: str | None = None


_features = msgspec.json.Decoder(_Feature)
_geometry_types = msgspec.json.Decoder(_Geometry | None)


def read(path: Path, settings: LayerSettings) -> ZoneFile:
    """Reads the FeatureCollection of Polygons and MultiPolygons (WGS84) at ``path``, gzip or not.

    Polygons that are not valid (crossing themselves and the like) are repaired, and the report says so.
    Raises ZonesError with up to ten problems, each with its feature's index in the file, from 0.
    """
    collection = _read_collection(path)
    features = [_read_feature(path, at, raw) for at, raw in enumerate(collection.features or ())]
    if not features:
        raise ZonesError(f"{path}: no features; at least one Polygon or MultiPolygon is expected")
    layer, notes = _name_zones(path, settings, features)
    polygons = _read_polygons(path, [feature.geometry for feature in features])
    _check_bounds(path, polygons, collection.crs)
    polygons, repairs = _repair(path, polygons, layer.ids)
    layer = replace(layer, centres=centres.as_centres(centres.of_polygons(polygons)))
    counted = f"layer {layer.name}: {len(layer.ids)} zones from {path}"
    return ZoneFile(layer, polygons, (counted, *notes, *repairs))


def id_problem(zone_id: str) -> str | None:
    """Why ``zone_id`` cannot be a zone's id, or None if it can."""
    if not zone_id:
        return "the id is empty; a text or a whole number is expected"
    if zone_id in _RESERVED_IDS:
        return f'the id "{zone_id}" is reserved; give the zone another'
    if ">" in zone_id or not zone_id.isprintable():
        return f'the id {zone_id!r} holds ">" or a character that cannot be printed; give the zone another'
    return None


def _read_collection(path: Path) -> _Collection:
    content = read_bytes(path).removeprefix(_BOM)
    try:
        collection = msgspec.json.decode(content, type=_Collection)
    except msgspec.ValidationError:
        collection = _Collection()
    except _BAD_JSON as error:
        reason = "JSON that is nested too deeply" if isinstance(error, RecursionError) else error
        raise ZonesError(f"{path}: {reason}; a GeoJSON FeatureCollection in UTF-8 is expected") from None
    if collection.type != "FeatureCollection" or collection.features is None:
        found = f'"type" is {collection.type!r}' if collection.type else "it has another structure"
        raise ZonesError(
            f"{path}: not a GeoJSON FeatureCollection ({found}); "
            'an object with "type": "FeatureCollection" and a list of "features" is expected'
        )
    return collection


def _read_feature(path: Path, at: int, raw: msgspec.Raw) -> _Feature:
    try:
        return _features.decode(raw)
    except _BAD_JSON as error:
        raise ZonesError(
            f'{path}: feature {at}: {error}; an object with "type": "Feature", "properties" and "geometry" is expected'
        ) from None


def _text(value: object) -> str | None:
    """A property as text; None where it is absent or neither a text nor a whole number."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _name_zones(path: Path, settings: LayerSettings, features: Sequence[_Feature]) -> tuple[Layer, list[str]]:
    """The layer without its geometry: ids, titles and areas from the properties."""
    first: dict[str, int] = {}
    titles: list[str] = []
    areas: list[str | None] = []
    problems: list[str] = []
    unnamed: list[int] = []
    untitled = 0
    for at, feature in enumerate(features):
        properties = feature.properties or {}
        zone_id = _text(properties.get(settings.id))
        if zone_id is None:
            unnamed.append(at)
            continue
        if problem := id_problem(zone_id):
            problems.append(f"{path}: feature {at}: {problem}")
        elif (other := first.setdefault(zone_id, at)) != at:
            problems.append(
                f'{path}: feature {at}: the id "{zone_id}" is also that of feature {other}; ids must '
                "differ: merge the two into a MultiPolygon, rename one, or set another property as id"
            )
        title = _text(properties.get(settings.title))
        untitled += not title
        titles.append(title or zone_id)
        areas.append(_text(properties.get("area")))
    if unnamed:
        why = _id_missing(settings, features[unnamed[0]].properties or {})
        also = f" (as in {len(unnamed)} of {len(features)} features)"
        problems.insert(0, f"{path}: feature {unnamed[0]}: {why}{also}")
    refuse(problems)
    notes = []
    if untitled:
        notes.append(
            f'layer {settings.name}: {untitled} of {len(titles)} zones have no property "{settings.title}" '
            "(setting `title`); their id is their title"
        )
    return Layer(settings.name, tuple(first), tuple(titles), tuple(areas)), notes


def _id_missing(settings: LayerSettings, properties: dict[str, Any]) -> str:
    if settings.id in properties:
        kind = type(properties[settings.id]).__name__
        return f'the property "{settings.id}" is a {kind}; as id a text or a whole number is expected'
    known = ", ".join(f'"{key}"' for key in some(list(properties), "properties")) or "none"
    return (
        f'no property "{settings.id}", which the setting `id` of layer {settings.name} names; the feature has: {known}'
    )


def _read_polygons(path: Path, geometries: Sequence[msgspec.Raw]) -> NDArray[np.object_]:
    """Parses the geometries, (n,); those which are not polygonal, cannot be read or are empty are errors."""
    problems: list[str] = []
    for at, raw in enumerate(geometries):
        if problem := _type_problem(raw):
            problems.append(f"{path}: feature {at}: {problem}")
    refuse(problems)
    texts = np.array([bytes(raw) for raw in geometries], dtype=object)
    # A number such as 1e999 makes numpy warn, besides being refused.
    with np.errstate(all="ignore"):
        polygons: NDArray[np.object_] = shapely.from_geojson(texts, on_invalid="ignore")
    for at in np.flatnonzero(shapely.is_empty(polygons) | shapely.is_missing(polygons)).tolist():
        problems.append(f"{path}: feature {at}: {_coordinates_problem(texts[at])}")
    refuse(problems)
    return polygons


def _type_problem(raw: msgspec.Raw) -> str | None:
    try:
        geometry = _geometry_types.decode(raw)
    except _BAD_JSON as error:
        return f"the geometry is not a GeoJSON object ({error}); a Polygon or MultiPolygon is expected"
    if geometry is None:
        return "no geometry; a Polygon or MultiPolygon is expected: draw the zone or take the feature out"
    if geometry.type not in _POLYGONAL:
        return (
            f"the geometry is a {geometry.type}; a Polygon or MultiPolygon is expected: "
            "take the feature out, or give its area"
        )
    return None


def _coordinates_problem(text: bytes) -> str:
    try:
        with np.errstate(all="ignore"):
            shapely.from_geojson(text)
    except shapely.GEOSException as error:
        if "closed" in str(error):
            return "a ring is not closed; repeat its first point at its end"
        return (
            "the coordinates cannot be read; rings of [longitude, latitude] or "
            "[longitude, latitude, height] in numbers are expected, with four points at least"
        )
    return "the geometry is empty; draw the zone or take the feature out"


def _check_bounds(path: Path, polygons: NDArray[np.object_], crs: object) -> None:
    """Refuses coordinates off the globe: the file is then in another coordinate system."""
    bounds: NDArray[np.float64] = shapely.bounds(polygons)
    bad = off_globe(bounds[:, 0], bounds[:, 1]) | off_globe(bounds[:, 2], bounds[:, 3])
    if not bad.any():
        return
    at = int(np.flatnonzero(bad)[0])
    points: NDArray[np.float64] = shapely.get_coordinates(polygons[at])
    lon, lat = points[off_globe(points[:, 0], points[:, 1])][0]
    raise ZonesError(
        f"{path}: feature {at}: the point [{lon:.12g}, {lat:.12g}] is not on the globe, as in "
        f"{int(bad.sum())} of {len(polygons)} features{_named(crs)}; {advice(float(lon), float(lat))} "
        "(for example `ogr2ogr -t_srs EPSG:4326 new.geojson old.geojson`)"
    )


def _named(crs: object) -> str:
    """The coordinate system that an old GeoJSON file may name in its member "crs"."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return f' (the file names the system "{name}")' if name else ""


def _repair(path: Path, polygons: NDArray[np.object_], ids: Sequence[str]) -> tuple[NDArray[np.object_], list[str]]:
    """Makes all polygons valid, keeping what has an area, and says which were not."""
    invalid: list[int] = np.flatnonzero(~shapely.is_valid(polygons)).tolist()
    if not invalid:
        return polygons, []
    reasons = shapely.is_valid_reason(polygons[invalid])
    repaired = polygons.copy()
    # "structure" joins the parts of a MultiPolygon that overlap; "linework" would cut a hole there.
    repaired[invalid] = shapely.make_valid(polygons[invalid], method="structure", keep_collapsed=False)
    refuse(
        [
            f'{path}: feature {at} (zone "{ids[at]}"): the polygon has no area; '
            "draw the zone again or take the feature out"
            for at in invalid
            if repaired[at].is_empty
        ]
    )
    lines = [
        f'{path}: feature {at} (zone "{ids[at]}") was not a valid polygon ({reason}) and was repaired'
        for at, reason in zip(invalid, reasons, strict=True)
    ]
    return repaired, some(lines, "polygons were repaired")
