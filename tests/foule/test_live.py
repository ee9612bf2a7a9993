"""The live table: what it shows, and that it fits."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console

from foule.live import draw, shares, sparkline, to_json
from sinks.contract import Header
from sinks.reader import LayerView, ZoneView

NOON = 1_403_949_600_000
NOW = 1_000_000.0
PARIS = ZoneInfo("Europe/Paris")


def view(*zones: ZoneView, layer: str = "places", coverage: float = 1.0, flows: int = 0) -> LayerView:
    header = Header(start=NOON, end=NOON + 300_000, width="5m", version=7, coverage=coverage, k=20)
    pairs = tuple((f"origin-{n}", "outside", 100 - n) for n in range(flows))
    return LayerView(layer, header, NOW - 12, zones, len(zones), pairs)


def zone(name: str, people: int | None, before: int | None = None, **others: int) -> ZoneView:
    numbers = others if people is None else {"people": people, **others}
    return ZoneView(name, numbers, None if before is None else {"people": before}, (*[None] * 22, before, people))


def text(views: Mapping[str, LayerView | None], width: int = 100, height: int | None = None, note: str = "") -> str:
    out = StringIO()
    Console(file=out, width=width, force_terminal=False).print(draw(views, NOW, PARIS, height, note))
    return out.getvalue()


def test_a_zone_has_its_people_change_arrivals_departures_and_course() -> None:
    shown = text({"places": view(zone("beach", 1240, 2000, arrivals=310, departures=275))})
    [line] = [line for line in shown.splitlines() if "beach" in line]
    assert line.split() == ["beach", "1,240", "\N{MINUS SIGN}760", "310", "275", "·" * 22 + "█▅"]


def test_people_who_are_estimated_are_beside_the_devices() -> None:
    places = view(zone("beach", 1240, 2000, arrivals=310), zone("port", None, arrivals=25))
    beach = places.zones[0]._replace(estimate={"people": (3100, 2965, 3235), "arrivals": (775, 700, 850)})
    places = places._replace(zones=(beach, places.zones[1]))
    lines = text({"places": places}).splitlines()
    [head], [line], [port] = ([line for line in lines if name in line] for name in ("change", "beach", "port"))
    dash = "\N{EN DASH}"
    assert head.split()[:4] == ["zone", "people", "devices", "change"]
    assert line.split()[:6] == ["beach", "3,100", "1,240", "\N{MINUS SIGN}760", "310", dash]
    assert port.split()[:5] == ["port", dash, dash, dash, "25"]
    assert all(cell_len(line) <= 100 and "…" not in line for line in lines)
    told = to_json({"places": places}, NOW)["layers"]["places"]["zones"]
    assert told["beach"]["people"] == 1240
    assert told["beach"]["estimate"] == {"people": (3100, 2965, 3235), "arrivals": (775, 700, 850)}
    assert "estimate" not in told["port"]


def test_what_is_not_published_is_a_dash_and_explained() -> None:
    shown = text({"places": view(zone("beach", None, 30, arrivals=25), zone("port", 25))})
    rows = {line.split()[0]: line.split()[1:5] for line in shown.splitlines() if "beach" in line or "port" in line}
    dash = "\N{EN DASH}"
    assert rows == {"beach": [dash, dash, "25", dash], "port": ["25", "new", dash, dash]}
    assert "is fewer than 20, or withheld" in shown


def test_the_window_is_in_local_time_with_age_and_coverage() -> None:
    shown = text({"places": view(zone("beach", 40), coverage=0.75)})
    assert "Sat 28 Jun 2014 12:00 to 12:05 CEST   published 12 s ago   coverage 75%" in shown


def test_the_largest_flows_are_shown() -> None:
    shown = text({"places": view(zone("beach", 40), flows=9)})
    assert "100 origin-0 → outside" in shown
    assert "95 origin-5 → outside" in shown
    assert "origin-6" not in shown


def test_a_layer_without_live_numbers_says_so() -> None:
    assert "No live numbers" in text({"places": None})
    assert "Nothing has been published yet" in text({})


def test_a_note_is_below_all() -> None:
    assert text({"places": None}, note="Redis does not answer").splitlines()[-1] == "Redis does not answer"


@pytest.mark.parametrize("height", [30, 50, 80])
def test_it_fits_into_the_terminal(height: int) -> None:
    many = [zone(f"a-zone-with-a-rather-long-name-that-goes-on-and-on-{n}", 1_000_000 - n, 10) for n in range(200)]
    views = {"places": view(*many, flows=30), "towns": view(*many[:2]), "empty": None, "areas": view(*many)}
    lines = text(views, height=height).splitlines()
    assert len(lines) <= height
    assert len(lines) >= height - 3, "and uses the room"
    assert all(cell_len(line) <= 100 for line in lines)
    assert "more zones" in "\n".join(lines)


def test_room_that_a_small_layer_leaves_goes_to_the_others() -> None:
    assert shares([(2, 5), (100, 5), (100, 5)], 57) == [2, 20, 20]
    assert shares([(2, 5), (100, 5)], None) == [2, 100]
    assert shares([(100, 5), (100, 5)], 4) == [3, 3]
    assert shares([], 10) == []


def test_a_sparkline_is_drawn_from_zero_to_the_largest() -> None:
    assert sparkline([None, 0, 50, 100]) == "·▁▅█"
    assert sparkline([None, None]) == "··"
    assert sparkline([0]) == "▁"


def test_json_leaves_out_what_is_not_published() -> None:
    places = view(zone("beach", 40, 30, arrivals=25), zone("port", None, departures=21), flows=1)
    assert to_json({"places": places, "towns": None}, NOW) == {
        "layers": {
            "places": {
                "width": "5m",
                "start": NOON,
                "end": NOON + 300_000,
                "version": 7,
                "coverage": 1.0,
                "k": 20,
                "noise": 0,
                "published_seconds_ago": 12.0,
                "zones": {"beach": {"people": 40, "arrivals": 25, "change": 10}, "port": {"departures": 21}},
                "flows": [{"from": "origin-0", "to": "outside", "people": 100}],
            },
            "towns": None,
        }
    }
