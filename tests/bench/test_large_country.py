"""The bench of a large country measures the real release on zones that tile it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

pytest.importorskip("psutil", reason="the extra bench is not installed")

import zones
from bench.country import Country, day_of, write_country
from bench.indicators import COUNTINGS
from bench.large_country import Feed, best, counted, released
from bench.workload import BEGIN
from config.settings import Settings
from indicators.calendar import DAY_MS
from zones import Places

DEVICES = 3_000


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """Some 300 zones."""
    return write_country(tmp_path_factory.mktemp("country"), 300)


@pytest.fixture(scope="module")
def places(country: Country) -> Iterator[Places]:
    """The zones as foule reads them."""
    yield zones.load(country.settings)


def of(country: Country) -> Settings:
    """The default settings, with the country's zones and every indicator."""
    return msgspec.structs.replace(Settings(), zones=country.settings, indicators=COUNTINGS["everything"])


@pytest.fixture(scope="module")
def feed(country: Country, places: Places) -> Feed:
    """The day, counted."""
    return counted(of(country), places, country, DEVICES)


def test_the_zones_tile_the_country_and_nest_in_its_departements(country: Country, places: Places) -> None:
    departements, communes = places.layers
    assert (len(departements.ids), len(communes.ids)) == (5, 300)
    assert communes.parents == tuple(country.departement.tolist())
    lon, lat = np.random.default_rng(2).uniform((-1.0, 44.0), (6.0, 48.0), (500, 2)).T
    at = places.of_points(lat, lon)
    found = places.zones[at]
    assert (found[:, 1] < communes.outside).all()
    assert places.shared_points.tolist() == [0, 0]
    cells = places.zones[places.of_cells([f"c{zone}" for zone in range(300)])]
    assert cells[:, 1].tolist() == list(range(300))


def test_the_events_of_a_day_are_in_order_and_of_all_devices(country: Country) -> None:
    events = list(day_of(country, DEVICES, BEGIN, 10_000))
    times = np.concatenate([some.time for some in events])
    assert (np.diff(times) >= 0).all()
    assert (times[0] >= BEGIN, times[-1] < BEGIN + DAY_MS) == (True, True)
    assert len(set(np.concatenate([some.device for some in events]).tolist())) == DEVICES


def test_people_are_from_where_they_live_from_elsewhere_and_from_abroad(country: Country) -> None:
    [first, *_] = day_of(country, 20_000, BEGIN, 20_000)
    lives_in = country.departement[first.zone[np.argsort(first.device)]]  # all are at home in the early morning
    abroad = first.origins == -1
    assert abroad.mean() == pytest.approx(0.05, abs=0.01)
    # of those who are from anywhere, one of five is from here by chance
    assert (lives_in == first.origins).mean() == pytest.approx(0.7 + 0.25 / 5, abs=0.02)
    value = msgspec.json.decode(first.values(country, [b"1"] * 20_000)[0] or b"")
    assert (value["mcc"], value.get("home")) in {(208, area) for area in country.areas} | {(262, None)}


def test_a_share_of_the_events_of_a_day_can_be_left_out(country: Country) -> None:
    all_of_them, some = (
        sum(len(events.time) for events in day_of(country, DEVICES, BEGIN, 10_000, heard)) for heard in (1.0, 0.1)
    )
    assert some / all_of_them == pytest.approx(0.1, rel=0.1)


def test_every_window_is_released_in_steps_and_the_same_in_each_round(feed: Feed, country: Country) -> None:
    rounds = [released(of(country), feed) for _ in range(2)]
    assert [one.cells for one in rounds[0]] == [one.cells for one in rounds[1]]
    windows = best(rounds)
    assert len({(closed.tally.layer, closed.tally.width, closed.tally.start) for closed in feed.closed}) == len(windows)
    [departements, communes] = [one for one in windows if one.width == DAY_MS]
    assert communes.cells["raw"]["flows"] > departements.cells["raw"]["flows"] > 0
    raw = sum(communes.cells["raw"].values())
    assert 0 < communes.cells["published"] < raw and 0 < communes.cells["of_k_devices"] < raw
    assert set(communes.seconds) == {"take", "open", "gate", "bytes", "read_back", "kafka", "redis"}
    assert min(communes.seconds.values()) > 0
    by_indicator = communes.cells["by_indicator"]
    assert sum(by_indicator.values()) == communes.cells["published"]
    assert {"people", "origins", "dwell", "categories", "catchment"} <= set(by_indicator)
    assert {"nights", "night_origins", "trips"} <= set(communes.cells["raw"])
    assert communes.cells["kafka_records"] > 0 < communes.cells["redis_command_bytes"]
    assert communes.total == pytest.approx(sum(communes.seconds[step] for step in ("open", "gate", "bytes")))
