"""Centres of zones lie in the middle on the sphere, areas and distances are those of the sphere."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.zones.country import by_column, by_file, feature, square, write_cells, write_zones, zones
from zones import Places, centres, load

# The mean radius of GRS 80: (2 * 6378.137 + 6356.752314) / 3.
RADIUS = (2 * 6378.137 + 6356.752314) / 3
PARIS, MARSEILLE = (48.8566, 2.3522), (43.2965, 5.3698)

positions = st.tuples(st.floats(-89, 89), st.floats(-179.9, 179.9))


def test_the_radius_is_the_mean_radius_of_the_earth() -> None:
    assert pytest.approx(RADIUS, abs=1e-4) == centres.EARTH_KM


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 90), RADIUS * np.pi / 2),
        ((0, 0), (0, 180), RADIUS * np.pi),
        ((90, 0), (-90, 77), RADIUS * np.pi),
        ((0, 179.5), (0, -179.5), RADIUS * np.pi / 180),
        ((60, 0), (60, 180), RADIUS * np.pi / 3),
        (PARIS, PARIS, 0),
        (PARIS, MARSEILLE, 660.5),
    ],
)
def test_a_distance_is_along_the_great_circle(one: tuple[float, float], other: tuple[float, float], km: float) -> None:
    assert centres.distance_km(one, other) == pytest.approx(km, abs=0.2)


@given(positions, positions)
def test_a_distance_is_that_of_the_spherical_law_of_cosines(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    (a, x), (b, y) = np.radians(one), np.radians(other)
    cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(y - x)
    # near 0 and 180 degrees the cosine has no digits left
    assert centres.distance_km(one, other) == pytest.approx(RADIUS * np.arccos(np.clip(cosine, -1, 1)), abs=0.5)


def test_metres_are_not_lost() -> None:
    metre = 0.001 / RADIUS * 180 / np.pi
    assert centres.distance_km(PARIS, (PARIS[0] + metre, PARIS[1])) == pytest.approx(0.001, rel=1e-6)


def test_distances_come_as_columns_and_unknown_ones_stay_unknown() -> None:
    some = centres.as_positions([PARIS, None, MARSEILLE])
    found = centres.distances_km(some[:, None], some[None, :])
    assert found.shape == (3, 3)
    assert np.isnan(found[1]).all() and np.isnan(found[:, 1]).all()
    assert found[0, 2] == found[2, 0] == centres.distance_km(PARIS, MARSEILLE)
    assert centres.distance_km(PARIS, None) is None
    assert centres.as_centres(some) == (PARIS, None, MARSEILLE)
    assert centres.as_positions([]).shape == (0, 2)


def drawn(*shapes: object) -> np.ndarray:
    return np.array(shapes, dtype=object)


def test_the_centre_of_a_square_at_the_equator_is_its_middle() -> None:
    [centre] = centres.of_polygons(drawn(shapely.box(10, -1, 12, 1)))
    np.testing.assert_allclose(centre, (0, 11), atol=1e-9)


def test_the_southern_part_of_a_wide_northern_zone_weighs_more() -> None:
    [(lat, lon)] = centres.of_polygons(drawn(shapely.box(0, 0, 1, 60)))
    assert lat == pytest.approx(np.degrees(np.arcsin(np.sin(np.radians(60)) / 2)))
    assert lat < 30 and lon == pytest.approx(0.5)


def test_a_zone_on_both_sides_of_the_antimeridian_has_its_centre_there() -> None:
    fiji = shapely.MultiPolygon([shapely.box(178, -19, 180, -16), shapely.box(-180, -19, -178, -16)])
    [(lat, lon)] = centres.of_polygons(drawn(fiji))
    assert abs(lon) == pytest.approx(180)
    assert lat == pytest.approx(-17.5, abs=0.01)


def test_a_larger_part_draws_the_centre_to_it() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 0, 6, 1)])
    [(_, lon)] = centres.of_polygons(drawn(two))
    assert lon == pytest.approx((0.5 * 1 + 4.5 * 3) / 4, abs=0.01)


def test_areas_are_those_of_the_sphere() -> None:
    octant = shapely.box(0, 0, 90, 90)
    ring = shapely.box(0, 0, 1, 1).difference(shapely.box(0.25, 0.25, 0.75, 0.75))
    found = centres.areas_km2(drawn(octant, ring))
    np.testing.assert_allclose(found[0], 4 * np.pi * RADIUS**2 / 8, rtol=1e-6)
    np.testing.assert_allclose(found[1], 0.75 * (RADIUS * np.pi / 180) ** 2, rtol=1e-3)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    towns = write_zones(tmp_path / "towns.geojson", feature("west", square(0, 0)), feature("east", square(1, 0)))
    cells = write_cells(
        tmp_path / "cells.csv", "cell,lat,lon,net", "a,0,10,N", "b,0,20,N", "c,5,5,S", "c2,5,5,S", "d,1,1,", "a,0,10,N"
    )
    return load(zones(by_file(towns), by_column("net", "nets"), cells=cells))


def test_layers_have_the_centres_of_polygons_and_of_cells(places: Places) -> None:
    towns, nets = places.layers
    np.testing.assert_allclose(centres.as_positions(towns.centres), np.array([(0.5, 0.5), (0.5, 1.5)]), atol=1e-3)
    np.testing.assert_allclose(centres.as_positions(nets.centres), np.array([(0, 15), (5, 5)]), atol=1e-9)
    assert list(towns.centre_of) == ["west", "east"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("cell,net", "a,N"), [None]),
        (("cell,lat,lon,net", "a,45,3,N"), [(45, 3)]),
        (("cell,lat,lon,net", "a,45,,N", "b,nowhere,3,N", "c,99,3,N"), [None]),
        (("cell,lat,lon,net", "a,45,,N", "b,44,3,N", "c,1,1,"), [(44, 3)]),
        (("cell,lat,lat,lon,net", "a,45,45,3,N"), [None]),
    ],
)
def test_a_layer_by_column_alone_needs_no_positions_and_takes_those_that_are_there(
    tmp_path: Path, rows: tuple[str, ...], expected: list[object]
) -> None:
    cells = write_cells(tmp_path / "cells.csv", *rows)
    [layer] = load(zones(by_column("net", "nets"), cells=cells)).layers
    assert [centre and pytest.approx(centre) for centre in layer.centres] == expected


def test_centres_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    found = []
    for rows in (("cell,net", "a,N"), ("cell,lat,lon,net", "a,45,3,N")):
        cells = write_cells(tmp_path / "cells.csv", *rows)
        found.append(load(zones(by_column("net", "nets"), cells=cells)))
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].layers == found[1].layers
    assert found[0].layers[0].centres != found[1].layers[0].centres


def test_cells_around_the_whole_globe_have_no_centre() -> None:
    lon = np.array([0.0, 90.0, 180.0, -90.0])
    assert centres.as_centres(centres.of_cells(np.zeros(4), lon, np.zeros(4, np.int32), 1)) == (None,)
