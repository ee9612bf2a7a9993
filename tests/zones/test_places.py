"""Places: the zones of cells and points in all layers, the report, and what the fingerprint tells apart."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.errors import ZonesError
from config.sections import ZonesSettings
from tests.zones.country import by_column, by_file, feature, shared, square, write_cells, write_zones, zones
from zones import Places, load

CELLS = ("cell,lat,lon,net", "w,0.5,0.5,N", "e,0.5,1.5,N", "far,50,50,S", "border,0.5,1,")


@pytest.fixture
def settings(tmp_path: Path) -> ZonesSettings:
    """Two towns side by side, one region over both and more, and nets by column; four cells."""
    towns = write_zones(tmp_path / "towns.geojson", feature("west", square(0, 0)), feature("east", square(1, 0)))
    region = write_zones(tmp_path / "region.geojson", feature("all", square(-1, -1, 4)))
    cells = write_cells(tmp_path / "cells.csv", *CELLS)
    return zones(by_file(towns), by_file(region, "region"), by_column("net", "nets"), cells=cells)


@pytest.fixture
def places(settings: ZonesSettings) -> Places:
    return load(settings)


def names(places: Places, found: NDArray[np.int32]) -> list[tuple[str, ...]]:
    """The zones' ids of places, by layer."""
    return [
        tuple(layer.zone_name(int(zone)) for layer, zone in zip(places.layers, row, strict=True))
        for row in places.zones[found]
    ]


def points(*lon_lat: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.array(lon_lat, dtype=np.float64).reshape(-1, 2).T
    return lat, lon


def test_cells_have_the_zones_of_every_layer(places: Places) -> None:
    found = places.of_cells(["w", "e", "far", "border"])
    assert found.dtype == places.zones.dtype == np.int32
    assert names(places, found) == [
        ("west", "all", "N"),
        ("east", "all", "N"),
        ("outside", "outside", "S"),
        ("west", "all", "outside"),
    ]


def test_an_unknown_cell_is_minus_one(places: Places) -> None:
    assert places.of_cells(["nowhere", "w", ""]).tolist() == [-1, places.of_cells(["w"])[0], -1]
    assert places.of_cells([]).tolist() == []


def test_cells_in_the_same_zones_share_a_place(tmp_path: Path) -> None:
    towns = write_zones(tmp_path / "towns.geojson", feature("west", square(0, 0)))
    cells = write_cells(tmp_path / "cells.csv.gz", "cell,lat,lon", "a,0.1,0.1", "b,9,9", "c,0.9,0.9")
    places = load(zones(by_file(towns), cells=cells))
    a, b, c = places.of_cells(["a", "b", "c"])
    assert a == c != b
    assert len(places.zones) == 2


def test_points_are_located_in_drawn_layers_and_outside_of_columns(places: Places) -> None:
    found = places.of_points(*points((0.5, 0.5), (2.5, 0.5), (50, 50)))
    assert found.dtype == np.int32
    assert names(places, found) == [
        ("west", "all", "outside"),
        ("outside", "all", "outside"),
        ("outside", "outside", "outside"),
    ]


def test_points_add_places_only_where_they_are_new(places: Places) -> None:
    before = places.zones.copy()
    first = places.of_points(*points((2.5, 0.5), (0.5, 0.5), (2.6, 0.5)))
    grown = len(places.zones)
    again = places.of_points(*points((2.5, 0.5), (0.5, 0.5), (2.6, 0.5)))
    assert first.tolist() == again.tolist()
    assert first[1] == places.of_cells(["border"])[0]
    assert grown == len(places.zones) == len(before) + 1
    np.testing.assert_array_equal(places.zones[: len(before)], before)


def test_no_points_have_no_places(places: Places) -> None:
    assert places.of_points(*points()).tolist() == []


def test_many_places_are_kept_as_they_grow(tmp_path: Path) -> None:
    grid = [(x, y) for x in range(20) for y in range(20)]
    layers = [
        by_file(
            write_zones(tmp_path / f"{name}.geojson", *(feature(at, square(at, -1, side)) for at in range(20))),
            name,
        )
        for name, side in (("a", 30), ("b", 1))
    ]
    places = load(zones(*layers))
    centres = [(x + 0.5, y + 0.5 - 1) for x, y in grid]
    found = places.of_points(*points(*centres))
    single = [int(places.of_points(*points(centre))[0]) for centre in centres]
    assert found.tolist() == single
    assert len(places.zones) == len(set(single)) > 16
    assert len({tuple(row) for row in places.zones.tolist()}) == len(places.zones)


def test_the_zones_of_places_cannot_be_written(places: Places) -> None:
    with pytest.raises(ValueError, match="read-only"):
        places.zones[0, 0] = 1
    places.of_points(*points((2.5, 0.5)))


def test_cells_and_points_in_two_zones_are_counted(places: Places) -> None:
    (line,) = [line for line in places.report if "more than one zone" in line]
    assert "layer towns: 1 of 4 cells" in line
    assert "west, east" in line
    assert places.shared_points.tolist() == [0, 0, 0]
    places.of_points(*points((1.0, 0.5), (1.0, 0.6), (0.5, 0.5)))
    assert places.shared_points.tolist() == [2, 0, 0]


def test_cells_outside_are_reported(places: Places) -> None:
    assert "layer towns: 1 of 4 cells lie in no zone" in places.report
    assert "layer nets: 1 of 4 cells lie in no zone" in places.report


def test_exchanged_columns_are_suspected_where_every_cell_is_outside(settings: ZonesSettings) -> None:
    assert settings.cells is not None
    write_cells(settings.cells, "cell,lat,lon,net", "w,30,0.5,N", "e,30,1.5,N")
    report = load(settings).report
    assert "layer towns: 2 of 2 cells lie in no zone; are latitude and longitude exchanged?" in report


def test_a_layer_may_come_without_a_catalogue(tmp_path: Path) -> None:
    towns = write_zones(tmp_path / "towns.geojson", feature("west", square(0, 0)))
    places = load(zones(by_file(towns)))
    assert places.of_cells(["w"]).tolist() == [-1]
    assert places.zones.shape == (0, 1)
    assert names(places, places.of_points(*points((0.5, 0.5)))) == [("west",)]


def test_a_column_without_a_catalogue_is_refused() -> None:
    with pytest.raises(ZonesError, match="layer towns comes from the column 'town'"):
        load(zones(by_column("town")))


def test_no_layer_at_all_is_refused() -> None:
    with pytest.raises(ZonesError, match=r"add \[\[zones.layers\]\]"):
        load(zones())


def test_the_fingerprint_is_that_of_the_content_not_of_its_packing(settings: ZonesSettings) -> None:
    first = load(settings)
    assert settings.cells is not None
    write_cells(settings.cells, *CELLS, CELLS[1])
    second = load(settings)
    second.of_points(*points((2.5, 0.5)))
    assert first.fingerprint == second.fingerprint
    assert int(first.fingerprint, 16) >= 0


def test_the_fingerprint_changes_with_whatever_decides_a_zone(tmp_path: Path) -> None:
    a, b = feature("a", square(0, 0)), feature("b", square(1, 0))

    def fingerprint(*features: object, name: str = "towns", rows: tuple[str, ...] = ("x,0.5,0.5",)) -> str:
        path = write_zones(tmp_path / "towns.geojson", *features)
        cells = write_cells(tmp_path / "cells.csv", "cell,lat,lon", *rows)
        return load(zones(by_file(path, name), cells=cells)).fingerprint

    different = [
        fingerprint(a, b),
        fingerprint(b, a),
        fingerprint(a),
        fingerprint(feature("A", square(0, 0)), b),
        fingerprint(feature("a", square(0, 0, 0.999)), b),
        fingerprint(a, b, name="other"),
        fingerprint(a, b, rows=("y,0.5,0.5",)),
        fingerprint(a, b, rows=("x,0.5,0.6",)),
        fingerprint(a, b, rows=("x,0.5,0.5", "y,0.5,0.5")),
    ]
    assert len(set(different)) == len(different)


def test_the_fingerprint_changes_when_a_cell_moves_to_another_zone_of_a_column(
    settings: ZonesSettings,
) -> None:
    before = load(settings).fingerprint
    assert settings.cells is not None
    write_cells(settings.cells, *(row.replace("w,0.5,0.5,N", "w,0.5,0.5,S") for row in CELLS))
    assert load(settings).fingerprint != before


@given(st.lists(st.tuples(st.integers(-2, 8), st.integers(-2, 8)), max_size=30), st.integers(1, 30))
def test_places_do_not_depend_on_how_points_are_cut_into_fetches(
    tmp_path_factory: pytest.TempPathFactory, halves: list[tuple[int, int]], cut: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    layers = [
        by_file(
            write_zones(folder / f"{side}.geojson", *(feature(at, square(at, 0, side)) for at in range(3))),
            name,
        )
        for name, side in (("small", 1), ("large", 2))
    ]
    lat, lon = points(*((x / 2, y / 2) for x, y in halves))
    whole, cuts = load(zones(*layers)), load(zones(*layers))
    at_once = names(whole, whole.of_points(lat, lon))
    in_turn = [
        zone
        for at in range(0, len(lat), cut)
        for zone in names(cuts, cuts.of_points(lat[at : at + cut], lon[at : at + cut]))
    ]
    assert at_once == in_turn
    assert whole.shared_points.tolist() == cuts.shared_points.tolist()


def test_marseille_and_its_districts_overlap_and_the_first_in_the_file_wins() -> None:
    communes = by_file(shared("fr_communes_17_33_13.geojson.gz"), "communes", id="code", title="nom")
    quartiers = by_file(shared("marseille_quartiers.geojson.gz"), "quartiers", id="code_qua", title="nom")
    places = load(zones(communes, quartiers))
    ids = places.layers[0].ids
    district = "13201"  # the first arrondissement, where the station Saint-Charles is
    first = "13055" if ids.index("13055") < ids.index(district) else district
    (found,) = names(places, places.of_points(*points((5.3804, 43.3027))))
    assert found[0] == first
    assert found[1].startswith("13201")
    assert places.shared_points.tolist() == [1, 0]


def test_the_lacs_of_the_unicom_file_are_zones() -> None:
    cells = shared("unicom_xdr_201508.csv.gz")
    places = load(zones(by_column("lac", "lacs"), cells=cells, cell="{lac}-{ci}"))
    assert names(places, places.of_cells(["40984-17112"])) == [("40984",)]
    assert places.of_cells(["40984-", "17112"]).tolist() == [-1, -1]


def test_the_cells_of_each_zone_are_counted(places: Places) -> None:
    counted = [places.cells_of_zones(layer).tolist() for layer in range(3)]
    assert counted == [[2, 1], [3], [2, 1]]
    places.of_points(*points((0.1, 0.1), (1.5, 0.5)))  # adds places, and no cell
    assert [places.cells_of_zones(layer).tolist() for layer in range(3)] == counted
