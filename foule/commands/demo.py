"""``foule demo``: the festival on this machine, live in the terminal, or by itself with a check at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console

import zones
from config.settings import Settings, require_layers
from foule.commands.simulate import require_plain_names
from foule.demo.accuracy import ZoneError, errors
from foule.demo.feed import Feed
from foule.demo.play import Say, await_release, follow
from foule.demo.screen import Screen
from foule.demo.services import Services
from foule.demo.summary import Summary
from foule.demo.verdict import Verdict, judge
from foule.options import json_option
from foule.proof.tallies import TallyLog
from simulator.geography import SETTINGS
from simulator.programme import END, EVENING
from simulator.stream import Festival
from zones import Places

_WIDTH = 100


@click.command()
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=SETTINGS,
    metavar="FILE",
    help="Settings file (TOML); by default that of the festival. The addresses of servers in it are not used.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    metavar="N",
    help="Send for N seconds, without a live table; then check what was published, print a summary and end.",
)
@click.option("--people", type=click.IntRange(min=1), default=4_000, show_default=True, help="How many take part.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=2014, show_default=True, help="Another seed, another crowd."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=1),
    default=240.0,
    show_default=True,
    metavar="X",
    help="How many times as fast as real the festival's time runs.",
)
@json_option
@click.pass_context
def demo(
    context: click.Context,
    settings_file: Path,
    seconds: float | None,
    people: int,
    seed: int,
    speed: float,
    as_json: bool,
) -> None:
    """Play the festival of Chatelaillon-Plage from Saturday evening on, on this machine alone.

    Starts an embedded Kafka broker, two Valkeys (a Redis) and a worker, sends the events of the crowd, and shows the
    published numbers live; Ctrl-C stops everything that it started.

    With --seconds, or where the output is no terminal (then until the festival ends), it shows no table. Once the last
    window is released it compares all that was published with the oracle, and people with the simulator's truth; the
    exit status is 0 only if windows were released and all of them are as they must be.
    """
    console = Console(width=None if Console().is_terminal else _WIDTH)
    live = seconds is None and console.is_terminal and not as_json

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    until = END if seconds is None else min(END, EVENING + int(seconds * speed * 1000))
    play = _Demo(settings_file, people, seed, speed, until, say)
    if live:
        play.watched(console)
        return
    summary = play.checked()
    if as_json:
        click.echo(json.dumps(summary.as_json()))
    else:
        console.print(summary.drawing(), highlight=False)
    if not summary.verdict.holds:
        context.exit(1)


class _Demo:
    """One run: everything is started in it and stopped at its end, however it ends."""

    def __init__(self, settings_file: Path, people: int, seed: int, speed: float, until: int, say: Say) -> None:
        self._began = time.monotonic()
        self._settings_file = settings_file
        self._festival = Festival(seed=seed, people=people, start=EVENING)
        self._people = people
        self._speed = speed
        self._until = until
        self._say = say

    def watched(self, console: Console) -> None:
        """Show the live table until Ctrl-C."""
        sent = 0
        try:
            with self._services() as services, self._feed(services.settings) as feed:
                places = zones.load(services.settings.zones)
                try:
                    Screen(services.settings, places.layers, self._people, feed, services.worker).show(console)
                finally:
                    sent = feed.sent
        except KeyboardInterrupt:  # the usual way to end it
            self._say(f"{sent:,} events were sent; everything is stopped")

    def checked(self) -> Summary:
        """Send everything, wait for the last window, and compare."""
        with self._services() as services:
            settings, worker, keys = services.settings, services.worker, services.witness.keys
            places = zones.load(settings.zones)
            self._say(f"sending the events of {self._people:,} people, {self._speed:g} times as fast as real")
            sending = time.monotonic()
            with self._feed(settings) as feed:
                follow(feed, worker, ZoneInfo(settings.time.zone), self._say)
            sending = time.monotonic() - sending
            with TallyLog(settings, keys) as tallies:
                self._say("waiting for the last windows")
                figures = await_release(settings, tallies, worker, feed.watermark)
                self._say("comparing what was published with the oracle")
                verdict = judge(settings, places, feed.sent, figures, tallies, keys)
            return Summary(
                verdict=verdict,
                figures=figures,
                errors=self._errors(settings, verdict, places),
                sent=feed.sent,
                people=self._people,
                least=settings.privacy.k + settings.privacy.noise,
                festival=(self._until - EVENING) // 1000,
                sending=sending,
                seconds=time.monotonic() - self._began,
            )

    @contextmanager
    def _services(self) -> Iterator[Services]:
        with Services(self._settings_file) as services:
            self._say("starting the broker and two Valkeys")
            services.start_servers()
            require_layers(services.settings)
            require_plain_names(services.settings.events)
            self._say("starting the worker")
            services.start_worker()
            yield services

    def _feed(self, settings: Settings) -> Feed:
        return Feed(settings, self._festival, self._speed, self._until)

    def _errors(self, settings: Settings, verdict: Verdict, places: Places) -> list[ZoneError]:
        """The error once phones have had the time to be heard, since nothing is known of them before the start."""
        heard = EVENING + int(settings.time.linger)
        shortest = min(settings.time.windows)
        return errors(verdict.released.tallies, self._festival.truth(places), shortest, heard, self._until)
