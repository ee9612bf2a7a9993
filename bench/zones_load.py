"""How long 35,000 zones and 77,000 cells take to load, on a made-up country; prints one JSON line."""

import argparse
import gzip
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.sections import LayerSettings, ZonesSettings
from zones import Places, load

WEST, SOUTH, STEP = -4.0, 42.5, 0.05


def rough_line(
    rng: np.random.Generator, start: NDArray[np.float64], end: NDArray[np.float64], points: int
) -> NDArray[np.float64]:
    """Lines (..., points, 2) from each ``start`` (..., 2) towards each ``end``, which is left out."""
    along = np.linspace(0.0, 1.0, points, endpoint=False)
    waves = np.arange(1, 7)
    size = rng.normal(0.0, STEP / 60, (*start.shape[:-1], 2, len(waves))) / waves
    sway = np.moveaxis(size @ np.sin(np.pi * np.outer(waves, along)), -2, -1)
    return start[..., None, :] + (end - start)[..., None, :] * along[:, None] + sway


def outlines(rng: np.random.Generator, side: int, points: int) -> NDArray[np.float64]:
    """The rings (side * side, n_points, 2) of zones that tile a square; neighbours share their borders."""
    grid = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1) * STEP
    corners = grid + rng.uniform(-0.3, 0.3, grid.shape) * STEP + (WEST, SOUTH)
    edge = max(points // 4, 1)
    east = rough_line(rng, corners[:, :-1], corners[:, 1:], edge)
    north = rough_line(rng, corners[:-1], corners[1:], edge)

    def back(lines: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([end[..., None, :], lines[..., :0:-1, :]], axis=-2)

    rings = [
        east[:-1],
        north[:, 1:],
        back(east[1:], corners[1:, 1:]),
        back(north[:, :-1], corners[1:, :-1]),
        corners[:-1, :-1, None],
    ]
    return np.concatenate(rings, axis=-2).reshape(side * side, -1, 2).round(6)


def write_country(folder: Path, zones: int, cells: int, points: int) -> ZonesSettings:
    """Writes the zones (GeoJSON, gzip) and the cells (CSV), and gives the settings that read them."""
    rng = np.random.default_rng(7)
    side = int(np.ceil(np.sqrt(zones)))
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"{at:05d}", "name": f"Zone {at}"},
            "geometry": {"type": "Polygon", "coordinates": [ring.tolist()]},
        }
        for at, ring in enumerate(outlines(rng, side, points)[:zones])
    ]
    layer = LayerSettings(name="zones", file=folder / "zones.geojson.gz")
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    (folder / "zones.geojson.gz").write_bytes(gzip.compress(content, 1))
    lon, lat = random_points(rng, cells, side)
    rows = (f"{at},{y:.6f},{x:.6f}\n" for at, (x, y) in enumerate(zip(lon, lat, strict=True)))
    (folder / "cells.csv").write_text("cell,lat,lon\n" + "".join(rows))
    return ZonesSettings(cells=folder / "cells.csv", layers=(layer,))


def random_points(rng: np.random.Generator, number: int, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes (number,) all over the country."""
    lon, lat = rng.uniform(0.0, side * STEP, (2, number)) + np.array([[WEST], [SOUTH]])
    return lon, lat


def points_per_second(places: Places, side: int, number: int = 200_000, fetch: int = 4_000) -> float:
    """The speed of of_points over fetches of ``fetch`` points, after one to warm up."""
    lon, lat = random_points(np.random.default_rng(8), number, side)
    places.of_points(lat[:fetch], lon[:fetch])
    start = time.perf_counter()
    for at in range(0, number, fetch):
        places.of_points(lat[at : at + fetch], lon[at : at + fetch])
    return number / (time.perf_counter() - start)


def cells_per_second(places: Places, cells: int, number: int = 1_000_000) -> float:
    """The speed of of_cells over one long list."""
    names = [str(cell) for cell in np.random.default_rng(9).integers(0, cells, number)]
    start = time.perf_counter()
    places.of_cells(names)
    return number / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=35_000)
    parser.add_argument("--cells", type=int, default=77_000)
    parser.add_argument("--points", type=int, default=64, help="points of a zone's outline")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = write_country(Path(folder), given.zones, given.cells, given.points)
        start = time.perf_counter()
        places = load(settings)
        seconds = time.perf_counter() - start
    side = int(np.ceil(np.sqrt(given.zones)))
    result = {
        "system": "foule",
        "bench": "zones_load",
        "zones": given.zones,
        "cells": given.cells,
        "points_per_zone": given.points,
        "seconds": round(seconds, 2),
        "points_per_s": round(points_per_second(places, side)),
        "cells_per_s": round(cells_per_second(places, given.cells)),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
