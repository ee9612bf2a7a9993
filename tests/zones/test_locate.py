"""Finding the zone of a point: borders, overlaps, and the same answer as looking at every polygon."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from zones.locate import Locator

WEST, EAST, BOTH = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(0, 0, 2, 1)


def locate(*points: tuple[float, float], polygons: list[shapely.Polygon]) -> tuple[list[int], list[bool]]:
    """Zones and whether shared, of points (lon, lat)."""
    lon, lat = np.array(points, dtype=np.float64).reshape(-1, 2).T
    located = Locator(np.array(polygons, dtype=object)).locate(lat, lon)
    assert located.zone.dtype == np.int32
    return located.zone.tolist(), located.shared.tolist()


def test_a_point_is_in_its_zone_or_outside() -> None:
    found = locate((0.5, 0.5), (1.5, 0.5), (3.0, 0.5), polygons=[WEST, EAST])
    assert found == ([0, 1, 2], [False, False, False])


def test_a_point_on_a_border_belongs() -> None:
    assert locate((0.0, 0.5), (0.0, 0.0), polygons=[WEST]) == ([0, 0], [False, False])


def test_a_point_on_a_common_border_takes_the_first_and_is_shared() -> None:
    assert locate((1.0, 0.5), polygons=[WEST, EAST]) == ([0], [True])
    assert locate((1.0, 0.5), polygons=[EAST, WEST]) == ([0], [True])


def test_the_first_of_overlapping_zones_wins_in_file_order() -> None:
    assert locate((1.5, 0.5), polygons=[WEST, EAST, BOTH]) == ([1], [True])
    assert locate((1.5, 0.5), polygons=[BOTH, WEST, EAST]) == ([0], [True])


def test_a_point_in_a_hole_is_outside() -> None:
    ring = shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2)
    assert locate((1.5, 1.5), (1.0, 1.5), polygons=[ring]) == ([1, 0], [False, False])


def test_no_points_have_no_zones() -> None:
    assert locate(polygons=[WEST]) == ([], [])


def test_all_zones_of_a_point_are_named_in_file_order() -> None:
    locator = Locator(np.array([EAST, BOTH, WEST], dtype=object))
    assert locator.zones_at(lat=0.5, lon=0.5).tolist() == [1, 2]


corner = st.integers(0, 6)


@given(
    st.lists(st.tuples(corner, corner, st.integers(1, 3)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), max_size=20),
)
def test_it_answers_as_a_look_at_every_polygon(
    squares: list[tuple[int, int, int]], halves: list[tuple[int, int]]
) -> None:
    polygons = [shapely.box(x, y, x + side, y + side) for x, y, side in squares]
    points = [(x / 2, y / 2) for x, y in halves]
    zones, shared = locate(*points, polygons=polygons)
    for (x, y), zone, is_shared in zip(points, zones, shared, strict=True):
        hits = [at for at, one in enumerate(polygons) if one.intersects(shapely.Point(x, y))]
        assert zone == (hits[0] if hits else len(polygons))
        assert is_shared == (len(hits) > 1)
