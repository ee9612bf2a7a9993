"""The truth of a day is what a slow look at every person's minutes finds."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from config.sections import IndicatorsSettings
from simulator.day_truth import DayTruth, bin_names
from simulator.population import FRANCE, Phone
from simulator.programme import DAY, HOUR, MINUTE, START, at
from simulator.stream import Festival
from simulator.truth import Truth
from zones import Places

RULES = IndicatorsSettings()
OUTSIDE = "outside"
Mask = NDArray[np.bool_]


class Person(NamedTuple):
    """Somebody's day: the layer's zones in order, that of each minute, and where their contract is."""

    zones: tuple[str, ...]
    day: list[str]
    home: str
    mcc: str

    def stays(self) -> Iterator[tuple[str, int, int]]:
        """Zone, first minute and minute after the last one."""
        minute = 0
        for zone, run in groupby(self.day):
            length = len(list(run))
            yield zone, minute, minute + length
            minute += length

    def night(self) -> str | None:
        """Where they slept; of zones with as many minutes, in the first of the layer."""
        hours = Counter(self.day[at("20:00") :])
        zone = max(self.zones, key=lambda zone: hours[zone])
        return zone if hours[zone] >= 60 else None

    def origin(self) -> str:
        """As all zones of the festival, which are in the Charente-Maritime, see it."""
        if self.mcc != FRANCE:
            return "foreign"
        return "local" if self.home == "17" else f"national:{self.home}"


def somebody(festival: Festival, places: Places, layer: str, day: int, who: Mask) -> list[Person]:
    """The people where ``who`` holds."""
    at_layer = [each.name for each in places.layers].index(layer)
    ground, names = festival.geography, (*places.layers[at_layer].ids, OUTSIDE)
    spots = places.of_points(ground.lat, ground.lon)
    zone_of = [names[zone] for zone in places.zones[spots, at_layer].tolist()]
    rows = festival.positions[:, day * DAY : (day + 1) * DAY]
    population = festival.population
    return [
        Person(
            names, [zone_of[spot] for spot in rows[person].tolist()], population.home[person], population.mcc[person]
        )
        for person in np.flatnonzero(who).tolist()
    ]


@pytest.fixture(scope="module")
def some(festival: Festival) -> Mask:
    """Every third person whose phone is on."""
    mask: Mask = (festival.population.phone == Phone.ON) & (np.arange(len(festival.population)) % 3 == 0)
    return mask


@pytest.fixture(scope="module", params=[("festival", 0), ("communes", 0), ("festival", 1)], ids=str)
def case(
    request: pytest.FixtureRequest, festival: Festival, places: Places, some: Mask
) -> tuple[DayTruth, list[Person]]:
    """A day in a layer, and its people."""
    layer, day = request.param
    return DayTruth(festival, places, layer, day, RULES, some), somebody(festival, places, layer, day, some)


def inside(parts: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """By zone and segment, without outside."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (zone, segment), people in parts.items():
        if zone != OUTSIDE:
            found[zone][segment] = people
    return dict(found)


@pytest.mark.parametrize(("hour", "hours"), [(18, 1), (0, 24)])
def test_presence_and_origins_are_of_distinct_people(
    case: tuple[DayTruth, list[Person]], hour: int, hours: int
) -> None:
    truth, people = case
    window = (truth.start + hour * HOUR, truth.start + (hour + hours) * HOUR)
    expected: Counter[tuple[str, str]] = Counter()
    for person in people:
        for zone in set(person.day[hour * 60 : (hour + hours) * 60]):
            expected[zone, person.origin()] += 1
    found = {
        zone: {origin: count for origin, count in parts.items() if not origin.startswith("foreign:")}
        | ({"foreign": foreign} if (foreign := sum(n for o, n in parts.items() if o.startswith("foreign:"))) else {})
        for zone, parts in truth.origins(*window).items()
    }
    assert found == inside(expected)
    presence = truth.presence(*window)
    assert presence == {zone: sum(found.get(zone, {}).values()) for zone in truth.layer.ids}


def test_foreigners_are_told_apart_by_country(festival: Festival, places: Places) -> None:
    truth = DayTruth(festival, places, "communes", 0, RULES)
    found = truth.origins(truth.start, truth.start + DAY * MINUTE)["17094"]
    countries = {origin for origin in found if origin.startswith("foreign:")}
    assert countries == {f"foreign:{code}" for code in ("GB", "DE", "BE", "NL", "ES", "IT", "CH")}
    assert found["foreign:GB"] == max(found[country] for country in countries)


@pytest.mark.parametrize(("hour", "hours"), [(15, 1), (0, 24), (23, 1)])
def test_dwell_is_the_longest_stay_that_ends_in_the_window(
    case: tuple[DayTruth, list[Person]], hour: int, hours: int
) -> None:
    truth, people = case
    expected: Counter[tuple[str, str]] = Counter()
    edges = {8 * 60: "8h+", 240: "4h-8h", 120: "2h-4h", 60: "1h-2h", 30: "30m-1h", 15: "15m-30m", 0: "0-15m"}
    for person in people:
        longest: dict[str, int] = {}
        for zone, begin, end in person.stays():
            if hour * 60 <= end < (hour + hours) * 60:
                longest[zone] = max(longest.get(zone, 0), end - begin)
        for zone, minutes in longest.items():
            expected[zone, next(name for edge, name in edges.items() if minutes >= edge)] += 1
    assert truth.dwell(truth.start + hour * HOUR, truth.start + (hour + hours) * HOUR) == inside(expected)


def test_a_night_is_where_most_of_it_was_spent(case: tuple[DayTruth, list[Person]]) -> None:
    truth, people = case
    nights = Counter(person.night() for person in people)
    assert truth.nights() == {zone: nights[zone] for zone in truth.layer.ids}
    assert {zone: sum(parts.values()) for zone, parts in truth.night_origins().items()} == +Counter(truth.nights())


def test_a_night_needs_the_least_stay(festival: Festival, places: Places) -> None:
    long = IndicatorsSettings(night_stay=type(RULES.night_stay)(9 * HOUR))
    assert set(DayTruth(festival, places, "festival", 0, long).nights().values()) == {0}


def test_categories_are_told_by_home_night_and_stay(case: tuple[DayTruth, list[Person]]) -> None:
    truth, people = case
    expected: Counter[tuple[str, str]] = Counter()
    for person in people:
        for zone, minutes in Counter(person.day).items():
            if person.origin() == "local":
                category = "resident"
            elif person.night() == zone:
                category = "tourist"
            else:
                category = "visitor" if minutes >= 120 else "transit"
            expected[zone, category] += 1
    assert truth.categories() == inside(expected)


def test_the_catchment_is_where_the_day_began(case: tuple[DayTruth, list[Person]]) -> None:
    truth, people = case
    expected = Counter((zone, person.day[0]) for person in people for zone in set(person.day))
    assert truth.catchment() == inside(expected)


def test_a_trip_is_between_two_stops_in_a_row(case: tuple[DayTruth, list[Person]]) -> None:
    truth, people = case
    expected: Counter[tuple[str, str]] = Counter()
    for person in people:
        stops = [zone for zone, begin, end in person.stays() if end - begin >= 20]
        expected.update({pair for pair in pairwise(stops) if pair[0] != pair[1]})
    assert truth.trips() == expected


def test_everybody_is_counted_unless_said_otherwise(festival: Festival, places: Places, truth: Truth) -> None:
    day = DayTruth(festival, places, "festival", 1, RULES)
    window = (START + (DAY + 600) * MINUTE, START + (DAY + 660) * MINUTE)
    expected = truth.people("festival", *window)
    assert day.presence(*window) == {zone: expected[zone].people for zone in day.layer.ids}


def test_a_span_of_the_festival_has_the_truth_of_the_whole_day(festival: Festival, places: Places) -> None:
    part = Festival(seed=7, people=2_000, start=START + HOUR, end=START + 2 * HOUR)
    whole = DayTruth(festival, places, "festival", 0, RULES)
    assert DayTruth(part, places, "festival", 0, RULES).nights() == whole.nights()


def test_bins_are_named_by_their_edges() -> None:
    assert bin_names(RULES.dwell_edges) == ["0-15m", "15m-30m", "30m-1h", "1h-2h", "2h-4h", "4h-8h", "8h+"]
    assert bin_names(()) == ["0+"]


def test_a_day_or_layer_that_is_not_there_is_an_error(festival: Festival, places: Places) -> None:
    with pytest.raises(KeyError, match="quarters"):
        DayTruth(festival, places, "quarters", 0, RULES)
    with pytest.raises(IndexError, match="day 2"):
        DayTruth(festival, places, "festival", 2, RULES)
