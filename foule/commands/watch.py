"""``foule watch``: the published numbers, live in the terminal, read from Redis alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import click
from rich.console import Console, RenderableType
from rich.live import Live

from config.errors import ServiceError
from config.settings import Settings
from foule.live import SPARK_WINDOWS, draw, to_json
from foule.options import json_option, settings_option
from sinks.reader import LayerView, LiveReader

_EVERY = 1.0  # seconds
_AGAIN = 2.0

Views = dict[str, LayerView | None]


@click.command()
@settings_option
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Only this layer; may be repeated.")
@click.option("--once", is_flag=True, help="Print what is live now, every zone, and end.")
@json_option
def watch(settings: Settings, layers: tuple[str, ...], once: bool, as_json: bool) -> None:
    """Show the published numbers live in the terminal.

    Reads Redis alone, as any consumer may. With --json, or where the output is no terminal, it prints what is live
    at first and then at every change.
    """
    console = Console()
    with LiveReader(settings.redis) as reader:
        source = LiveViews(reader, settings, layers)
        try:
            if console.is_terminal and not once and not as_json:
                show(source, console)
                return
            for views in source.changes():
                if as_json:
                    click.echo(json.dumps(to_json(views, time.time()), ensure_ascii=False))
                else:
                    console.print(source.drawing(views))
                if once:
                    return
        except KeyboardInterrupt:
            return  # the usual way to end it


class LiveViews:
    """The live windows of the layers asked for, else of those in the settings and those lately announced.

    A layer is read again only when its live window has another version.
    """

    def __init__(self, reader: LiveReader, settings: Settings, layers: tuple[str, ...] = ()) -> None:
        self.views: Views = {}
        self._reader = reader
        self._zone = ZoneInfo(settings.time.zone)
        self._asked = layers
        self._known = tuple(layer.name for layer in settings.zones.layers)

    def read(self, most: int | None = None) -> Views:
        """The live windows now, of each at most ``most`` zones."""
        names = self._asked or tuple(dict.fromkeys((*self._known, *self._reader.announced_layers())))
        views: Views = {}
        for name in names:
            version, view = self._reader.version(name), self.views.get(name)
            if version is None:
                view = None
            elif view is None or view.header.version != version:
                view = self._reader.live(name, limit=most, windows=SPARK_WINDOWS)
            views[name] = view
        self.views = views
        return views

    def changes(self) -> Iterator[Views]:
        """The live windows now, then again each time that one of them changes or vanishes.

        Waits while Redis is away; raises ServiceError if it does not answer at the first time.
        """
        versions: dict[str, int | None] | None = None
        while True:
            try:
                views = self.read()
            except ServiceError as error:
                if versions is None:
                    raise
                click.echo(f"{error}; trying again", err=True)
                time.sleep(_AGAIN)
                continue
            found = {name: None if view is None else view.header.version for name, view in views.items()}
            if found != versions:
                yield views
            versions = found
            time.sleep(_EVERY)

    def drawing(self, views: Views, height: int | None = None, note: str = "") -> RenderableType:
        """The table of ``views``, see :func:`foule.live.draw`."""
        return draw(views, time.time(), self._zone, height, note)


def show(source: LiveViews, console: Console, stopped: Callable[[], bool] = lambda: False) -> None:
    """Keep the table on the screen until ``stopped()``; while Redis does not answer, the last one with a note."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stopped():
            try:
                drawing = source.drawing(source.read(console.height), console.height)
            except ServiceError as error:
                drawing = source.drawing(source.views, console.height - 2, f"{error}; trying again")
            live.update(drawing, refresh=True)
            time.sleep(_EVERY)
