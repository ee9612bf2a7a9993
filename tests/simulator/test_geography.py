"""Zones, cells and spots of the festival fit together."""

import csv

import numpy as np
import pytest

from simulator import geography
from simulator.diary import LINES
from simulator.geography import DATA, ELSEWHERE
from zones import OUTSIDE, Places

GROUND = geography.load()


def test_the_zones_load_without_repair_or_overlap(places: Places) -> None:
    """The load report has nothing but counts, and no spot lies in two zones of a layer."""
    places.of_points(GROUND.lat, GROUND.lon)
    assert not [line for line in places.report if "repair" in line or "more than one" in line]
    assert places.shared_points.tolist() == [0, 0]
    assert [layer.name for layer in places.layers] == ["festival", "communes"]


def test_every_spot_lies_in_the_zone_of_its_area_and_lines_in_none(places: Places) -> None:
    """Areas of the spots are ids of zones, but for the lines between them."""
    festival = places.layers[0]
    zone_of = places.zones[places.of_points(GROUND.lat, GROUND.lon), 0]
    for area, spots in GROUND.areas.items():
        expected = OUTSIDE if area in LINES else area
        assert {festival.zone_name(zone) for zone in zone_of[spots].tolist()} == {expected}
    assert set(festival.ids) == set(GROUND.areas) - LINES
    assert zone_of[ELSEWHERE] == festival.outside


def test_a_commune_holds_whole_zones(places: Places) -> None:
    """The spots of a fine zone have the same zone in the coarse layer."""
    zone_of = places.zones[places.of_points(GROUND.lat, GROUND.lon), 1]
    communes = {
        area: {places.layers[1].zone_name(zone) for zone in zone_of[spots].tolist()}
        for area, spots in GROUND.areas.items()
        if area not in LINES
    }
    assert all(len(names) == 1 for names in communes.values())
    in_town = {area for area, names in communes.items() if names == {"17094"}}
    assert in_town == {
        *("beach", "seafront", "centre", "station", "old-port", "town"),
        *("campsite-north", "campsite-south"),
    }


def test_every_zone_has_a_cell_and_some_cells_are_outside_of_all_zones(places: Places) -> None:
    """The catalogue reaches everywhere and beyond."""
    zone_of = places.zones[places.of_cells(GROUND.cells), 0]
    assert set(zone_of.tolist()) == set(range(places.layers[0].outside + 1))
    assert 50 <= len(GROUND.cells) <= 70
    assert 5 <= np.count_nonzero(zone_of == places.layers[0].outside) <= 15


def test_the_zones_have_the_departement_as_area(places: Places) -> None:
    """Who is local is decided by it."""
    assert set(places.layers[0].areas) == {"17"}


def test_the_nearest_cell_serves_most_often() -> None:
    """Odds are cumulated, and fall with the distance."""
    shares = np.diff(GROUND.odds, axis=1, prepend=0.0)[1:]
    assert np.all(np.diff(shares, axis=1) <= 1e-12)
    assert np.all(GROUND.odds[:, -1] == 1.0)
    assert np.all(GROUND.serving[ELSEWHERE] == -1)
    with (DATA / "cells.csv").open(encoding="utf-8") as file:
        station = next(row for row in csv.DictReader(file) if row["lat"] == "46.0753")
    spot = GROUND.areas["station"][0]
    assert GROUND.cells[GROUND.serving[spot, 0]] == station["cell"]


def test_random_spots_are_of_the_area() -> None:
    """Drawn with the given generator."""
    spots = GROUND.draw(np.random.default_rng(1), "beach", 100)
    assert set(spots.tolist()) <= set(GROUND.areas["beach"].tolist())
    assert len(set(spots.tolist())) > 1


@pytest.mark.parametrize("area", sorted(LINES))
def test_a_line_leads_towards_the_town(area: str) -> None:
    """Its spots come nearer to the station one by one."""
    spots = GROUND.areas[area]
    station = GROUND.areas["station"][0]
    away = np.hypot(GROUND.lat[spots] - GROUND.lat[station], GROUND.lon[spots] - GROUND.lon[station])
    assert np.all(np.diff(away) < 0)
