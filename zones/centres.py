"""Centres and areas of zones, and how far two centres are apart, on a sphere."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

EARTH_KM = 6371.0088
"""The mean radius of the earth, R1 = (2a + b) / 3 of GRS 80 (H. Moritz, Geodetic Reference System 1980)."""

Centre = tuple[float, float]
"""Latitude and longitude in degrees."""

# Below this length a mean of unit vectors has no direction: its points lie around the whole globe.
_NO_DIRECTION = 1e-9


def of_polygons(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """The centroids on the sphere of polygons, (n,) of shapely Polygon or MultiPolygon: (n, 2), lat and lon in degrees.

    Each ring is taken in the plane of longitude and sine of the latitude, where areas are those of the sphere
    (Lambert's cylindrical equal-area projection), so that its centroid is weighted by true area. The parts of a
    MultiPolygon, which may lie on both sides of the antimeridian, are joined as vectors from the earth's centre. As any
    centroid, it may lie outside of its polygon. NaN where there is no area.
    """
    parts, owner = shapely.get_parts(_equal_area(polygons), return_index=True)
    middle = shapely.get_coordinates(shapely.centroid(parts)) if len(parts) else np.empty((0, 2))
    lat = np.degrees(np.arcsin(np.clip(middle[:, 1], -1.0, 1.0)))
    return _means(lat, np.degrees(middle[:, 0]), shapely.area(parts), owner, len(polygons))


def of_cells(
    lat: NDArray[np.float64], lon: NDArray[np.float64], zone: NDArray[np.int32], zones: int
) -> NDArray[np.float64]:
    """The mean positions on the sphere of the cells of each zone: (zones, 2), lat and lon in degrees.

    ``lat``, ``lon``, ``zone``: (n_cells,); a cell with a NaN, or whose zone is ``zones`` (outside), counts for none.
    NaN for a zone without cells.
    """
    placed = ~(np.isnan(lat) | np.isnan(lon)) & (zone < zones)
    return _means(lat[placed], lon[placed], np.ones(int(placed.sum())), zone[placed].astype(np.int64), zones)


def areas_km2(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """The areas on the sphere of polygons, (n,), in km²; a border is straight in longitude and sine of the latitude."""
    areas: NDArray[np.float64] = shapely.area(_equal_area(polygons)) * EARTH_KM**2
    return areas


def as_centres(positions: NDArray[np.float64]) -> tuple[Centre | None, ...]:
    """Positions, (n, 2), as a layer holds them: None where there is none (NaN)."""
    return tuple(None if np.isnan(lat) else (lat, lon) for lat, lon in positions.tolist())


def as_positions(centres: Sequence[Centre | None]) -> NDArray[np.float64]:
    """The inverse of :func:`as_centres`, (n, 2)."""
    return np.array([(np.nan, np.nan) if one is None else one for one in centres], np.float64).reshape(-1, 2)


def distances_km(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great circle distances of positions, (..., 2) each, lat and lon in degrees; shapes are broadcast. NaN stays NaN.

    The haversine formula (R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68, 1984), which keeps its digits
    for points that are close.
    """
    lat, lon = np.radians(one[..., 0]), np.radians(one[..., 1])
    to_lat, to_lon = np.radians(other[..., 0]), np.radians(other[..., 1])
    half = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    distances: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distances


def distance_km(one: Centre | None, other: Centre | None) -> float | None:
    """The great circle distance of two centres; None where one has none."""
    if one is None or other is None:
        return None
    return float(distances_km(np.array(one), np.array(other)))


def _equal_area(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        radians = np.radians(points)
        return np.column_stack([radians[:, 0], np.sin(radians[:, 1])])

    projected: NDArray[np.object_] = shapely.transform(polygons, project)
    return projected


def _means(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    weight: NDArray[np.float64],
    owner: NDArray[np.int64],
    owners: int,
) -> NDArray[np.float64]:
    """The directions of the weighted sums of unit vectors by ``owner``, (owners, 2)."""
    phi, theta = np.radians(lat), np.radians(lon)
    vectors = np.column_stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    sums = np.zeros((owners, 3))
    np.add.at(sums, owner, vectors * weight[:, None])
    total = np.zeros(owners)
    np.add.at(total, owner, weight)
    x, y, z = sums.T
    means: NDArray[np.float64] = np.degrees(np.column_stack([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)]))
    means[np.linalg.norm(sums, axis=1) <= _NO_DIRECTION * total] = np.nan
    return means
