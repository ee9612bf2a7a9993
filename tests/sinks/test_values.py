"""What readers get of released numbers, and what follows from them: quartiles, distances, people."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.errors import SettingsError
from config.sections import PeopleSettings
from config.settings import Settings
from sinks.extrapolation import MarketShares, combined, quantile
from sinks.values import Extrapolation, Values
from tests.sinks.released import Parts, publication
from zones import Layer

# 1 degree of latitude is 111.195 km
COAST = Layer(
    "places",
    ("beach", "hills", "port"),
    ("", "", ""),
    ("17", None, "75"),
    centres=((46.0, -1.0), None, (46.1, -1.0)),
)
SHARES = {
    ("*", "*"): 0.5,
    ("17", "*"): 0.4,
    ("17", "local"): 0.25,
    ("17", "national"): 0.2,
    ("17", "foreign:DE"): 0.1,
    ("75", "*"): 0.8,
}
Z = quantile(0.95)
#: Of those at the beach whose origins are not told: they may have any of the shares in area 17 or anywhere.
OF_OTHERS = 1 / 0.1 - 1 / 0.5
#: The same where Germans are told beside them.
WITHOUT_GERMANS = 1 / 0.2 - 1 / 0.5
ESTIMATING = Values([COAST], Extrapolation(MarketShares(SHARES), Z))
PLAIN = Values([COAST])


def people(*segments: tuple[int, float] | tuple[int, float, float], noise: int = 0) -> list[int]:
    """The estimate of these devices, shares and spreads."""
    return list(combined(segments, noise, Z))  # type: ignore[arg-type]


def estimate_of(value: dict[str, object]) -> dict[str, list[int]]:
    """The estimate as readers see it."""
    found: dict[str, list[int]] = msgspec.to_builtins(value)["estimate"]
    return {name: list(numbers) for name, numbers in found.items()}


# --- numbers alone


def test_a_zone_has_its_published_numbers_and_no_others() -> None:
    zones = {"beach": {"people": 1240, "nights": 62, "usual": 41}, "port": {"people": 9, "arrivals": 12}}
    window = publication(zones, width="1d").window
    assert PLAIN.zone(window, "beach") == {"people": 1240, "nights": 62, "usual": 41}
    assert PLAIN.zone(window, "port") == {"arrivals": 12}


def test_only_trips_have_a_distance_and_only_between_centres() -> None:
    pairs = {("beach", "port"): 20, ("beach", "hills"): 20, ("outside", "beach"): 20}
    window = publication({}, pairs, trips=pairs, width="1d").window
    assert PLAIN.pair(window, "flows", ("beach", "port")) == {"people": 20}
    assert PLAIN.pair(window, "trips", ("beach", "port")) == {"people": 20, "km": 11.12}
    assert PLAIN.pair(window, "trips", ("beach", "hills")) == {"people": 20}
    assert PLAIN.pair(window, "trips", ("outside", "beach")) == {"people": 20}
    assert Values().pair(window, "trips", ("beach", "port")) == {"people": 20}


def test_lengths_of_stay_have_quartiles_and_other_segments_have_none() -> None:
    stays = {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h-2h": 31}
    parts: Parts = {
        "dwell": {("beach",): stays},
        "dwell_origins": {("beach", "local"): {"0-15m": 30, "15m-30m": 30}, ("beach", "unknown"): {"0-15m": 12}},
        "origins": {("beach",): {"local": 30, "foreign:DE": 20}},
    }
    window = publication({}, parts=parts, areas={"beach": "17"}, width="1h").window
    assert PLAIN.segments(window, "dwell", ("beach",)) == {
        "people": {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h+": 31},
        "quartiles": [546, 1187, 2348],
    }
    assert PLAIN.segments(window, "dwell_origins", ("beach", "local")) == {
        "people": {"0-15m": 30, "15m+": 30},
        "quartiles": [450, 900, None],
    }
    assert PLAIN.segments(window, "origins", ("beach",)) == {"people": {"local": 30, "other": 20}}


# --- people


def test_people_of_a_zone_are_estimated_by_the_share_in_its_area() -> None:
    window = publication({"beach": {"people": 40, "appeared": 20}, "hills": {"people": 40}}, width="1h").window
    beach, hills = (ESTIMATING.zone(window, zone) for zone in ("beach", "hills"))
    assert {name: beach[name] for name in ("people", "appeared")} == {"people": 40, "appeared": 20}
    assert estimate_of(beach) == {"people": people((40, 0.4)), "appeared": people((20, 0.4))}
    assert estimate_of(hills) == {"people": people((40, 0.5))} == {"people": [80, 62, 98]}


def test_people_of_a_zone_are_those_of_its_origins_together_where_these_are_published() -> None:
    parts: Parts = {
        "origins": {("beach",): {"local": 30, "national:75": 20, "foreign:DE": 15}},
        "arrival_origins": {("beach",): {"local": 12, "foreign:DE": 10}},
        "night_origins": {("beach",): {"foreign:DE": 14, "unknown": 10}},
    }
    numbers = {"people": 65, "arrivals": 22, "departures": 11, "nights": 24}
    window = publication({"beach": numbers}, parts=parts, areas={"beach": "17"}, width="1d").window
    assert estimate_of(ESTIMATING.zone(window, "beach")) == {
        "people": people((30, 0.25), (20, 0.2), (15, 0.4, OF_OTHERS)),
        "arrivals": people((12, 0.25), (10, 0.4, OF_OTHERS)),
        "departures": people((11, 0.4)),
        "nights": people((14, 0.1), (10, 0.4, WITHOUT_GERMANS)),
    }


def test_people_of_a_pair_are_those_of_the_area_to_which_they_go() -> None:
    parts: Parts = {"flow_origins": {("port", "beach"): {"local": 15, "foreign:DE": 13}}}
    flows = {("port", "beach"): 28, ("beach", "port"): 20, ("beach", "outside"): 20}
    window = publication({}, flows, trips=flows, parts=parts, areas={"beach": "17", "port": "75"}, width="1d").window
    found = {pair: estimate_of(ESTIMATING.pair(window, "flows", pair))["people"] for pair in flows}
    assert found == {
        ("port", "beach"): people((15, 0.25), (13, 0.4, OF_OTHERS)),
        ("beach", "port"): people((20, 0.8)),
        ("beach", "outside"): people((20, 0.5)),
    }
    assert estimate_of(ESTIMATING.pair(window, "trips", ("port", "beach"))) == {"people": people((28, 0.4))}


def test_each_segment_has_the_share_of_its_own_origin() -> None:
    parts: Parts = {
        "origins": {("beach",): {"local": 30, "national:75": 20, "foreign:DE": 15, "foreign:IT": 12}},
        "dwell": {("beach",): {"0-15m": 40}},
        "dwell_origins": {("beach", "foreign:DE"): {"0-15m": 14, "15m-30m": 12}, ("beach", "local"): {"0-15m": 12}},
        "categories": {("beach",): {"resident": 30, "transit": 20}},
        "flow_origins": {("port", "beach"): {"local": 16, "unknown": 11}},
    }
    window = publication({}, parts=parts, areas={"beach": "17", "port": "75"}, width="1d").window
    told = {
        name: estimate_of(ESTIMATING.segments(window, name, next(iter(cells)))) for name, cells in window.parts.items()
    }
    assert told == {
        "origins": {
            "local": people((30, 0.25)),
            "national:75": people((20, 0.2)),
            "foreign:DE": people((15, 0.1)),
            "other": people((12, 0.4, WITHOUT_GERMANS)),
        },
        "dwell": {"0+": people((40, 0.4))},
        "dwell_origins": {"0-15m": people((14, 0.1)), "15m+": people((12, 0.1))},
        "categories": {"resident": people((30, 0.25)), "other": people((20, 0.4))},
        "flow_origins": {"local": people((16, 0.25)), "other": people((11, 0.4, OF_OTHERS))},
    }


def test_where_all_origins_are_put_together_people_are_those_of_the_total() -> None:
    parts: Parts = {
        "origins": {("beach",): {"local": 9, "foreign:DE": 8}},
        "flow_origins": {("port", "beach"): {"local": 9, "unknown": 8}},
    }
    flows = {("port", "beach"): 17}
    window = publication(
        {"beach": {"people": 17}}, flows, parts=parts, areas={"beach": "17", "port": "75"}, width="1d"
    ).window
    assert window.parts["origins"][("beach",)] == {"other": 17}
    assert estimate_of(ESTIMATING.zone(window, "beach")) == {"people": people((17, 0.4))}
    assert estimate_of(ESTIMATING.pair(window, "flows", ("port", "beach"))) == {"people": people((17, 0.4))}
    assert estimate_of(ESTIMATING.segments(window, "origins", ("beach",))) == {"other": people((17, 0.4))}
    assert estimate_of(ESTIMATING.segments(window, "flow_origins", ("port", "beach"))) == {"other": people((17, 0.4))}


def test_the_error_of_the_released_number_is_in_the_interval() -> None:
    window = publication({"hills": {"people": 40}}, noise=5).window
    number = window.zones["hills"]["people"]
    assert estimate_of(ESTIMATING.zone(window, "hills")) == {"people": people((number, 0.5), noise=5)}


# --- the settings


def settings(shares: Path | None) -> Settings:
    return msgspec.structs.replace(Settings(), people=PeopleSettings(shares=shares, confidence=0.95))


def test_without_market_shares_nothing_is_said_of_people() -> None:
    window = publication({"beach": {"people": 40}}).window
    assert Values.of(settings(None), [COAST]).zone(window, "beach") == {"people": 40}


def test_market_shares_of_the_settings_make_estimates(tmp_path: Path) -> None:
    file = tmp_path / "shares.csv"
    file.write_text("area,origin,share\n*,*,0.5\n17,*,0.4\n")
    window = publication({"beach": {"people": 40}}).window
    assert estimate_of(Values.of(settings(file), [COAST]).zone(window, "beach")) == {"people": people((40, 0.4))}


def test_market_shares_that_cannot_be_used_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"shares\.csv"):
        Values.of(settings(tmp_path / "shares.csv"), [COAST])
