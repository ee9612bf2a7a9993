"""The cell catalogue: positions, layers from columns, repeated rows, and what each error says."""

from pathlib import Path

import numpy as np
import pytest

from config.errors import ZonesError
from config.sections import ZonesSettings
from tests.zones.country import by_column, by_file, shared, write_cells, zones
from zones.catalogue import Catalogue, read

ABSENT = Path("never-read.geojson")


def by_position(folder: Path, *rows: str, **settings: str) -> tuple[Path, ZonesSettings]:
    path = write_cells(folder / "cells.csv", *rows)
    return path, zones(by_file(ABSENT), cells=path, **settings)


def read_towns(folder: Path, *rows: str, column: str = "town", cell: str = "cell") -> Catalogue:
    path = write_cells(folder / "cells.csv", *rows)
    return read(path, zones(by_column(column), cells=path, cell=cell))


def error_of(path: Path, settings: ZonesSettings) -> str:
    with pytest.raises(ZonesError) as caught:
        read(path, settings)
    assert str(path) in str(caught.value)
    return str(caught.value)


def error_of_towns(folder: Path, *rows: str, column: str = "town", cell: str = "cell") -> str:
    path = write_cells(folder / "cells.csv", *rows)
    return error_of(path, zones(by_column(column), cells=path, cell=cell))


def test_cells_have_positions_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read(*by_position(tmp_path, "cell,lat,lon", "b,46.1,-1.2", "a, 4.5e1 ,0"))
    assert found.cells == ("b", "a")
    np.testing.assert_array_equal(found.lat, [46.1, 45.0])
    np.testing.assert_array_equal(found.lon, [-1.2, 0.0])
    assert found.report[0].endswith("cells.csv: 2 cells from 2 rows")


def test_columns_are_named_by_the_settings(tmp_path: Path) -> None:
    path, settings = by_position(tmp_path, "net;id;y;x", "1;7;46;2", delimiter=";", cell="{net}-{id}", lat="y", lon="x")
    assert read(path, settings).cells == ("1-7",)


def test_positions_are_not_needed_where_no_layer_is_drawn(tmp_path: Path) -> None:
    found = read_towns(tmp_path, "cell,town", "x,B", "y,A")
    assert len(found.lat) == len(found.lon) == 0


def test_the_zones_of_a_column_are_its_values_sorted(tmp_path: Path) -> None:
    found = read_towns(tmp_path, "cell,town", "x,B", "y,A", "z,B", "w,")
    layer, zone = found.layers["towns"]
    assert layer.ids == layer.titles == ("A", "B")
    assert layer.areas == (None, None)
    assert zone.tolist() == [1, 0, 1, layer.outside]


def test_a_column_layer_may_be_a_template(tmp_path: Path) -> None:
    found = read_towns(tmp_path, "cell,city,lac", "x,bj,2", "y,bj,1", "z,,", column="{city}/{lac}")
    assert found.layers["towns"].layer.ids == ("bj/1", "bj/2")
    assert found.layers["towns"].zone.tolist() == [1, 0, 2]


def test_rows_that_repeat_a_cell_count_once(tmp_path: Path) -> None:
    found = read(*by_position(tmp_path, "cell,lat,lon", "x,46.10,2", "y,1,1", "x,46.1,2.0", "x,46.1,2"))
    assert found.cells == ("x", "y")
    assert found.lat.tolist() == [46.1, 1.0]


def test_rows_that_contradict_each_other_are_refused_with_both_and_without_the_cell(tmp_path: Path) -> None:
    message = error_of(*by_position(tmp_path, "cell,lat,lon", "secret,46,2", "y,1,1", "secret,46,3"))
    assert 'rows 2 and 4 are about one cell and differ in "lon"' in message
    assert "secret" not in message
    message = error_of_towns(tmp_path, "cell,town", "secret,A", "y,B", "secret,")
    assert 'rows 2 and 4 are about one cell and differ in "town"' in message
    assert "secret" not in message


def test_an_empty_value_is_refused_with_its_row(tmp_path: Path) -> None:
    message = error_of(*by_position(tmp_path, "cell,lat,lon", "x,46,2", ",46,2", "z,,2", "w, ,2"))
    assert 'row 3: the column "cell" is empty, as in 1 of 4 rows' in message
    assert 'row 4: the column "lat" is empty, as in 2 of 4 rows' in message


def test_an_empty_part_of_a_cell_template_is_refused(tmp_path: Path) -> None:
    message = error_of_towns(tmp_path, "lac,ci,town", "1,2,A", "1,,A", cell="{lac}-{ci}")
    assert 'row 3: the column "ci" is empty' in message


def test_half_a_zone_is_refused(tmp_path: Path) -> None:
    message = error_of_towns(tmp_path, "cell,city,lac", "x,bj,2", "y,bj,", column="{city}/{lac}")
    assert "row 3" in message
    assert "fill in all of them" in message


@pytest.mark.parametrize("value", ["north", '"46,1"', "nan", "inf", "1e999", "#N/A"])
def test_a_position_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    message = error_of(*by_position(tmp_path, "cell,lat,lon", "x,46,2", f"y,{value},2"))
    assert 'row 3: the column "lat" is not a number' in message
    assert "a decimal point" in message


@pytest.mark.parametrize(
    ("position", "said"),
    [
        ("6547973,102980", "look projected, in metres such as Lambert-93 (EPSG:2154)"),
        ("120.1,30.3", "look exchanged"),
        ("46.1,358.8", "counted from 0 to 360"),
    ],
)
def test_a_position_off_the_globe_is_refused_and_explained(tmp_path: Path, position: str, said: str) -> None:
    message = error_of(*by_position(tmp_path, "cell,lat,lon", "x,46,2", f"y,{position}"))
    assert "row 3" in message
    assert "1 of 2 rows" in message
    assert said in message


@pytest.mark.parametrize("zone_id", ["outside", "_", "a>b"])
def test_a_value_that_cannot_be_a_zone_is_refused(tmp_path: Path, zone_id: str) -> None:
    assert "layer towns: the id" in error_of_towns(tmp_path, "cell,town", "x,A", f"y,{zone_id}")


def test_a_column_without_any_zone_is_refused(tmp_path: Path) -> None:
    assert "empty in every row" in error_of_towns(tmp_path, "cell,town", "x,", "y,")


def test_the_sites_of_arcep_are_recognised_as_projected() -> None:
    path = shared("arcep_sites_2018_01_L93.csv.gz")
    settings = zones(by_file(ABSENT), cells=path, cell="{Operateur}-{x}-{y}", lat="y", lon="x", delimiter=";")
    message = error_of(path, settings)
    first, *others = message.splitlines()
    assert "row 2" in first
    assert "77147 of 77148 rows" in first
    assert "Lambert-93 (EPSG:2154)" in first
    assert "convert the file to EPSG:4326" in first
    assert all("row 77149" in line and "not a number" in line for line in others)


def test_an_event_file_can_be_the_catalogue() -> None:
    path = shared("unicom_xdr_201508.csv.gz")
    found = read(path, zones(by_column("lac", "lacs"), cells=path, cell="{lac}-{ci}"))
    assert len(found.cells) == 13_839
    layer, zone = found.layers["lacs"]
    assert [layer.zone_name(int(at)) for at in zone] == [cell.split("-")[0] for cell in found.cells]
