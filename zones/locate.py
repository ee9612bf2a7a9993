"""Finds the zone of a point among the polygons of one layer."""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray


class Located(NamedTuple):
    """Zones of points: ``zone`` (n,) int32, ``shared`` (n,) bool: the point lies in more than one zone."""

    zone: NDArray[np.int32]
    shared: NDArray[np.bool_]


class Locator:
    """Finds zones by a tree of bounding boxes, then exactly, in polygons indexed on first use.

    A point on a border belongs to the zone. Of several zones the first in the file is taken.
    """

    def __init__(self, polygons: NDArray[np.object_]) -> None:
        self._polygons = polygons
        self._tree = shapely.STRtree(polygons)
        shapely.prepare(polygons)

    def locate(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> Located:
        """The zone of each point, from (n,) degrees each; n_zones where a point lies in none."""
        point, zone = self._hits(lat, lon)
        first = np.full(len(lat), len(self._polygons), dtype=np.int32)
        np.minimum.at(first, point, zone.astype(np.int32))
        return Located(first, np.bincount(point, minlength=len(lat)) > 1)

    def zones_at(self, lat: float, lon: float) -> NDArray[np.int32]:
        """All zones that hold the point, in file order."""
        _, zone = self._hits(np.array([lat]), np.array([lon]))
        return np.sort(zone).astype(np.int32)

    def _hits(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """All pairs of a point and a zone that holds it, as two arrays of indexes."""
        point, zone = self._tree.query(shapely.points(lon, lat))
        inside = shapely.intersects_xy(self._polygons[zone], lon[point], lat[point])
        return point[inside], zone[inside]
