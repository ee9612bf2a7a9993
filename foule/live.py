"""The live table: what is published now, of every layer, drawn for a terminal or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sinks.reader import LayerView, ZoneView

#: Windows in a sparkline.
SPARK_WINDOWS: Final = 24

_BARS: Final = "▁▂▃▄▅▆▇█"
_ABSENT: Final = "\N{EN DASH}"
_MINUS: Final = "\N{MINUS SIGN}"
_LINES_AROUND_ZONES: Final = 5  # title, window, head of the table, note, a gap
_LINES_WITHOUT_NUMBERS: Final = 3
_FEWEST_ZONES: Final = 3
_FLOWS_SHOWN: Final = 6
_FLOWS_ABREAST: Final = 3


def draw(
    views: Mapping[str, LayerView | None],
    now: float,
    zone: tzinfo,
    height: int | None = None,
    note: str = "",
) -> RenderableType:
    """The layers' live windows, one below the other.

    ``now``: wall clock in seconds; ``zone``: of the times shown; ``height``: lines at hand, None for all zones;
    ``note``: a line below all, for instance that Redis does not answer.
    """
    rows = shares([_lines_wanted(view) for view in views.values()], None if height is None else height - bool(note))
    parts = [_layer(name, view, now, zone, share) for (name, view), share in zip(views.items(), rows, strict=True)]
    if not parts:
        parts = [Text("Nothing has been published yet: no layer has a window in this Redis.", style="yellow")]
    if note:
        parts.append(Text(note, style="bold red"))
    return Group(*parts)


def shares(wanted: Sequence[tuple[int, int]], lines: int | None) -> list[int]:
    """How many zones to show of each layer in ``lines`` lines (None: all).

    ``wanted``: for each layer its zones, and the lines that it takes besides. What a layer with few zones leaves
    goes to the others; each shows at least three.
    """
    zones = [count for count, _ in wanted]
    if lines is None:
        return zones
    left = lines - sum(besides for _, besides in wanted)
    given = [0] * len(zones)
    for place, number in enumerate(sorted(range(len(zones)), key=zones.__getitem__)):
        share = max(left // (len(zones) - place), _FEWEST_ZONES)
        given[number] = min(zones[number], share)
        left -= given[number]
    return given


def _lines_wanted(view: LayerView | None) -> tuple[int, int]:
    if view is None:
        return 0, _LINES_WITHOUT_NUMBERS
    return len(view.zones), _LINES_AROUND_ZONES + -(-len(view.flows[:_FLOWS_SHOWN]) // _FLOWS_ABREAST)


def to_json(views: Mapping[str, LayerView | None], now: float) -> dict[str, Any]:
    """The same for programs: ``{"layers": {LAYER: null or {...}}}``; what is not published is absent."""
    return {"layers": {name: None if view is None else _layer_to_json(view, now) for name, view in views.items()}}


def sparkline(history: Sequence[int | None]) -> str:
    """A bar for each number, from zero to the largest; a dot where none is published."""
    top = max((people for people in history if people is not None), default=0)
    return "".join("·" if people is None else _bar(people, top) for people in history)


def _bar(people: int, top: int) -> str:
    return _BARS[min(len(_BARS) - 1, people * len(_BARS) // max(top, 1))]


def _layer(name: str, view: LayerView | None, now: float, zone: tzinfo, rows: int) -> RenderableType:
    title = Rule(Text(name, style="bold"), align="left", style="dim")
    if view is None:
        empty = Text("No live numbers: nothing could be published lately, or nothing is running.", style="yellow")
        return Group(title, Padding(empty, (0, 0, 1, 1)))
    shown = view.zones[:rows]
    parts: list[RenderableType] = [title, Padding(_window(view, now, zone), (0, 1)), _zones(shown)]
    hidden = view.zone_count - len(shown)
    more = f"{hidden} more zones; " if hidden else ""
    note = f"{more}{_ABSENT} or · is fewer than {view.header.k}, or withheld"
    parts.append(Padding(Text(note, style="dim"), (0, 1)))
    if view.flows:
        parts.append(Padding(_flows(view), (0, 1)))
    parts.append(Text(""))
    return Group(*parts)


def _window(view: LayerView, now: float, zone: tzinfo) -> Text:
    header = view.header
    start, end = (datetime.fromtimestamp(ms / 1000, zone) for ms in (header.start, header.end))
    until = f"{end:%H:%M}" if (end - start).total_seconds() < 86_400 else f"{end:%a %d %b %H:%M}"
    line = Text(f"{start:%a %d %b %Y %H:%M} to {until} {end:%Z}", style="bold cyan")
    line.append(f"   published {_ago(now - view.placed)} ago", style="default")
    line.append("   coverage ", style="default")
    line.append(f"{header.coverage:.0%}", style="green" if header.coverage >= 1 else "bold yellow")
    return line


def _zones(zones: Sequence[ZoneView]) -> Table:
    """Where people are estimated, they are those, and what is counted is called devices."""
    estimated = any(zone.estimate for zone in zones)
    table = Table(box=None, expand=True, padding=(0, 1), header_style="dim")
    table.add_column("zone", ratio=1, min_width=16, no_wrap=True, overflow="ellipsis")
    people = [("people", 9), ("devices", 9)] if estimated else [("people", 9)]
    for name, width in [*people, ("change", 8), ("arrivals", 9), ("departures", 10)]:
        table.add_column(name, justify="right", min_width=width, no_wrap=True)
    table.add_column(f"last {SPARK_WINDOWS} windows", width=SPARK_WINDOWS, no_wrap=True)
    for zone in zones:
        numbers = zone.numbers
        estimate = zone.estimate.get("people")
        table.add_row(
            Text(zone.zone),
            *([_number(estimate and estimate[0])] if estimated else []),
            Text(_number(numbers.get("people")), style="bold"),
            _change(zone),
            _number(numbers.get("arrivals")),
            _number(numbers.get("departures")),
            Text(sparkline(zone.history), style="cyan"),
        )
    return table


def _change(zone: ZoneView) -> Text:
    change = zone.change
    if change is None:
        return Text("new" if "people" in zone.numbers else _ABSENT, style="dim")
    if change == 0:
        return Text("0", style="dim")
    return Text(f"{change:+,}".replace("-", _MINUS), style="green" if change > 0 else "red")


def _flows(view: LayerView) -> Table:
    flows = [
        Text.assemble((_number(people), "bold"), f" {origin} → {to}", no_wrap=True, overflow="ellipsis")
        for origin, to, people in view.flows[:_FLOWS_SHOWN]
    ]
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(width=len("top flows"), style="dim")
    for _ in range(_FLOWS_ABREAST):
        grid.add_column(ratio=1)
    for first in range(0, len(flows), _FLOWS_ABREAST):
        grid.add_row("" if first else "top flows", *flows[first : first + _FLOWS_ABREAST])
    return grid


def _number(people: int | None) -> str:
    return _ABSENT if people is None else f"{people:,}"


def _ago(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h"


def _layer_to_json(view: LayerView, now: float) -> dict[str, Any]:
    header = view.header
    zones = {}
    for zone in view.zones:
        change = {} if zone.change is None else {"change": zone.change}
        estimate = {"estimate": dict(zone.estimate)} if zone.estimate else {}
        zones[zone.zone] = {**zone.numbers, **change, **estimate}
    return {
        "width": header.width,
        "start": header.start,
        "end": header.end,
        "version": header.version,
        "coverage": header.coverage,
        "k": header.k,
        "noise": header.noise,
        "published_seconds_ago": round(now - view.placed, 1),
        "zones": zones,
        "flows": [{"from": origin, "to": to, "people": people} for origin, to, people in view.flows],
    }
