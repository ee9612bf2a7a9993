"""Where devices are from, and what they are counted in by it."""

from dataclasses import replace
from typing import Any

import pytest

from foule.oracle.oracle import run
from foule.oracle.origins import origin_in, origin_of
from foule.oracle.parameters import DAY, HOUR, MINUTE
from foule.oracle.track import Zoning
from tests.oracle.cases import DAY_END, LAYERS, TEN, cells, count, event, locate, log, settings

FROM = settings(
    widths=(HOUR, DAY),
    origins=(HOUR,),
    countries={"208": "FR", "262": "DE", "234": "GB", "235": "GB", "228": "CH"},
    areas={"17", "33", "75"},
)


@pytest.mark.parametrize(
    ("subscriber", "mcc", "home", "origin"),
    [
        ("a", "262", None, "foreign:DE"),
        ("a", "262", "17", "foreign:DE"),
        ("a", "235", None, "foreign:GB"),
        ("a", "999", "17", "unknown"),
        ("a", "26", "17", "unknown"),
        ("a", "208", "17", "national:17"),
        ("a", "208", "99", "unknown"),
        ("a", "208", None, "unknown"),
        ("a", None, "75", "national:75"),
        ("a", None, None, "unknown"),
        ("26201234567890", None, None, "foreign:DE"),
        ("262012345678901", None, "17", "foreign:DE"),
        ("262012345678901", "208", "17", "national:17"),
        ("208012345678901", "262", "17", "foreign:DE"),
        ("208012345678901", None, "17", "national:17"),
        ("999012345678901", None, "17", "unknown"),
        ("2620123456789", None, "17", "national:17"),
        ("2620123456789012", None, "17", "national:17"),
        ("26201234567890a", None, "17", "national:17"),
        ("٢٦٢01234567890", None, "17", "national:17"),
    ],
)
def test_the_origin_is_the_country_of_the_network_or_else_the_home_area(
    subscriber: str, mcc: str | None, home: str | None, origin: str
) -> None:
    assert origin_of(FROM, subscriber, mcc, home) == origin


def test_the_networks_of_several_countries_may_be_at_home() -> None:
    at_home = replace(FROM, home_mcc=("208", "262"))
    assert origin_of(at_home, "a", "262", "17") == "national:17"
    assert origin_of(at_home, "a", "228", "17") == "foreign:CH"
    assert origin_of(replace(FROM, home_mcc=()), "a", "208", "17") == "foreign:FR"


def test_a_device_is_local_in_zones_of_its_home_area() -> None:
    zoning = Zoning.of(LAYERS[0])
    found = [origin_in(zoning, "national:17", zone) for zone in ("beach", "port", "town", "outside")]
    assert found == ["local", "national:17", "national:17", "national:17"]
    assert origin_in(zoning, "unknown", "port") == "unknown"
    assert origin_in(Zoning(), "national:17", "beach") == "national:17"


def by_origin(indicator: str, *values: bytes, width: int = HOUR) -> dict[Any, Any]:
    return cells(count(*values, parameters=FROM), indicator, width=width)


def test_presence_and_moves_are_counted_by_origin_and_a_pair_by_that_in_the_zone_where_it_leads() -> None:
    there = [event(0, home="17"), event(MINUTE, cell="port-1"), event(2 * MINUTE)]
    assert by_origin("origins", *there) == {(0, ("beach", "local")): 1, (0, ("port", "national:17")): 1}
    assert by_origin("arrival_origins", *there) == {(0, ("beach", "local")): 1, (0, ("port", "national:17")): 1}
    assert by_origin("departure_origins", *there) == {(0, ("beach", "local")): 1, (0, ("port", "national:17")): 1}
    assert by_origin("flow_origins", *there) == {
        (0, ("beach", "port", "national:17")): 1,
        (0, ("port", "beach", "local")): 1,
    }
    assert by_origin("origins", *there, width=DAY) == {}


def test_outside_has_no_origins_but_flows_from_and_to_it_have() -> None:
    out = [event(0, mcc=262), event(MINUTE, cell="sea-1"), event(2 * MINUTE)]
    assert by_origin("origins", *out) == {(0, ("beach", "foreign:DE")): 1}
    assert by_origin("arrival_origins", *out) == {(0, ("beach", "foreign:DE")): 1}
    assert by_origin("departure_origins", *out) == {(0, ("beach", "foreign:DE")): 1}
    assert set(by_origin("flow_origins", *out)) == {
        (0, ("beach", "outside", "foreign:DE")),
        (0, ("outside", "beach", "foreign:DE")),
    }


def test_the_first_event_of_an_epoch_decides_and_no_later_one() -> None:
    later = [event(0, home="33"), event(HOUR, home="17", mcc="262")]
    assert set(by_origin("origins", *later)) == {(0, ("beach", "national:33")), (60, ("beach", "national:33"))}
    before = [event(MINUTE, home="33"), event(0, mcc="262")]
    assert set(by_origin("origins", *before)) == {(0, ("beach", "foreign:DE"))}
    next_day = count(event(0, mcc="262"), event(18 * HOUR, mcc="228"), parameters=FROM, end=DAY_END + DAY)
    assert {cell for _, cell in cells(next_day, "origins", width=HOUR)} == {
        ("beach", "foreign:DE"),
        ("beach", "foreign:CH"),
    }


def test_of_two_first_events_at_once_the_one_with_the_lower_offset_decides() -> None:
    assert set(by_origin("origins", event(0, mcc="262"), event(0, mcc="228"))) == {(0, ("beach", "foreign:DE"))}
    shuffled = replace(FROM, shuffle=True)
    logs = {0: log(event(1, "b"), event(0, mcc="262")), 1: log(event(0, mcc="228"))}
    result = run(shuffled, logs, {at: [(2, DAY_END)] for at in logs}, locate)
    assert (0, ("beach", "foreign:DE")) in cells(result, "origins", width=HOUR)
    assert (0, ("beach", "foreign:CH")) not in cells(result, "origins", width=HOUR)


def test_empty_texts_say_nothing_and_whole_numbers_are_texts() -> None:
    assert set(by_origin("origins", event(0, mcc="", home="33"))) == {(0, ("beach", "national:33"))}
    assert set(by_origin("origins", event(0, mcc=208, home=33))) == {(0, ("beach", "national:33"))}
    assert set(by_origin("origins", event(0, mcc="208", home=""))) == {(0, ("beach", "unknown"))}


def test_lengths_of_stay_are_by_origin_in_the_widths_of_both() -> None:
    both = replace(FROM, dwell=(HOUR, DAY), origins=(DAY,))
    result = count(event(0, home="17"), event(20 * MINUTE), event(21 * MINUTE, cell="port-1"), parameters=both)
    assert cells(result, "dwell_origins", width=HOUR) == {}
    assert cells(result, "dwell_origins", width=DAY) == {
        (-360, ("beach", "local", "15m-30m")): 1,
        (-360, ("port", "national:17", "0-15m")): 1,
    }


def test_nights_are_by_origin_where_both_are_counted_by_day() -> None:
    night = [event(10 * HOUR, home="17"), event(10 * HOUR + 30 * MINUTE)]
    by_hour = count(*night, parameters=replace(FROM, nights=True))
    assert cells(by_hour, "night_origins", width=DAY) == {}
    by_day = count(*night, parameters=replace(FROM, nights=True, origins=(DAY,)))
    assert cells(by_day, "night_origins", width=DAY) == {(-360, ("beach", "local")): 1}
    assert cells(count(*night, parameters=replace(FROM, origins=(DAY,))), "night_origins", width=DAY) == {}


def test_without_any_indicator_switched_on_nothing_new_is_counted() -> None:
    plain = settings(widths=(HOUR, DAY))
    result = count(event(0, mcc="262"), event(MINUTE, cell="port-1"), parameters=plain)
    names = {name for indicators in result.tallies.values() for name in indicators}
    assert names == {"presence", "arrivals", "departures", "appeared", "vanished", "flows"}
    assert min(window.start for window in result.tallies) == TEN - 6 * HOUR
