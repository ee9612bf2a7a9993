"""``foule simulate``: sends the synthetic festival to Kafka, or writes it to a file."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click
import numpy as np
from numpy.typing import NDArray

from config.errors import FouleError, SettingsError
from config.settings import EventsSettings, Instant, Settings
from foule.options import json_option, settings_option, unkeyed_option
from foule.pacing import Pace
from foule.progress import progress
from foule.sending import EventSender
from indicators.calendar import Calendar
from simulator.programme import END, START
from simulator.stream import Batch, Festival

Write = Callable[[Batch], None]


@click.command()
@settings_option
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Send at X times the pace of the festival (1 is real time); without it, as fast as Kafka takes them.",
)
@click.option("--people", type=click.IntRange(min=1), default=4_000, show_default=True, help="How many take part.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=2014, show_default=True, help="Another seed, another crowd."
)
@click.option(
    "--start",
    metavar="TIME",
    help="First event time, such as 2014-06-28T19:00 (local); default 28 June 04:00.",
)
@click.option("--end", metavar="TIME", help="End of the event times; default 30 June 04:00.")
@click.option(
    "--timestamps",
    type=click.Choice(["now", "arrival"]),
    default="now",
    show_default=True,
    help="Kafka timestamp of a record: when it is sent, or when it arrives in the festival's time.",
)
@click.option(
    "--finish/--no-finish",
    default=True,
    show_default=True,
    help="End with a frontier record a partition, so that the last windows are released.",
)
@unkeyed_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write JSON Lines (gzip if FILE ends with .gz) instead of sending to Kafka.",
)
@json_option
def simulate(
    settings: Settings,
    speed: float | None,
    people: int,
    seed: int,
    start: str | None,
    end: str | None,
    timestamps: str,
    finish: bool,
    unkeyed: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Send the festival of Chatelaillon-Plage, 28 and 29 June 2014, to Kafka.

    With --timestamps now, no probe's clock is ever ahead, so that nothing is rejected as future. With --timestamps
    arrival, Kafka takes the records for as old as the festival and deletes them after topics.events_retention,
    which it checks every few minutes: set a retention of many years.
    """
    require_plain_names(settings.events)
    zone = ZoneInfo("Europe/Paris")
    first = START if start is None else _moment("--start", start, zone)
    last = END if end is None else _moment("--end", end, zone)
    festival = Festival(seed=seed, people=people, start=first, end=last)
    began = time.monotonic()
    if out is None:
        outcome = _to_kafka(settings, festival, Pace(speed), timestamps == "now", finish, unkeyed)
    else:
        outcome = _to_file(out, festival, Pace(speed))
    outcome["seconds"] = round(time.monotonic() - began, 1)
    words = f"{outcome['sent']:,} events of {people:,} people sent in {outcome['seconds']} s"
    click.echo(json.dumps(outcome) if as_json else words)


def _to_kafka(
    settings: Settings, festival: Festival, pace: Pace, now: bool, finish: bool, unkeyed: bool
) -> dict[str, object]:
    with EventSender(settings, keyed=not unkeyed) as sender:

        def write(part: Batch) -> None:
            stamps = np.full(len(part.values), int(time.time() * 1000)) if now else part.arrival_ms
            sender.send(part.keys, part.values, stamps)

        _play(festival, pace, write)
        sender.flush()
        end = Calendar.of(settings.time).epoch_of(festival.end - 1).end if finish else None
        frontier = {} if end is None else sender.finish(end)
        return {
            "sent": sender.sent,
            "first": Instant(festival.start).text,
            "last": Instant(festival.end).text,
            "frontier": {str(partition): offset for partition, offset in frontier.items()},
            "watermark": end,
        }


def _to_file(out: Path, festival: Festival, pace: Pace) -> dict[str, object]:
    """Damage within a line stays; a line end within a record would make two of it, so that it becomes a blank."""
    lines = 0
    try:
        with _opened(out) as file:

            def write(part: Batch) -> None:
                nonlocal lines
                lines += len(part.values)
                file.writelines(value.replace(b"\n", b" ") + b"\n" for value in part.values)

            _play(festival, pace, write)
    except OSError as error:
        raise FouleError(f"{out}: cannot be written: {error.strerror}; give another --out") from error
    return {
        "sent": lines,
        "first": Instant(festival.start).text,
        "last": Instant(festival.end).text,
        "out": str(out),
    }


def _opened(out: Path) -> IO[bytes]:
    return gzip.open(out, "wb", compresslevel=6) if out.suffix == ".gz" else out.open("wb")  # type: ignore[return-value]


def _play(festival: Festival, pace: Pace, write: Write) -> None:
    count = 0
    with progress("simulate", festival.end - festival.start) as report:
        for batch in festival.batches():
            for part in _parts(batch, pace):
                write(part)
                count += len(part.values)
                report(int(part.arrival_ms[-1]) - festival.start, f"{count:,} events")


def _parts(batch: Batch, pace: Pace) -> Iterator[Batch]:
    arrivals: NDArray[np.int64] = batch.arrival_ms
    for part in pace.parts(arrivals):
        yield Batch(arrivals[part], batch.keys[part], batch.values[part])


def _moment(option: str, text: str, zone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError([f'{option} is "{text}": expected a time such as 2014-06-28T19:00']) from None
    return int(Instant.of(moment if moment.tzinfo else moment.replace(tzinfo=zone)))


def require_plain_names(events: EventsSettings) -> None:
    """Raise SettingsError unless the fields of an event have the names that the simulator writes."""
    plain = EventsSettings()
    names = ("ts", "subscriber", "cell", "mcc", "home", "rat")
    other = [name for name in names if getattr(events, name) != getattr(plain, name)]
    if other:
        named = ", ".join(f'events.{name} = "{getattr(events, name)}"' for name in other)
        raise SettingsError([f"settings: {named}: simulated events have the default names; leave these out"])
