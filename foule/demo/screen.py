"""The demo's screen: what is going on in a few lines, and below it the live table that ``foule watch`` shows."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from config.errors import ServiceError
from config.settings import Settings
from foule.commands.watch import LiveViews
from foule.demo.feed import Feed
from foule.demo.services import WorkerFigures, WorkerProcess
from foule.server_process import LOOPBACK
from sinks.reader import LayerView, LiveReader
from zones import Layer

_EVERY = 0.5  # seconds

#: What goes on from which time of the festival's day on, which begins at 04:00.
_PROGRAMME: Final = (
    ("04:00", "the town sleeps"),
    ("09:00", "market in the centre"),
    ("12:00", "lunch along the seafront"),
    ("14:00", "bathing"),
    ("18:30", "supper and the first concerts"),
    ("20:30", "concert on the main stage"),
    ("23:00", "fireworks over the beach"),
    ("23:45", "last trains, last dances"),
)
_QUIET_NIGHT: Final = "01:30"

_PLACE: Final = "Châtelaillon-Plage"
_HINT: Final = "[dim]Ctrl-C stops everything[/]"
_BEGINNING: Final = "The worker is joining Kafka. The first numbers follow within seconds."
_LINES_OF_FRAME: Final = 2
_ROOMY: Final = 36


class Screen:
    """Shows a running demo on a terminal until the program is interrupted."""

    def __init__(self, settings: Settings, layers: Sequence[Layer], people: int, feed: Feed, worker: WorkerProcess):
        self._settings = settings
        self._titles = {layer.name: titles_of(layer) for layer in layers}
        self._people = people
        self._feed = feed
        self._worker = worker
        self._zone = ZoneInfo(settings.time.zone)

    def show(self, console: Console) -> None:
        """Draw twice a second. Raises ServiceError if the worker ends, or what made sending fail."""
        with LiveReader(self._settings.redis) as reader, Live(console=console, screen=True, auto_refresh=False) as live:
            source = LiveViews(reader, self._settings)
            while True:
                live.update(self._draw(source, console), refresh=True)
                time.sleep(_EVERY)

    def _draw(self, source: LiveViews, console: Console) -> RenderableType:
        over = self._feed.is_over
        figures = self._worker.figures()
        head = self._head(figures, over, console.height >= _ROOMY)
        left = console.height - len(head) - _LINES_OF_FRAME
        title = Text(f"foule demo: {self._people:,} people at the festival of {_PLACE}", style="bold")
        framed = Panel(Group(*head), title=title, subtitle=_HINT, title_align="left", subtitle_align="right")
        note = ""
        try:
            views = source.read(console.height)
        except ServiceError as error:
            views, note = source.views, f"{error}; trying again"
        if not figures.windows and not any(views.values()):
            return Group(framed, Text(f"\n {_BEGINNING}", style="yellow"))
        named = {name: None if view is None else titled(view, self._titles[name]) for name, view in views.items()}
        return Group(framed, source.drawing(named, left, note))

    def _head(self, figures: WorkerFigures, over: bool, roomy: bool) -> list[Text]:
        feed, settings = self._feed, self._settings
        now = datetime.fromtimestamp(feed.moment / 1000, self._zone)
        place = Text(f"{now:%A %d %B %Y, %H:%M}", style="bold yellow")
        place.append(f", {feed.speed:g} times as fast as real", style="not bold yellow")
        place.append(f"   {'the festival is over' if over else programme_at(now)}", style="bold default")
        counted = Text(
            f"{feed.sent:,} events sent, {figures.accepted:,} counted, {figures.late:,} late,"
            f" {sum(figures.rejected.values()):,} rejected, {figures.windows:,} windows published"
        )
        lines = [place, counted]
        if roomy:
            services = f"Kafka {settings.kafka.bootstrap}   Redis {settings.redis.url.reveal()}"
            lines += [
                Text(f"{services}   metrics http://{LOOPBACK}:{self._worker.port}/metrics", style="dim"),
                Text(f"the worker's log {self._worker.log}", style="dim"),
            ]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return lines


def programme_at(moment: datetime) -> str:
    """What goes on at the festival at a local time."""
    clock = f"{moment:%H:%M}"
    if clock < _PROGRAMME[0][0]:
        return _PROGRAMME[-1][1] if clock < _QUIET_NIGHT else _PROGRAMME[0][1]
    return _PROGRAMME[bisect_right([begin for begin, _ in _PROGRAMME], clock) - 1][1]


def titles_of(layer: Layer) -> dict[str, str]:
    """The titles of a layer's zones by their ids, where a title says more than the id."""
    return {zone: title for zone, title in zip(layer.ids, layer.titles, strict=True) if title}


def titled(view: LayerView, titles: Mapping[str, str]) -> LayerView:
    """The view with zones called by their titles; a flow, for which there is less room, by title only where the id is
    a number."""
    zones = tuple(zone._replace(zone=titles.get(zone.zone, zone.zone)) for zone in view.zones)

    def short(zone: str) -> str:
        return titles.get(zone, zone) if zone.isdecimal() else zone

    flows = tuple((short(origin), short(to), people) for origin, to, people in view.flows)
    return view._replace(zones=zones, flows=flows)
