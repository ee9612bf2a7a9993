"""Nesting: the parent of each zone, named or found, and what is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from config.errors import ZonesError
from config.sections import LayerSettings, ZonesSettings
from tests.zones.country import by_column, by_file, feature, square, write_cells, write_zones, zones
from zones import Places, load

Parents = dict[str, dict[str, str] | None]


def parents(places: Places) -> Parents:
    """By layer, the id of each zone's parent; None for a layer without a parent layer."""
    found: Parents = {}
    for layer in places.layers:
        if layer.parent is None:
            assert layer.parents == ()
            found[layer.name] = None
        else:
            above = places.layers[layer.parent]
            names = [above.zone_name(at) for at in layer.parents]
            found[layer.name] = dict(zip(layer.ids, names, strict=True))
    return found


def said(places: Places, text: str) -> list[str]:
    return [line for line in places.report if text in line]


def in_columns(folder: Path, *rows: str, parent: str | None = None) -> ZonesSettings:
    """Quarters, towns and regions by column; ``parent`` is that of the quarters."""
    cells = write_cells(folder / "cells.csv", "cell,quarter,town,region", *rows)
    quarters = LayerSettings(name="quarters", column="quarter", parent=parent)
    return zones(quarters, by_column("town", "towns"), by_column("region", "regions"), cells=cells)


NESTED = ("1,q1,t1,r", "2,q2,t1,r", "3,q2,t1,r", "4,q3,t2,r", "5,,t2,r", "6,q4,,", "7,,,r")


def test_layers_whose_zones_nest_are_found_each_in_the_finest(tmp_path: Path) -> None:
    places = load(in_columns(tmp_path, *NESTED))
    assert parents(places) == {
        "quarters": {"q1": "t1", "q2": "t1", "q3": "t2", "q4": "outside"},
        "towns": {"t1": "r", "t2": "r"},
        "regions": None,
    }
    assert said(places, "layer quarters: its zones nest in those of layer towns, which is taken as its parent")
    assert said(places, "layer towns: its zones nest in those of layer regions, which is taken")
    assert said(places, '(parent = "towns")')


def test_a_named_parent_goes_before_the_finest(tmp_path: Path) -> None:
    places = load(in_columns(tmp_path, *NESTED, parent="regions"))
    assert parents(places)["quarters"] == {"q1": "r", "q2": "r", "q3": "r", "q4": "outside"}
    assert said(places, "layer quarters: its parent is layer regions; 3 of 4 zones lie in one of its zones")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(("1,q1,t1", "2,q1,t2", "3,q2,t2"), id="a zone in two zones"),
        pytest.param(("1,q1,t1", "2,q1,", "3,q2,t1"), id="a zone in one and outside"),
        pytest.param(("1,q1,t1", "2,q1,t1", "3,q2,t2", "4,,"), id="equal zones, whose difference is nobody"),
        pytest.param(("1,q1,", "2,q2,", "3,,t1", "4,,t1"), id="zones apart"),
    ],
)
def test_layers_that_do_not_nest_have_no_parent(tmp_path: Path, rows: tuple[str, ...]) -> None:
    cells = write_cells(tmp_path / "cells.csv", "cell,quarter,town", *rows)
    places = load(zones(by_column("quarter", "quarters"), by_column("town"), cells=cells))
    assert parents(places) == {"quarters": None, "towns": None}
    assert not said(places, "zones nest")


def test_a_layer_that_nests_in_two_that_do_not_nest_says_which_is_not_guarded(tmp_path: Path) -> None:
    rows = ("1,q1,t1,r1", "2,q2,t1,r2", "3,q3,t2,r2", "4,q4,t3,r2")
    places = load(in_columns(tmp_path, *rows))
    assert parents(places)["quarters"] == {"q1": "t1", "q2": "t1", "q3": "t2", "q4": "t3"}
    assert said(places, "nest in those of layer regions, too, which does not guard the differences")


def test_a_layer_that_nests_but_for_a_zone_says_so(tmp_path: Path) -> None:
    rows = [f"{at},q{at:02},t{at // 10},r" for at in range(30)]
    places = load(in_columns(tmp_path, *rows, "30,q00,t2,r"))
    assert parents(places)["quarters"] == {f"q{at:02}": "r" for at in range(30)}
    (line,) = said(places, "29 of 30 zones lie in one zone each of layer towns, but 1 have cells in two")
    assert 'for example "q00"' in line


def test_layers_in_a_ring_do_not_become_parents_of_each_other(tmp_path: Path) -> None:
    ring = ("1,a,x,", "2,,x,", "3,,y,m", "4,,,m", "5,b,,n", "6,b,,")
    places = load(in_columns(tmp_path, *ring))
    assert parents(places) == {
        "quarters": {"a": "x", "b": "outside"},
        "towns": {"x": "outside", "y": "m"},
        "regions": None,
    }


def test_a_zone_with_cells_in_two_zones_of_a_named_parent_is_refused(tmp_path: Path) -> None:
    rows = ("1,q1,t1,r", "2,q1,t1,r", "3,q1,t2,r", "4,q1,,r", "5,q2,,r", "6,q2,t2,r")
    with pytest.raises(ZonesError) as caught:
        load(in_columns(tmp_path, *rows, parent="towns"))
    first, second = str(caught.value).splitlines()
    assert first == (
        'layer quarters: zone "q1" has cells in two zones of its parent layer towns, "t1" (cells: 2) and "t2" '
        "(cells: 1) and in 1 more; a zone must lie in one of them, or outside of all, with all its cells: draw the "
        "layers from the same borders, or leave `parent` of the layer away"
    )
    assert '"t2" (cells: 1) and "outside" (cells: 1); a zone' in second


def drawn(folder: Path, children: Sequence[object], *cells: str, parent: str | None = "towns") -> ZonesSettings:
    """Quarters in two towns, three degrees wide each, side by side."""
    towns = write_zones(folder / "towns.geojson", feature("west", square(0, 0, 3)), feature("east", square(3, 0, 3)))
    quarters = write_zones(folder / "quarters.geojson", *children)
    catalogue = write_cells(folder / "cells.csv", "cell,lat,lon", *cells) if cells else None
    child = LayerSettings(name="quarters", file=quarters, parent=parent)
    return zones(child, by_file(towns), cells=catalogue)


INSIDE = [
    feature("a", square(0, 0)),
    feature("b", square(2, 1)),
    feature("c", square(3, 1)),
    feature("d", square(8, 8)),
]


@pytest.mark.parametrize("cells", [(), ("1,0.5,0.5", "2,0.5,1.5", "3,50,50")])
@pytest.mark.parametrize("parent", ["towns", None])
def test_zones_without_cells_have_the_parent_they_are_drawn_in(
    tmp_path: Path, cells: tuple[str, ...], parent: str | None
) -> None:
    places = load(drawn(tmp_path, INSIDE, *cells, parent=parent))
    assert parents(places)["quarters"] == {"a": "west", "b": "west", "c": "east", "d": "outside"}


def test_borders_may_be_drawn_a_little_otherwise_but_not_much(tmp_path: Path) -> None:
    wider = feature("b", square(2, 1, 1.005))
    assert parents(load(drawn(tmp_path, [wider])))["quarters"] == {"b": "west"}
    with pytest.raises(
        ZonesError, match=r'"b" lies in zone "west" of its parent layer towns, but for 9\.1% of its area'
    ):
        load(drawn(tmp_path, [feature("b", square(2, 1, 1.1))], "1,1.5,2.5"))
    with pytest.raises(ZonesError, match=r'"b" lies in no zone of its parent .* 10\.0% of its area in zone "east"'):
        load(drawn(tmp_path, [feature("b", square(5.9, 1))], "1,1.5,6.5"))


def test_a_parent_that_is_not_named_and_not_drawn_so_is_said(tmp_path: Path) -> None:
    across = feature("b", square(2.5, 1))
    cells = ("1,1.5,2.6", "2,1.5,0.5", "3,1.5,4.5")
    places = load(drawn(tmp_path, [across], *cells, parent=None))
    assert parents(places)["quarters"] == {"b": "west"}
    assert said(places, "layer quarters: 1 of 1 zones reach beyond their parent in layer towns by their polygons")
    assert parents(load(drawn(tmp_path, [across], parent=None)))["quarters"] is None


def test_a_parent_named_as_it_would_be_found_makes_no_other_fingerprint_and_another_parent_does(tmp_path: Path) -> None:
    found = [load(in_columns(tmp_path, *NESTED, parent=parent)).fingerprint for parent in (None, "towns", "regions")]
    assert found[0] == found[1] != found[2]


def test_the_zones_of_the_festival_lie_in_the_communes(festival: Places) -> None:
    communes = parents(festival)["festival"]
    assert communes is not None
    assert (communes["beach"], communes["yves"], communes["fouras"]) == ("17094", "17483", "outside")
    assert parents(festival)["communes"] is None
