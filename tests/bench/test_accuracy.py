"""The bench of accuracy puts like beside like, and judges intervals by the number for everybody."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from anonymizer.gate import People, ReleasedWindow
from bench.coverage import Extrapolation, Held, coverage, of_size
from bench.day_errors import LayerErrors
from bench.errors import Errors, Pair, beside, beside_merged, beside_pooled, distance
from bench.festival_day import FULL_DAY, Counted, FestivalDay
from sinks.extrapolation import Estimate, MarketShares, combined, estimate, quantile

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
RAW_DAY = ("communes", "presence", FULL_DAY.width, FULL_DAY.start)


@pytest.fixture(scope="module")
def day() -> FestivalDay:
    """A small one."""
    return FestivalDay(people=800, seed=3)


def test_errors_are_weighed_by_the_size_of_the_numbers() -> None:
    assert Errors.of([Pair(110, 100), Pair(290, 300)]) == Errors(2, 200.0, 10.0, 0.05, 0.0)
    assert Errors.of([Pair(25, 0)]) is None
    assert Errors.of([]) is None


def test_what_is_published_and_not_true_is_an_error() -> None:
    assert beside({"beach": 30, "station": 25}, {"beach": 28, "yves": 9}) == {
        "beach": Pair(30, 28),
        "station": Pair(25, 0),
    }


def test_segments_that_are_not_published_are_in_the_pool_of_their_class_or_in_other() -> None:
    true = {"local": 100, "national:75": 40, "national:86": 15, "national:79": 12, "foreign:DE": 8, "unknown": 3}
    published = {"local": 101, "national:75": 39, "national": 30, "other": 26}
    assert beside_pooled(published, true) == {
        "local": Pair(101, 100),
        "national:75": Pair(39, 40),
        "national": Pair(30, 27),
        "other": Pair(26, 11),
    }
    assert beside_pooled({"local": 101}, true) == {"local": Pair(101, 100)}


def test_a_run_of_bins_is_put_beside_all_its_bins() -> None:
    true = {"0-15m": 10, "15m-30m": 20, "30m-1h": 30, "2h-4h": 5, "8h+": 7}
    assert beside_merged({"0-30m": 31, "30m-2h": 28, "2h+": 25}, true) == {
        "0-30m": Pair(31, 30),
        "30m-2h": Pair(28, 30),
        "2h+": Pair(25, 12),
    }
    assert beside_merged({"0+": 70}, true) == {"0+": Pair(70, 72)}


def test_the_distance_of_shares_is_the_share_in_a_wrong_segment() -> None:
    assert distance([Pair(50, 60), Pair(50, 40)]) == pytest.approx(0.1)
    assert distance([Pair(500, 60), Pair(500, 60)]) == 0.0
    assert distance([Pair(30, 0)]) is None
    assert distance([]) is None


def test_coverage_is_the_share_of_intervals_that_hold() -> None:
    inside, above = Held(Estimate(100, 90, 110), 110), Held(Estimate(100, 90, 110), 111)
    assert [inside.holds, above.holds] == [True, False]
    found = coverage([[inside, inside], [inside, above]])
    assert found is not None
    assert (found.numbers, found.share) == (4, 0.75)
    assert found.error == pytest.approx(0.25)
    assert found.width == pytest.approx(40 / 441)
    assert found.bias == pytest.approx(-41 / 441)
    assert coverage([[], []]) is None


def test_numbers_are_told_apart_by_the_size_of_the_true_one() -> None:
    small, large = Held(Estimate(120, 90, 150), 99), Held(Estimate(80, 60, 110), 100)
    assert of_size([[small, large]], (0, 100)) == [[small]]


def test_only_the_sims_that_are_asked_for_are_counted(day: FestivalDay) -> None:
    everybody, own = day.count(KEY), np.arange(800) % 2 == 0
    half, rest = day.count(KEY, own), day.count(KEY, ~own)
    assert day.count(KEY, np.zeros(800, np.bool_)).raw == {}
    assert {
        zone: half.raw[RAW_DAY].get(zone, 0) + rest.raw[RAW_DAY].get(zone, 0) for zone in everybody.raw[RAW_DAY]
    } == everybody.raw[RAW_DAY]


def test_the_key_decides_the_errors_and_nothing_else(day: FestivalDay) -> None:
    first, again, other = day.count(KEY), day.count(KEY), day.count(OTHER_KEY)
    assert [window.to_bytes() for window in first.released] == [window.to_bytes() for window in again.released]
    assert [window.to_bytes() for window in first.released] != [window.to_bytes() for window in other.released]
    assert first.raw == other.raw


def test_published_numbers_are_extrapolated_and_held_against_those_for_everybody(day: FestivalDay) -> None:
    counted = day.count(KEY)
    areas = {layer.name: dict(zip(layer.ids, layer.areas, strict=True)) for layer in day.places.layers}
    shares, z = MarketShares({("*", "*"): 0.5, ("17", "*"): 0.4}), quantile(0.95)
    found = Extrapolation(shares, areas, 5, z, by_origin=False).of(counted, counted.raw)
    town = counted.raw[RAW_DAY]["17094"]
    [released] = [
        window.zones["17094"]["people"]
        for window in counted.released
        if (window.layer, window.width) == ("communes", "1d")
    ]
    assert abs(released - town) <= 5
    assert Held(estimate(People(released), 0.4, 5, z), town) in found


def test_segments_are_extrapolated_each_with_its_share() -> None:
    parts = {
        "origins": {("beach",): {"local": People(400), "foreign": People(50), "other": People(30)}},
        "arrival_origins": {("station",): {"local": People(90)}},
    }
    zones = {"beach": {"people": People(480), "arrivals": People(99)}, "station": {"arrivals": People(88)}}
    window = SimpleNamespace(layer="town", width="1h", start=0, zones=zones, parts=parts)
    counted = Counted([cast(ReleasedWindow, window)], {})
    everybody = {
        ("town", "presence", 3_600_000, 0): {"beach": 1_300},
        ("town", "arrivals", 3_600_000, 0): {"beach": 250, "station": 200},
    }
    shares = MarketShares({("*", "*"): 0.3, ("17", "local"): 0.4, ("*", "foreign"): 0.25})
    areas = {"town": {"beach": "17", "station": None}}
    assert set(Extrapolation(shares, areas, 5, 2.0, by_origin=True).of(counted, everybody)) == {
        Held(combined([(People(400), 0.4), (People(50), 0.25), (People(30), 0.3)], 5, 2.0), 1_300),
        Held(estimate(People(90), 0.3, 5, 2.0), 200),  # arrivals at the beach have no origins: nothing is made of them
    }
    assert {held.estimate.people for held in Extrapolation(shares, areas, 5, 2.0, False).of(counted, everybody)} == {
        1_600,
        330,
        293,
    }


def test_the_tables_of_a_layer_are_of_those_whose_phone_is_on(day: FestivalDay) -> None:
    errors = LayerErrors(day, day.count(KEY).released, "communes")
    [people, hours, *_] = errors.tables()
    assert people.startswith("### communes: people of the day\n")
    zones = next(layer for layer in day.places.layers if layer.name == "communes").ids
    assert [line.split(" | ")[0] for line in people.splitlines()[4:]] == [f"| {zone}" for zone in zones]
    assert hours.startswith("### communes: people of each hour\n")
    summary = errors.summary()
    figures = summary["presence_1d"]
    assert isinstance(figures, dict)
    assert figures["relative"] < 0.1  # with everybody's truth it would be more: 12 in 100 have no phone that is on
