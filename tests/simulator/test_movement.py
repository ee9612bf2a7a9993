"""How each group spends the weekend, and how full the areas are at which hour."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.geography import ELSEWHERE
from simulator.population import Group
from simulator.programme import ARRIVALS, DAY, DEPARTURES, END, FIREWORKS, MINUTE, MINUTES, PULL, START, at, next_train
from simulator.stream import Festival

Areas = NDArray[np.str_]
TOWN = ("beach", "seafront", "centre", "station", "old-port", "town", "campsite-north", "campsite-south")


def share(areas: Areas, minute: int, *names: str) -> float:
    """Share of the people who are in these areas at a minute."""
    return float(np.mean(np.isin(areas[:, minute], names)))


def test_festival_minutes_are_local_times() -> None:
    """28 June 2014, 04:00 to 30 June 04:00 in Paris."""

    def paris(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000, ZoneInfo("Europe/Paris")).isoformat()

    assert paris(START) == "2014-06-28T04:00:00+02:00"
    assert paris(END) == "2014-06-30T04:00:00+02:00"
    assert paris(FIREWORKS) == "2014-06-28T23:00:00+02:00"
    assert paris(START + at("03:59") * MINUTE) == "2014-06-29T03:59:00+02:00"
    assert paris(START + at("00:10", 1) * MINUTE) == "2014-06-30T00:10:00+02:00"


def test_the_pull_of_each_hour_is_shared_out() -> None:
    """Rows sum to 1."""
    assert np.allclose(PULL.sum(axis=1), 1.0)


def test_trains_are_in_order_and_the_last_one_takes_who_is_too_late() -> None:
    """A search over the timetable needs it."""
    for trains in (*ARRIVALS.values(), *DEPARTURES.values()):
        assert np.all(np.diff(trains) > 0)
        assert np.array_equal(next_train(trains, trains), trains)
        assert np.array_equal(next_train(trains, trains[:-1] + 1), trains[1:])
        assert next_train(trains, np.array([MINUTES]))[0] == trains[-1]


def test_everybody_is_somewhere_each_minute(festival: Festival) -> None:
    """One spot a person and minute."""
    assert festival.positions.shape == (2_000, MINUTES)
    assert festival.positions.min() >= ELSEWHERE
    assert festival.positions.max() < festival.geography.lat.size


@pytest.mark.parametrize("seed", range(8))
def test_residents_and_neighbours_sleep_at_home(seed: int) -> None:
    """All of them, both nights, of any crowd."""
    festival = Festival(seed, people=2_000)
    people = festival.population.of(Group.RESIDENT, Group.NEIGHBOUR)
    bed = festival.population.bed[people]
    for day in (0, 1):
        for time in ("04:00", "06:30", "03:50"):
            assert np.array_equal(festival.positions[people, at(time, day)], bed)


def test_residents_live_in_the_town(festival: Festival, areas: Areas) -> None:
    """At night they are in its zones."""
    assert share(areas[festival.population.of(Group.RESIDENT)], at("04:30", 1), *TOWN) == 1.0


def test_tourists_sleep_there_between_the_days(festival: Festival, areas: Areas) -> None:
    """In tents or hotels, whether they came before or on Saturday."""
    people = festival.population.of(Group.TOURIST)
    night = festival.positions[people, at("05:00", 1)]
    assert np.array_equal(night, festival.population.bed[people])
    assert share(areas[people], at("05:00", 1), "campsite-north", "campsite-south", "seafront", "centre") == 1.0
    assert 0.2 < share(areas[people], at("05:00"), "") < 0.4  # those still to come
    assert 0.15 < share(areas[people], at("03:30", 1), "") < 0.35  # those who left on Sunday


def test_train_visitors_pass_the_station_on_the_way_in_and_out(festival: Festival, areas: Areas) -> None:
    """Before and after anything else in town."""
    for mine in areas[festival.population.of(Group.TRAIN)]:
        in_town = np.flatnonzero(np.isin(mine, TOWN))
        assert mine[in_town[0]] == "station"
        assert mine[in_town[-1]] == "station"
        assert 0 < np.count_nonzero(mine == "station") < 90


def test_train_visitors_come_for_one_day_only(festival: Festival, areas: Areas) -> None:
    """None is in town on both days, and about three in five come on Saturday."""
    here = np.isin(areas[festival.population.of(Group.TRAIN)], TOWN)
    saturday, sunday = here[:, :DAY].any(axis=1), here[:, DAY:].any(axis=1)
    assert np.all(saturday ^ sunday)
    assert saturday.mean() == pytest.approx(0.6, abs=0.1)


def test_car_visitors_arrive_by_road_and_sleep_elsewhere(festival: Festival, areas: Areas) -> None:
    """Never at the station, in nobody's bed."""
    cars = areas[festival.population.of(Group.CAR)]
    assert not np.any(cars == "station")
    assert np.all(np.isin(cars, ("motorway", "road-north")).any(axis=1))
    assert share(cars, at("04:30", 1), "") == 1.0
    assert share(cars, at("03:59", 1), "") == 1.0


def test_nobody_lives_on_the_beach(areas: Areas) -> None:
    """It is empty at five in the morning."""
    assert share(areas, at("05:00"), "beach") == 0.0
    assert share(areas, at("05:00", 1), "beach") == 0.0


def test_the_fireworks_draw_the_crowd_to_the_beach(areas: Areas) -> None:
    """Most of those in town at 23:05 on Saturday; half an hour before, the stage had them; Sunday has none."""
    there = share(areas, at("23:05"), "beach")
    assert there > 0.5 * share(areas, at("23:05"), *TOWN)
    assert share(areas, at("21:30"), "seafront") > 2 * share(areas, at("21:30"), "beach")
    assert share(areas, at("23:05", 1), "beach") < 0.1 * there


def test_the_day_has_its_rhythm(areas: Areas) -> None:
    """Market in the morning, bathing in the afternoon, concert in the evening."""
    assert share(areas, at("10:30"), "centre") > share(areas, at("10:30"), "beach")
    assert share(areas, at("16:30"), "beach") > 3 * share(areas, at("10:30"), "beach")
    assert share(areas, at("20:45"), "seafront") > 3 * share(areas, at("10:30"), "seafront")
    assert share(areas, at("21:00"), *TOWN) > 1.15 * share(areas, at("04:00"), *TOWN)
