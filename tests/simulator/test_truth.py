"""The truth adds up, and agrees with the whereabouts counted the slow way."""

import numpy as np
import pytest

from simulator.programme import END, EVENING, FIREWORKS, HOUR, MINUTE, MINUTES, START, at
from simulator.stream import Festival
from simulator.truth import Truth, ZoneTruth
from zones import Places


@pytest.mark.parametrize("layer", ["festival", "communes"])
def test_each_person_is_in_exactly_one_zone_a_minute(truth: Truth, layer: str) -> None:
    """Zones and outside sum to everybody, each minute."""
    counts = truth.each_minute(layer)
    assert counts.shape == (MINUTES, len(truth.zones(layer)))
    assert np.all(counts.sum(axis=1) == 2_000)


def test_the_truth_of_a_minute_is_its_count(truth: Truth) -> None:
    """Distinct people, mean and the count of a single minute are one number."""
    minute = at("21:00")
    counts = truth.each_minute("festival")[minute].tolist()
    window = truth.people("festival", START + minute * MINUTE, START + (minute + 1) * MINUTE)
    assert list(window) == list(truth.zones("festival"))
    assert list(window.values()) == [ZoneTruth(count, float(count)) for count in counts]


@pytest.mark.parametrize("layer", ["festival", "communes"])
@pytest.mark.parametrize("minutes", [5, 60])
def test_a_window_counts_distinct_people(
    truth: Truth, festival: Festival, places: Places, layer: str, minutes: int
) -> None:
    """As a loop over the people finds them."""
    at_layer = truth.layers.index(layer)
    ground = festival.geography
    zone_of = places.zones[places.of_points(ground.lat, ground.lon), at_layer]
    first = at("22:00")
    names = truth.zones(layer)
    people: dict[str, set[int]] = {name: set() for name in names}
    spent = dict.fromkeys(names, 0)
    for person, spots in enumerate(festival.positions[:, first : first + minutes].tolist()):
        for spot in spots:
            people[names[zone_of[spot]]].add(person)
            spent[names[zone_of[spot]]] += 1
    window = truth.people(layer, START + first * MINUTE, START + (first + minutes) * MINUTE)
    for name in names:
        assert window[name].people == len(people[name])
        assert window[name].mean == pytest.approx(spent[name] / minutes)


def test_distinct_people_are_at_least_the_mean_and_at_most_everybody(truth: Truth) -> None:
    """Over the whole day, many more have been on the beach than are there at a time."""
    day = truth.people("festival", START, START + 24 * HOUR)
    assert all(zone.mean <= zone.people <= 2_000 for zone in day.values())
    assert day["beach"].people > 3 * day["beach"].mean


def test_the_fireworks_fill_the_beach(truth: Truth) -> None:
    """The largest five minutes of the weekend there."""
    beach = truth.zones("festival").index("beach")
    peak = int(np.argmax(truth.each_minute("festival")[:, beach]))
    assert abs(START + peak * MINUTE - FIREWORKS) < 25 * MINUTE


def test_the_communes_hold_their_zones(truth: Truth) -> None:
    """At any minute, at least as many are in the commune as in the zones in it."""
    fine, coarse = truth.each_minute("festival"), truth.each_minute("communes")
    town = [
        truth.zones("festival").index(zone)
        for zone in ("beach", "seafront", "centre", "station", "old-port", "town", "campsite-north")
    ]
    assert np.all(fine[:, town].sum(axis=1) <= coarse[:, truth.zones("communes").index("17094")])


def test_a_window_that_is_partly_outside_of_the_span_counts_what_is_within(truth: Truth) -> None:
    """And one wholly outside counts nobody."""
    before = truth.people("festival", START - HOUR, START + 5 * MINUTE)
    assert before == truth.people("festival", START, START + 5 * MINUTE)
    assert truth.people("festival", END - MINUTE, END + HOUR) == truth.people("festival", END - MINUTE, END)
    nobody = ZoneTruth(0, 0.0)
    for start, end in ((END, END + HOUR), (START - HOUR, START), (EVENING, EVENING)):
        assert set(truth.people("festival", start, end).values()) == {nobody}


def test_the_truth_of_a_span_is_that_part_of_the_weekend(truth: Truth, places: Places) -> None:
    """The same people at the same minutes."""
    part = Festival(seed=7, people=2_000, start=EVENING, end=EVENING + HOUR).truth(places)
    assert part.minutes == 60
    window = (EVENING + 5 * MINUTE, EVENING + 10 * MINUTE)
    assert part.people("festival", *window) == truth.people("festival", *window)


def test_an_unknown_layer_is_an_error(truth: Truth) -> None:
    """By its name."""
    with pytest.raises(KeyError, match="quarters"):
        truth.people("quarters", START, END)
