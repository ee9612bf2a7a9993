"""The ground of the festival: the spots where people can be, and the cells that serve each spot.

A spot is a point; the spots of one area lie together in `data/spots.csv`. Areas are the ids of the zones of
`data/zones.geojson`, and the lines that lead to the town (`rail-north`, `motorway`, ...), whose spots are ordered
towards it. Nobody reads zones here: which zone a spot lies in is the affair of `simulator.truth`.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
SETTINGS = DATA / "festival.toml"
"""The settings file of the festival, for every command that takes `--settings`."""

ELSEWHERE = 0
"""The spot of everybody who is beyond the network of the region."""

CANDIDATES = 4
"""How many of the nearest cells may serve a spot."""

_FAR = (46.5800, 0.3400)  # Poitiers: outside of every zone
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class Geography:
    """Spots and cells.

    `lat`, `lon`: float64 degrees (WGS84) of each spot, spot 0 being ELSEWHERE. `areas`: the spots of each area, int16,
    in the order of the file. `cells`: ids of the cells. `serving`: (spots, CANDIDATES) int16, the nearest cells of
    each spot, nearest first, -1 for ELSEWHERE. `odds`: (spots, CANDIDATES) float64, cumulated odds that each of them
    serves a phone there; the last column is 1.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    areas: dict[str, NDArray[np.int16]]
    cells: tuple[str, ...]
    serving: NDArray[np.int16]
    odds: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, area: str, size: int) -> NDArray[np.int16]:
        """`size` random spots of an area, int16."""
        spots = self.areas[area]
        return spots[rng.integers(0, spots.size, size)]


def load(data: Path = DATA) -> Geography:
    """Read `spots.csv` and `cells.csv`."""
    spots = _rows(data / "spots.csv")
    cells = _rows(data / "cells.csv")
    areas: dict[str, list[int]] = {}
    for index, row in enumerate(spots, start=1):
        areas.setdefault(row["area"], []).append(index)
    lat = np.array([_FAR[0], *(float(row["lat"]) for row in spots)])
    lon = np.array([_FAR[1], *(float(row["lon"]) for row in spots)])
    serving, odds = _serve(lat, lon, _column(cells, "lat"), _column(cells, "lon"))
    return Geography(
        lat=lat,
        lon=lon,
        areas={area: np.array(indices, dtype=np.int16) for area, indices in areas.items()},
        cells=tuple(row["cell"] for row in cells),
        serving=serving,
        odds=odds,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name]) for row in rows])


def _serve(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    cell_lat: NDArray[np.float64],
    cell_lon: NDArray[np.float64],
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    north = (lat[:, None] - cell_lat[None, :]) * _METRES_PER_DEGREE
    east = (lon[:, None] - cell_lon[None, :]) * _METRES_PER_DEGREE * np.cos(np.radians(lat))[:, None]
    metres = np.hypot(north, east)
    serving = np.argsort(metres, axis=1, kind="stable")[:, :CANDIDATES].astype(np.int16)
    near = np.take_along_axis(metres, serving.astype(np.intp), axis=1)
    # Fourth power of the distance, as received power falls off among buildings; 100 m keeps the nearest from ruling.
    pull = (near + 100.0) ** -4.0
    odds = np.cumsum(pull / pull.sum(axis=1, keepdims=True), axis=1)
    odds[:, -1] = 1.0
    serving[ELSEWHERE] = -1
    return serving, odds
