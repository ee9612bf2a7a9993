"""Layers from GeoJSON: what is read, what is repaired, and what each error says."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ZonesError
from tests.zones.country import by_file, feature, shared, square, write_zones
from zones.layers import Layer, ZoneFile, read

TWO = (feature("a", square(0, 0), name="Alpha", area="17"), feature("b", square(1, 0), name="Beta"))
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}


def read_features(folder: Path, *features: object, **members: object) -> ZoneFile:
    path = write_zones(folder / "zones.geojson", *features, **members)
    return read(path, by_file(path))


def error_of(path: Path, **settings: str) -> str:
    with pytest.raises(ZonesError) as caught:
        read(path, by_file(path, **settings))
    assert str(path) in str(caught.value)
    return str(caught.value)


def error_of_features(folder: Path, *features: object, **members: object) -> str:
    return error_of(write_zones(folder / "zones.geojson", *features, **members))


def test_zones_keep_the_order_of_the_file_with_titles_and_areas(tmp_path: Path) -> None:
    layer = read_features(tmp_path, *TWO).layer
    assert layer == Layer("towns", ("a", "b"), ("Alpha", "Beta"), ("17", None))


def test_outside_follows_the_last_zone() -> None:
    layer = Layer("towns", ("a", "b"), ("A", "B"), (None, None))
    assert layer.outside == 2
    assert [layer.zone_name(index) for index in (0, 1, 2)] == ["a", "b", "outside"]
    for index in (-1, 3):
        with pytest.raises(IndexError):
            layer.zone_name(index)


def test_gzip_is_told_by_content_and_reads_the_same(tmp_path: Path) -> None:
    packed = write_zones(tmp_path / "zones.geojson.gz", *TWO)
    renamed = packed.rename(tmp_path / "zones.geojson")
    assert read(renamed, by_file(renamed)).layer.ids == ("a", "b")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = write_zones(tmp_path / "zones.geojson", *TWO)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path, by_file(path)).layer.ids == ("a", "b")


def test_multipolygons_holes_and_heights_are_read(tmp_path: Path) -> None:
    hole = [[0.2, 0.2], [0.2, 0.4], [0.4, 0.4], [0.4, 0.2], [0.2, 0.2]]
    ring = [[*point, 5.0] for point in square(0, 0)["coordinates"][0]]
    parts = {"type": "MultiPolygon", "coordinates": [[ring, hole], square(3, 0)["coordinates"]]}
    polygons = read_features(tmp_path, feature("a", parts)).polygons
    assert polygons[0].area == pytest.approx(2 - 0.04)


def test_ids_may_be_whole_numbers(tmp_path: Path) -> None:
    assert read_features(tmp_path, feature(17094, square(0, 0), area=17)).layer.ids == ("17094",)
    assert read_features(tmp_path, feature(17094, square(0, 0), area=17)).layer.areas == ("17",)


def test_properties_are_named_by_the_settings(tmp_path: Path) -> None:
    path = write_zones(tmp_path / "zones.geojson", feature(None, square(0, 0), code="x", nom="Ixe"))
    assert read(path, by_file(path, id="code", title="nom")).layer.titles == ("Ixe",)


def test_a_zone_without_title_takes_its_id_and_is_reported(tmp_path: Path) -> None:
    found = read_features(tmp_path, *TWO, feature("c", square(2, 0)), feature("d", square(3, 0), name=""))
    assert found.layer.titles == ("Alpha", "Beta", "c", "d")
    assert any('2 of 4 zones have no property "name"' in line for line in found.report)


def test_a_polygon_that_crosses_itself_is_repaired_and_reported(tmp_path: Path) -> None:
    found = read_features(tmp_path, *TWO, feature("c", BOW_TIE))
    assert shapely.is_valid(found.polygons).all()
    assert found.polygons[2].area == pytest.approx(2.0)
    (line,) = [line for line in found.report if "repaired" in line]
    assert 'feature 2 (zone "c")' in line
    assert "Self-intersection" in line


def test_parts_that_overlap_are_joined_not_cut_out(tmp_path: Path) -> None:
    parts = {"type": "MultiPolygon", "coordinates": [square(x, 0, 2)["coordinates"] for x in (0, 1)]}
    found = read_features(tmp_path, feature("a", parts))
    assert found.polygons[0].area == pytest.approx(6.0)


def test_the_polygonal_part_of_a_spiked_polygon_is_kept(tmp_path: Path) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [1, 5], [1, 1], [0, 1], [0, 0]]
    found = read_features(tmp_path, feature("a", {"type": "Polygon", "coordinates": [ring]}))
    assert found.polygons[0].equals(shapely.box(0, 0, 1, 1))
    assert any("repaired" in line for line in found.report)


def test_valid_polygons_are_not_reported(tmp_path: Path) -> None:
    assert len(read_features(tmp_path, *TWO).report) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"type": "FeatureCollection", "features": [', "truncated"),
        (b'{"type": "FeatureCollection", "features": [}', "malformed"),
        (b'{"type": "Feature", "geometry": null}', "\"type\" is 'Feature'"),
        (b"[1, 2]", "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": {}}', "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection"}', "not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "no features"),
        (b'{"type": "FeatureCollection", "features": [7]}', "feature 0"),
        (b'{"type": "FeatureCollection", "features": [{"properties": []}]}', "feature 0"),
        (b"", "the file is empty"),
        (b"\x1f\x8bdamaged", "gzip data is damaged"),
        (gzip.compress(b'{"type": "FeatureCollection"}', mtime=0)[:-9], "gzip data is damaged"),
        (b'{"features": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"type": "FeatureCollection", "features": [{"properties": {"id": "\xe9"}}]}', "feature 0"),
        (
            b'{"type": "FeatureCollection", "features": [{"properties": {"id": "a"}, "geometry": "\xe9"}]}',
            "0",
        ),
    ],
)
def test_what_is_no_feature_collection_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "zones.geojson"
    path.write_bytes(content)
    assert said in error_of(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "there is no such file" in error_of(tmp_path / "absent.geojson")
    assert "cannot be read" in error_of(tmp_path)


RING = square(0, 0)["coordinates"][0]


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (None, "no geometry"),
        ("here", "not a GeoJSON object"),
        ({"type": "Point", "coordinates": [0, 0]}, "the geometry is a Point; a Polygon or MultiPolygon"),
        ({"type": "GeometryCollection", "geometries": []}, "the geometry is a GeometryCollection"),
        ({"coordinates": [RING]}, "the geometry is a None"),
        ({"type": "Polygon", "coordinates": [RING[:-1]]}, "a ring is not closed"),
        ({"type": "Polygon", "coordinates": []}, "the geometry is empty"),
        ({"type": "MultiPolygon", "coordinates": []}, "the geometry is empty"),
        ({"type": "Polygon"}, "the coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": RING}, "the coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": [[["0", 0], *RING[1:]]]}, "the coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": [[[None, 0], *RING[1:]]]}, "the coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": [[[0], *RING[1:]]]}, "the coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, "the polygon has no area"),
    ],
)
def test_a_wrong_geometry_is_refused_with_its_feature(tmp_path: Path, geometry: object, said: str) -> None:
    message = error_of_features(tmp_path, *TWO, feature("c", geometry))
    assert "feature 2" in message
    assert said in message


def test_a_number_too_large_is_refused(tmp_path: Path) -> None:
    path = write_zones(tmp_path / "zones.geojson", feature("a", square(12345, 0)))
    path.write_text(path.read_text().replace("12345", "1e999"))
    assert "feature 0: the coordinates cannot be read" in error_of(path)


def test_every_wrong_geometry_is_named_up_to_ten(tmp_path: Path) -> None:
    message = error_of_features(tmp_path, *(feature(at, None) for at in range(13)))
    assert "feature 9:" in message
    assert "feature 10:" not in message
    assert message.endswith("and 3 more problems")


def test_duplicate_ids_are_refused_with_both_features(tmp_path: Path) -> None:
    message = error_of_features(tmp_path, *TWO, feature("a", square(2, 0)))
    assert 'feature 2: the id "a" is also that of feature 0' in message


def test_a_number_and_the_same_text_are_one_id(tmp_path: Path) -> None:
    message = error_of_features(tmp_path, feature(1, square(0, 0)), feature("1", square(1, 0)))
    assert 'feature 1: the id "1" is also that of feature 0' in message


def test_a_missing_id_property_is_refused_once_with_those_there_are(tmp_path: Path) -> None:
    path = write_zones(tmp_path / "zones.geojson", *TWO)
    message = error_of(path, id="code")
    assert 'feature 0: no property "code"' in message
    assert '"id", "name", "area"' in message
    assert "as in 2 of 2 features" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("zone_id", [None, True, 1.5, ["a"], {"a": 1}])
def test_an_id_that_is_neither_text_nor_whole_number_is_refused(tmp_path: Path, zone_id: object) -> None:
    message = error_of_features(tmp_path, *TWO, feature(zone_id, square(2, 0)))
    assert "feature 2" in message
    assert "a text or a whole number is expected" in message


@pytest.mark.parametrize("zone_id", ["", "outside", "_", "a>b", "a\nb"])
def test_an_id_that_the_outputs_could_not_tell_apart_is_refused(tmp_path: Path, zone_id: str) -> None:
    assert "feature 2: the id" in error_of_features(tmp_path, *TWO, feature(zone_id, square(2, 0)))


@pytest.mark.parametrize(
    ("west", "south", "said"),
    [
        (390_000.0, 6_560_000.0, "look projected, in metres such as Lambert-93 (EPSG:2154)"),
        (2.0, 120.0, "longitude and latitude look exchanged"),
        (358.0, 46.0, "counted from 0 to 360"),
    ],
)
def test_coordinates_off_the_globe_are_refused_and_explained(
    tmp_path: Path, west: float, south: float, said: str
) -> None:
    message = error_of_features(tmp_path, *TWO, feature("c", square(west, south)))
    assert "feature 2" in message
    assert "1 of 3 features" in message
    assert said in message
    assert "EPSG:4326" in message


def test_the_coordinate_system_that_a_file_names_is_quoted(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    message = error_of_features(tmp_path, feature("a", square(390_000, 6_560_000)), crs=crs)
    assert '(the file names the system "urn:ogc:def:crs:EPSG::2154")' in message


def test_the_edges_of_the_globe_are_on_it(tmp_path: Path) -> None:
    corner = {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, -90]]]}
    assert read_features(tmp_path, feature("a", corner)).layer.ids == ("a",)


texts = st.text("ab0>_é", max_size=4)
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["id", "name", "area"]), json_values) | json_values,
            "geometry": json_values
            | st.fixed_dictionaries(
                {"type": st.sampled_from(["Polygon", "MultiPolygon", "Point"]), "coordinates": json_values}
            ),
        },
    )
)
def test_any_feature_is_read_or_refused_with_a_zones_error(
    tmp_path_factory: pytest.TempPathFactory, wild: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("wild") / "zones.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [wild]}))
    try:
        found = read(path, by_file(path))
    except ZonesError as error:
        assert str(path) in str(error)
    else:
        assert shapely.is_valid(found.polygons).all()


def test_the_communes_of_three_departements_are_read() -> None:
    path = shared("fr_communes_17_33_13.geojson.gz")
    layer = read(path, by_file(path, id="code", title="nom")).layer
    assert len(layer.ids) == 1131
    assert layer.titles[layer.ids.index("17094")] == "Châtelaillon-Plage"


def test_the_quartiers_of_marseille_have_no_unique_district() -> None:
    path = shared("marseille_quartiers.geojson.gz")
    assert len(read(path, by_file(path, id="code_qua", title="nom")).layer.ids) == 111
    assert 'feature 1: the id "13201" is also that of feature 0' in error_of(path, id="DEPCO")
