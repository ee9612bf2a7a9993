"""Zones that differ by a few cells are refused, those that are equal or have nothing in common are not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ZonesError
from config.sections import ZonesSettings
from tests.zones.country import by_column, write_cells
from zones import OUTSIDE, Layer, Places, load
from zones.differences import check


def in_columns(folder: Path, *pairs: str, min_difference: int = ZonesSettings().min_difference) -> ZonesSettings:
    """Cells in a spot and a town each, "a A" being both; "-" is none."""
    rows = (f"{at},{pair.replace('-', '').replace(' ', ',')}" for at, pair in enumerate(pairs))
    cells = write_cells(folder / "cells.csv", "cell,spot,town", *rows)
    layers = (by_column("spot", "spots"), by_column("town"))
    return ZonesSettings(cells=cells, layers=layers, min_difference=min_difference)


def refused(settings: ZonesSettings) -> str:
    with pytest.raises(ZonesError) as caught:
        load(settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("pairs", "differing"),
    [
        (("a A", "a A", "- A"), "1 of the 2 and 3 cells"),
        (("a A", "- A", "- A"), "2 of the 1 and 3 cells"),
        (("a A", "a A", "a A", "a -", "- A"), "2 of the 4 and 4 cells"),
    ],
)
def test_zones_that_differ_by_one_or_two_cells_are_refused(
    tmp_path: Path, pairs: tuple[str, ...], differing: str
) -> None:
    message = refused(in_columns(tmp_path, *pairs))
    assert message.startswith(f'zone "a" of layer spots and zone "A" of layer towns differ by {differing} in them;')
    assert "at least 3 cells are expected" in message
    assert "zones.min_difference" in message


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(("a A", "a A", "- -"), id="equal"),
        pytest.param(("a -", "- A"), id="nothing in common"),
        pytest.param(("a A", "- A", "- A", "- A"), id="three apart"),
        pytest.param(("a A", "b A", "c A", "d A"), id="one of four"),
    ],
)
def test_equal_zones_those_apart_and_those_far_from_equal_are_not_refused(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    assert len(load(in_columns(tmp_path, *pairs)).layers) == 2


def test_how_far_is_a_setting_and_0_is_said(tmp_path: Path) -> None:
    pairs = ("a A", "a A", "- A")
    assert not [line for line in load(in_columns(tmp_path, *pairs, min_difference=1)).report if "difference" in line]
    assert "differ by 1 of" in refused(in_columns(tmp_path, *pairs, min_difference=2))
    (line,) = [line for line in load(in_columns(tmp_path, *pairs, min_difference=0)).report if "difference" in line]
    assert line.startswith("zones.min_difference is 0: zones that differ by a few cells are not refused")


def test_what_all_zones_leave_of_their_parent_is_said_where_it_is_a_few_cells(tmp_path: Path) -> None:
    pairs = ("a A", "a A", "b A", "b A", "- A", "c B", "c B", "c B", "d B", "d B", "d B")
    (line,) = [line for line in load(in_columns(tmp_path, *pairs)).report if "lie in none of its zones" in line]
    assert line.startswith("layer spots: of 1 of 2 zones of layer towns fewer than 3 cells")
    assert '(for example 1 of "A")' in line


def test_the_zones_of_the_festival_differ_by_enough(festival: Places) -> None:
    assert not [line for line in festival.report if "min_difference" in line]


cells_of_three_layers = st.lists(st.tuples(*(st.sampled_from(range(4)) for _ in range(3))), min_size=1, max_size=12)


@given(cells_of_three_layers, st.integers(1, 5))
def test_refused_is_what_comparing_all_sets_finds(rows: list[tuple[int, int, int]], at_least: int) -> None:
    layers = [Layer(name, tuple("xyz"), tuple("xyz"), (None,) * 3) for name in "abc"]
    sets = {
        (layer.name, zone): {at for at, row in enumerate(rows) if layer.zone_name(row[column]) == zone}
        for column, layer in enumerate(layers)
        for zone in (*layer.ids, OUTSIDE)
        if zone != OUTSIDE
    }
    near = {
        (one, other)
        for one, mine in sets.items()
        for other, theirs in sets.items()
        if one < other and mine & theirs and 0 < len(mine ^ theirs) < at_least
    }
    found: list[str] = []
    try:
        check(layers, np.array(rows, np.int32), at_least)
    except ZonesError as error:
        found = str(error).splitlines()
    assert len(found) == min(len(near), 11)
    if len(near) <= 10:
        for (layer, zone), (other_layer, other) in near:
            start = f'zone "{zone}" of layer {layer} and zone "{other}" of layer {other_layer} differ by '
            assert [line for line in found if line.startswith(start)]
