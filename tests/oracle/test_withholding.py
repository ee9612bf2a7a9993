"""What the oracle withholds beside the numbers of the zones that hold a zone."""

from collections.abc import Mapping

from tests.oracle.publishing import Counted, publish


def test_a_zone_withheld_for_its_presence_goes_with_all_its_cells_and_pairs() -> None:
    zone: Counted = {
        "presence": {"a": 40, "b": 30},
        "nights": {"a": 30, "b": 25},
        "usual": {"b": 25},
        "flows": {("a", "c"): 30, ("b", "c"): 30, ("c", "b"): 30},
        "trips": {("a", "c"): 30, ("c", "b"): 30},
        "flow_origins": {("c", "b", "local"): 50, ("c", "a", "b"): 50},
        "origins": {("b", "local"): 40, ("a", "b"): 60, ("a", "z"): 40},
        "dwell": {("b", "0-15m"): 40, ("a", "0-15m"): 40},
        "dwell_origins": {("b", "local", "0-15m"): 40},
        "categories": {("b", "resident"): 30},
        "recurrence": {("b", "1"): 30},
        "sojourns": {("b", "1"): 30},
        "night_origins": {("b", "local"): 30},
        "catchment": {("b", "a"): 50, ("a", "b"): 70, ("a", "a"): 60},
    }
    # Of 81 in the north 70 are in a and b: 11 would be left.
    found = publish(coast={"presence": {"north": 81}}, spots=zone)["spots"]
    assert found == {
        "presence": {"a": 40},
        "nights": {"a": 30},
        "flows": {("a", "c"): 30},
        "trips": {("a", "c"): 30},
        "flow_origins": {("c", "a", "other"): 50},
        "origins": {("a", "b"): 60, ("a", "other"): 40},
        "dwell": {("a", "0+"): 40},
        "catchment": {("a", "b"): 70, ("a", "other"): 60},
    }


def origins(**zones: Mapping[str, int]) -> Counted:
    return {"origins": {(zone, origin): n for zone, parts in zones.items() for origin, n in parts.items()}}


def test_a_zone_goes_with_all_its_origins_where_one_of_them_would_leave_a_small_rest_of_that_above() -> None:
    # Of 200 locals in the north 190 are in a and b.
    north = {"local": 200, "unknown": 300, "y": 150}
    spots = origins(a={"local": 120, "unknown": 50, "x": 25}, b={"local": 70, "unknown": 60, "x": 22})
    found = publish(coast=origins(north=north), spots=spots)
    assert found["coast"]["origins"] == {("north", "local"): 200, ("north", "unknown"): 300, ("north", "other"): 150}
    assert found["spots"]["origins"] == {("a", "local"): 120, ("a", "unknown"): 50, ("a", "other"): 25}
    for local, zones in ((190, {"a", "b"}), (191, {"a"}), (209, {"a"}), (210, {"a", "b"})):
        found = publish(coast=origins(north=north | {"local": local}), spots=spots)
        assert {cell[0] for cell in found["spots"]["origins"]} == zones


def test_origins_are_looked_at_again_in_what_is_left() -> None:
    # Of "m" there seem to be fewer in the north than in a and b, as numbers with errors may; b goes for its "n", of
    # which 10 would be left, and then 15 of "m" would be.
    coast = origins(north={"m": 210, "n": 290, "y": 150})
    zones = {"a": {"m": 195, "n": 200, "y": 20}, "b": {"m": 30, "n": 80, "y": 20}, "c": {"m": 60, "y": 30}}
    found = publish(coast=coast, spots=origins(**zones))
    assert found["spots"]["origins"] == {("c", "m"): 60, ("c", "other"): 30}


def test_origins_are_held_against_those_of_every_layer_above() -> None:
    coast = origins(north={"local": 200, "y": 150})
    patches = origins(u={"local": 120, "y": 30}, w={"local": 70, "y": 40})
    found = publish(coast=coast, patches=patches)
    assert {cell[0] for cell in found["patches"]["origins"]} == {"u"}
    between = origins(a={"local": 120, "y": 30})
    found = publish(coast=coast, spots=between, patches=patches)
    assert {cell[0] for cell in found["spots"]["origins"]} == {"a"}
    assert {cell[0] for cell in found["patches"]["origins"]} == {"u"}


def test_arrivals_and_departures_by_origin_are_not_held_against_those_above() -> None:
    names = ("arrival_origins", "departure_origins", "categories", "night_origins")
    for name in names:
        coast = {name: {("north", "local"): 100, ("north", "y"): 30}}
        spots = {name: {("a", "local"): 60, ("a", "y"): 30, ("b", "local"): 30, ("b", "y"): 20}}
        found = publish(coast=coast, spots=spots)
        assert {cell[0] for cell in found["spots"][name]} == {"a", "b"}
