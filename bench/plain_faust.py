"""The job as a plain Faust application: a Record, a keyed hash and windowed tables, one event at a time.

It does less than foule: it makes a pseudonym and keeps nothing by it, counts events instead of distinct devices for
each zone and window, knows no visits and no lateness, and would stop at a damaged record.
"""

import argparse
import hmac
import os
import secrets
import tempfile
from datetime import timedelta
from typing import Any

import faust

from bench.figures import Stopwatch
from bench.topic import PARTITIONS
from bench.workload import WINDOWS, zones_of_cells
from indicators.calendar import width_of_label


class Event(faust.Record, serializer="json"):
    """An event as Faust reads it."""

    ts: int
    subscriber: str
    cell: str


def group(topic: str) -> str:
    """The consumer group of the application on this topic."""
    return f"plain-{topic}"


def changelogs(topic: str) -> list[str]:
    """The topics of its tables. Made beforehand: Faust may count into a table before it knows the topic it has made."""
    return [f"{group(topic)}-events_{width}-changelog" for width in WINDOWS]


def build(bootstrap: str, topic: str, events: int) -> faust.App:
    """The application; it prints its figures and ends the process after this many events."""
    app = faust.App(
        group(topic),
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="foule-bench-"),
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(topic, value_type=Event, key_type=bytes, key_serializer="raw", partitions=PARTITIONS)
    zone_of = zones_of_cells()
    tables = [
        app.Table(f"events_{width}", default=int, partitions=PARTITIONS).tumbling(
            timedelta(milliseconds=width_of_label(width))
        )
        for width in WINDOWS
    ]
    key = secrets.token_bytes(32)

    @app.agent(source)
    async def count(stream: Any) -> None:
        seen, stopwatch = 0, Stopwatch()
        async for event in stream:
            hmac.digest(key, event.subscriber.encode(), "sha256")
            zone = zone_of[event.cell]
            for table in tables:
                table[zone] += 1
            seen += 1
            if seen == events:
                print(stopwatch.figures("faust", seen).line(), flush=True)
                os._exit(0)

    return app


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("events", type=int)
    arguments = parser.parse_args()
    app = build(arguments.bootstrap, arguments.topic, arguments.events)
    faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
