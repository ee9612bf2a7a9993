"""A map has the polygons of a layer with the numbers of one window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from config.errors import FouleError
from config.sections import LayerSettings
from config.times import HOUR, MINUTE
from foule.history.geojson import layer_of, width_of, write_map
from indicators.calendar import DAY_MS, Calendar
from tests.foule.history.coast import LAYER, TIME, Topics
from tests.zones.country import by_column, feature, square, write_zones

COLUMN = by_column("net", "nets")


@pytest.fixture
def layer(tmp_path: Path) -> LayerSettings:
    file = write_zones(
        tmp_path / "coast.geojson", feature("beach", square(0, 0), name="La plage"), feature("port", square(1, 0))
    )
    return LayerSettings(name=LAYER, file=file)


def topics() -> Topics:
    found = Topics().zone("beach", people=1000, arrivals=50, nights=30).zone("beach", HOUR, HOUR, people=80)
    found.zone("gone", people=60).zone("beach", DAY_MS, DAY_MS, people=700)
    found.flow("beach", "port", 60).flow("beach", "outside", 90).flow("port", "beach", 25)
    return found.indicator("categories", {"zone": "beach"}, {"tourist": 40, "transit": 50})


def drawn(folder: Path, layer: LayerSettings, width: int = DAY_MS, window: str | None = None) -> dict[str, Any]:
    [name] = write_map(folder, topics().history(), layer, width, window)
    found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return {"name": name, **found}


def test_zones_have_the_numbers_of_the_window(tmp_path: Path, layer: LayerSettings) -> None:
    found = drawn(tmp_path / "out", layer, window="20140628T0200Z")
    assert found["name"] == "coast_1d_20140628T0200Z.geojson"
    assert found["window"] == {
        "layer": "coast",
        "width": "1d",
        "start": "2014-06-28T02:00:00Z",
        "end": "2014-06-29T02:00:00Z",
        "coverage": 1.0,
    }
    beach, port = found["features"]
    area = beach["properties"].pop("area_km2")
    assert area == pytest.approx(111.195**2, rel=1e-3)
    assert beach["properties"] == {
        "id": "beach",
        "title": "La plage",
        "people": 1000,
        "arrivals": 50,
        "nights": 30,
        "categories:tourist": 40,
        "categories:transit": 50,
        "density": round(1000 / area, 2),
        "flows_in": 25,
        "flows_out": 150,
        "main_origin": "port",
        "main_destination": "port",
    }
    assert port["properties"].keys() == {
        "id",
        "title",
        "area_km2",
        "flows_in",
        "flows_out",
        "main_origin",
        "main_destination",
    }
    assert shapely.equals(shapely.from_geojson(json.dumps(beach["geometry"])), shapely.box(0, 0, 1, 1))


def test_people_who_were_estimated_of_a_number_stand_beside_it(tmp_path: Path, layer: LayerSettings) -> None:
    found = Topics().zone("beach", people=1000, arrivals=50, nights=30, estimate={"people": [2500, 2400, 2600]})
    found.zone("port", people=80, nights=30, estimate={"nights": [75, 60, 90]})
    estimate = {"tourist": [100, 80, 120]}
    found.indicator("categories", {"zone": "port"}, {"tourist": 40, "transit": 50}, estimate=estimate)
    [name] = write_map(tmp_path, found.history(), layer, DAY_MS, None)
    beach, port = (one["properties"] for one in json.loads((tmp_path / name).read_text("utf-8"))["features"])
    assert {"people": 1000, "people_estimate": 2500, "low": 2400, "high": 2600, "arrivals": 50}.items() <= beach.items()
    assert beach["density"] == round(1000 / beach["area_km2"], 2)
    assert {key: value for key, value in port.items() if ":" in key} == {
        "nights:people_estimate": 75,
        "nights:low": 60,
        "nights:high": 90,
        "categories:tourist": 40,
        "categories:tourist:people_estimate": 100,
        "categories:tourist:low": 80,
        "categories:tourist:high": 120,
        "categories:transit": 50,
    }
    assert not {"people_estimate", "low", "high"} & port.keys()


def test_without_a_window_it_is_the_latest(tmp_path: Path, layer: LayerSettings) -> None:
    found = drawn(tmp_path / "out", layer)
    assert found["window"]["start"] == "2014-06-29T02:00:00Z"
    assert [feature["properties"].get("people") for feature in found["features"]] == [700, None]


@pytest.mark.parametrize("window", [None, "2014-06-28T05:00:00+02:00", "20140628T0300Z"])
def test_another_width_has_windows_of_its_own(tmp_path: Path, layer: LayerSettings, window: str | None) -> None:
    found = drawn(tmp_path / "out", layer, HOUR, window)
    assert (found["window"]["width"], found["features"][0]["properties"]["people"]) == ("1h", 80)


@pytest.mark.parametrize(
    ("width", "window", "said"),
    [
        (DAY_MS, "20140628T0300Z", "starts at 20140628T0300Z; the first is 20140628T0200Z, the last 20140629T0200Z"),
        (DAY_MS, "noon", "--window 'noon': the start of a window is expected, such as 20140629T0200Z"),
        (5 * MINUTE, None, "nothing is published of windows of 5m of layer coast"),
    ],
)
def test_a_window_without_numbers_is_an_error(
    tmp_path: Path, layer: LayerSettings, width: int, window: str | None, said: str
) -> None:
    with pytest.raises(FouleError, match=said):
        drawn(tmp_path / "out", layer, width, window)
    assert not (tmp_path / "out").exists()


def test_a_layer_by_column_has_nothing_to_draw(tmp_path: Path, layer: LayerSettings) -> None:
    with pytest.raises(FouleError, match="layer nets comes from a column of the cell catalogue and has no polygons"):
        write_map(tmp_path, topics().history(), COLUMN, DAY_MS, None)
    with pytest.raises(FouleError, match="has no polygons"):
        layer_of([layer, COLUMN], ["nets"])


def test_one_of_several_layers_must_be_named(layer: LayerSettings) -> None:
    assert layer_of([layer], []) == layer_of([layer, COLUMN], [LAYER]) == layer
    with pytest.raises(FouleError, match="give one of coast, nets as --layer"):
        layer_of([layer, COLUMN], [])


def test_the_width_is_that_of_a_day_unless_given() -> None:
    calendar = Calendar.of(TIME)
    assert (width_of(calendar, None), width_of(calendar, "5m")) == (DAY_MS, 5 * MINUTE)
    with pytest.raises(FouleError, match=r"--width 2h: one of time\.windows is expected: 5m, 1h, 1d"):
        width_of(calendar, "2h")
