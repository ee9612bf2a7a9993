"""Where the day of those began who are in a zone."""

from typing import Any

from foule.oracle.parameters import HOUR, MINUTE
from tests.oracle.cases import by_day, daily, event, there

FOUR = 18 * HOUR
"""Four in the morning, after ten o'clock: a local day begins."""


def catchment(*values: bytes, layer: str = "spot", **changes: Any) -> dict[Any, Any]:
    return by_day(daily(catchment=True, **changes), "catchment", *values, layer=layer)


def test_a_day_begins_in_the_zone_of_its_first_event() -> None:
    found = catchment(event(0, cell="town-1"), event(MINUTE), event(2 * HOUR, cell="port-1"))
    assert found == {(0, (zone, "town")): 1 for zone in ("town", "beach", "port")}


def test_outside_is_where_a_day_may_begin_and_no_zone_that_has_a_catchment() -> None:
    assert catchment(event(0, cell="sea-1"), event(MINUTE)) == {(0, ("beach", "outside")): 1}
    assert catchment(event(0), event(MINUTE, cell="sea-1")) == {(0, ("beach", "beach")): 1}
    assert catchment(event(0, cell="sea-1")) == {}


def test_a_visit_that_is_open_when_a_day_begins_comes_before_the_days_first_event() -> None:
    over = [event(FOUR - 10 * MINUTE, cell="town-1"), event(FOUR + 10 * MINUTE)]
    assert catchment(*over) == {(0, ("town", "town")): 1, (1, ("town", "town")): 1, (1, ("beach", "town")): 1}


def test_a_move_at_the_very_beginning_of_a_day_leaves_it_to_begin_where_the_device_was() -> None:
    moved = [event(FOUR - 10 * MINUTE, cell="town-1"), event(FOUR)]
    assert catchment(*moved)[1, ("beach", "town")] == 1


def test_a_silence_that_ends_exactly_when_the_day_begins_is_open_then_and_one_before_is_not() -> None:
    at = [event(FOUR - 30 * MINUTE, cell="town-1"), event(FOUR + HOUR)]
    assert {key for key in catchment(*at) if key[0] == 1} == {(1, ("town", "town")), (1, ("beach", "town"))}
    before = [event(FOUR - 30 * MINUTE - 1, cell="town-1"), event(FOUR + HOUR)]
    assert {key for key in catchment(*before) if key[0] == 1} == {(1, ("beach", "beach"))}


def test_an_event_at_the_very_beginning_of_a_day_is_its_first() -> None:
    assert set(catchment(event(FOUR, cell="town-1"), event(FOUR, cell="port-1"))) == {
        (1, ("town", "town")),
        (1, ("port", "town")),
    }


def test_with_the_epoch_all_visits_are_cut_and_a_day_begins_with_its_first_event() -> None:
    over = [event(FOUR - 10 * MINUTE, cell="town-1"), event(FOUR - 1)]
    assert catchment(*over, epoch_days=1) == {(0, ("town", "town")): 1, (0, ("beach", "town")): 1}


def test_layers_have_catchments_of_their_own_and_devices_add_up() -> None:
    both = sorted([*there(0, HOUR, "port-1"), *there(20 * MINUTE, HOUR, "beach-1", "b"), event(2 * HOUR)])
    assert catchment(*both) == {(0, ("port", "port")): 1, (0, ("beach", "port")): 1, (0, ("beach", "beach")): 1}
    assert catchment(*both, layer="area") == {(0, ("coast", "coast")): 2}
