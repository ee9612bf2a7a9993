"""A made-up country for the bench: zones that tile an outline like that of France, and a day of its people."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from config.sections import LayerSettings, ZonesSettings
from indicators.origin_tables import read_areas

#: Longitudes and latitudes of six corners.
OUTLINE = ((-4.7, 48.4), (2.5, 51.0), (8.1, 48.9), (7.4, 43.7), (3.1, 42.4), (-1.7, 43.4))

_DEPARTEMENTS = 96
_FEWEST = 60  # zones to a departement of a small country

_SEED = 7
_TOWNS = 500
_URBAN = 1_200  # zones in which most people live
_URBAN_SHARE = 0.9
_FOREIGN = 0.05
_AT_HOME = 0.7  # whose home area is the departement in which they live; of the others it is any
_ABROAD = -1
_MCCS = (208, 262)  # of a SIM from here, and of one from abroad
_AROUND = 40  # zones nearest to a town, in which its people do their errands
_HOUR = 3_600_000


class Country(NamedTuple):
    """Zones by their number, in the order of the file.

    ``departement``: int64 (n,), the holder of each zone, and ``areas`` their codes; ``urban``: int64, the zones where
    most live; ``towns``: int64 (n, 3), the towns to which those of a zone go, the nearest first; ``around``: of each
    town the zones, int64 (40,), in which those who go there do their errands.
    """

    settings: ZonesSettings
    departement: NDArray[np.int64]
    areas: tuple[str, ...]
    urban: NDArray[np.int64]
    towns: NDArray[np.int64]
    around: dict[int, NDArray[np.int64]]


class Events(NamedTuple):
    """Some events in the order of their times: (n,) each, ms, zone and number of the device; ``origins``: int64
    (devices,), the departement from which each device is, -1 for one from abroad."""

    time: NDArray[np.int64]
    zone: NDArray[np.int64]
    device: NDArray[np.int64]
    origins: NDArray[np.int64]

    def values(self, country: Country, subscribers: Sequence[bytes]) -> list[bytes | None]:
        """The records as a network sends them."""
        homes = [f',"home":"{area}"'.encode() for area in country.areas] + [b""]
        origins = self.origins[self.device]
        mccs = np.where(origins == _ABROAD, _MCCS[1], _MCCS[0])
        rows = zip(*(column.tolist() for column in (self.time, self.device, self.zone, mccs, origins)), strict=True)
        return [
            b'{"ts":%d,"subscriber":"%b","cell":"c%d","mcc":%d%b}' % (ts, subscribers[device], zone, mcc, homes[origin])
            for ts, device, zone, mcc, origin in rows
        ]


def write_country(folder: Path, zones: int) -> Country:
    """Write the zones, the departements that hold them (GeoJSON, gzip) and one cell in each zone (CSV)."""
    rng = np.random.default_rng(_SEED)
    polygons = _tiles(rng, zones)
    at = shapely.point_on_surface(polygons)
    points = shapely.get_coordinates(at)
    number = max(1, min(_DEPARTEMENTS, zones // _FEWEST))
    seeds = shapely.get_parts(_inside(rng, number))
    departement = shapely.STRtree(seeds).nearest(at).astype(np.int64)
    holders = [shapely.coverage_union_all(polygons[departement == each]) for each in range(number)]
    names = tuple(read_areas(None))[:number]
    areas = [names[each] for each in departement.tolist()]
    _write(folder / "communes.geojson.gz", [f"{zone:05d}" for zone in range(len(polygons))], polygons, areas)
    _write(folder / "departements.geojson.gz", names, holders, names)
    rows = (f"c{zone},{lat!r},{lon!r}\n" for zone, (lon, lat) in enumerate(points.tolist()))
    (folder / "cells.csv").write_text("cell,lat,lon\n" + "".join(rows), encoding="utf-8")
    layers = (
        LayerSettings(name="departements", file=folder / "departements.geojson.gz"),
        LayerSettings(name="communes", file=folder / "communes.geojson.gz", parent="departements"),
    )
    drawn = rng.permutation(len(points))
    towns, urban = drawn[:_TOWNS], drawn[: min(_URBAN, len(points))]
    apart = np.hypot(*(points[:, None] - points[towns]).transpose(2, 0, 1))
    nearest = np.argsort(apart, axis=1)[:, 1:4]  # the town itself is not the place to which its own people go
    around = {int(town): np.argsort(apart[:, each])[:_AROUND] for each, town in enumerate(towns)}
    settings = ZonesSettings(cells=folder / "cells.csv", layers=layers)
    return Country(settings, departement, names, urban, towns[nearest], around)


def _inside(rng: np.random.Generator, number: int) -> shapely.MultiPoint:
    outline = shapely.polygons(OUTLINE)
    west, south, east, north = shapely.bounds(outline)
    points = np.empty((0, 2))
    while len(points) < number:
        more = rng.uniform((west, south), (east, north), (2 * number, 2))
        points = np.concatenate([points, more[shapely.contains_xy(outline, more)]])
    return shapely.multipoints(points[:number])


def _tiles(rng: np.random.Generator, number: int) -> NDArray[np.object_]:
    """The Voronoi cells of random points, cut at the outline."""
    outline = shapely.polygons(OUTLINE)
    cells = shapely.get_parts(shapely.voronoi_polygons(_inside(rng, number), extend_to=outline))
    tiles: NDArray[np.object_] = shapely.intersection(cells, outline)
    return tiles


def _write(
    path: Path, ids: Sequence[str], polygons: Sequence[object] | NDArray[np.object_], areas: Sequence[str]
) -> None:
    features = (
        f'{{"type":"Feature","properties":{json.dumps({"id": zone, "name": f"Zone {zone}", "area": area})},'
        f'"geometry":{outline}}}'
        for zone, area, outline in zip(ids, areas, shapely.to_geojson(polygons).tolist(), strict=True)
    )
    text = f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'
    path.write_bytes(gzip.compress(text.encode(), 1))


def day_of(country: Country, devices: int, begin: int, at_once: int, heard: float = 1.0) -> Iterator[Events]:
    """The events of a day that begins at ``begin`` (UTC ms), at most ``at_once`` together, in the order of time; of
    them only the share ``heard``.

    Everybody is at home in the morning and in the evening; 17 of 20 are in a town from 8:30 to 17:00, three of ten of
    these then do an errand near it. A phone is heard of every 24 minutes while its owner goes from place to place and
    in the evening, and every 80 otherwise. Of 20 people 14 are from the departement in which they live, one is
    from abroad, and the others are from anywhere.
    """
    rng = np.random.default_rng(_SEED + 1)
    zones = len(country.departement)
    urban = rng.random(devices) < _URBAN_SHARE
    homes = np.where(urban, rng.choice(country.urban, devices), rng.integers(0, zones, devices))
    town = country.towns[homes, rng.choice(3, devices, p=(0.85, 0.1, 0.05))]
    errand = np.array(
        [country.around[each][at] for each, at in zip(town.tolist(), rng.integers(0, _AROUND, devices), strict=True)]
    )
    goes, stops = rng.random(devices) < 0.85, rng.random(devices) < 0.3
    hours = np.arange(2.0, 20.0, 0.4)  # since four in the morning
    dense = ((hours > 3.7) & (hours < 5.5)) | ((hours > 12.1) & (hours < 15.5)) | (hours > 15.9)
    hours = hours[dense | (np.arange(len(hours)) % 3 == 0)]
    times, places, seen = [], [], []
    for hour in hours:
        clock = hour + rng.uniform(0, 0.09, devices)
        there = np.where(goes & (clock >= 4.5) & (clock < 13), town, homes)
        places.append(np.where(goes & stops & (clock >= 13) & (clock < 14.5), errand, there))
        times.append(begin + (clock * _HOUR).astype(np.int64))
        seen.append(rng.random(devices) < heard)
    origins = _origins(rng, country, homes)
    which = np.concatenate(seen)
    time, zone = np.concatenate(times)[which], np.concatenate(places)[which]
    device = np.tile(np.arange(devices), len(times))[which]
    order = np.argsort(time, kind="stable")
    for first in range(0, len(order), at_once):
        rows = order[first : first + at_once]
        yield Events(time[rows], zone[rows], device[rows], origins)


def _origins(rng: np.random.Generator, country: Country, homes: NDArray[np.int64]) -> NDArray[np.int64]:
    """From where those are who live in ``homes``."""
    anywhere = rng.integers(0, len(country.areas), len(homes))
    drawn = rng.random(len(homes))
    origins = np.where(drawn < _AT_HOME, country.departement[homes], anywhere)
    return np.where(drawn >= 1 - _FOREIGN, _ABROAD, origins)
