"""A recorded file on its way through the core: read, in order of time if asked for, stamped, counted.

``replay`` and ``batch`` share it, so that both say the same about the same file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import numpy as np
from numpy.typing import NDArray

import zones
from anonymizer.gate import Publication
from anonymizer.keys import KeyStore, MemoryKeyStore
from config.errors import SettingsError
from config.settings import Instant, Settings, require_layers
from foule.core import Core
from foule.event_times import EventTimes
from foule.eventfiles import EventFile
from foule.eventfiles.records import Batch
from foule.progress import Report
from sinks.values import Values
from streams.decode import END_OF_TIME

#: With a sort the whole file is read first: the part of the progress that this takes.
_READING = 0.3

#: A share of late events at which the order of the file is suspected.
_MANY_LATE = 0.05

file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))

sort_option = click.option(
    "--sort", is_flag=True, help="Take events in order of their time; reads the whole file into memory."
)
timestamp_option = click.option(
    "--timestamp",
    metavar="TIME",
    help="Kafka timestamp of every record: ISO 8601 with an offset, or ms since the epoch; now by default. Kafka "
    "deletes records whose timestamp is older than topics.events_retention.",
)


class Recording:
    """An open file of events with one Kafka timestamp, and the core that counts it; a context manager.

    ``sort``: in order of event time. The keys of the core are in ``store``, or its own, which end with it. Raises
    SettingsError without a layer of zones or for a ``timestamp`` that is none, ZonesError and EventFileError for files
    that cannot be used.
    """

    def __init__(
        self, file: Path, settings: Settings, sort: bool, timestamp: str | None, store: KeyStore | None = None
    ) -> None:
        require_layers(settings)
        self.started = time.time()
        self.kafka_timestamp = int(self.started * 1000) if timestamp is None else _instant(timestamp)
        self.places = zones.load(settings.zones)
        for line in self.places.report:
            click.echo(line, err=True)
        self.values = Values.of(settings, self.places.layers)
        self.core = Core(settings, self.places, store or MemoryKeyStore(), lambda: time.time_ns() // 1_000_000)
        self._settings = settings
        self._sort = sort
        self._times = EventTimes()
        self._done = 0
        self._events = EventFile(file, settings)

    def batches(self, report: Report) -> Iterator[Batch]:
        """The events in batches of some thousands; what is read is reported, up to 1."""
        events = self._events

        def reading() -> None:
            if self._sort:
                report(_READING * events.position / events.size, f"{events.rows:,} events read")

        for batch in events.batches(self._sort, reading):
            self._times.add(batch.ts)
            yield batch

    def plausible(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Event times, (n,) in ms; -1 where the record will be rejected for its time, so that nothing waits for it."""
        events = self._settings.events
        low = 0 if events.not_before is None else int(events.not_before)
        high = self.kafka_timestamp + int(events.max_skew)
        high = high if events.not_after is None else min(high, int(events.not_after) - 1)
        return np.where((ts >= low) & (ts <= high), ts, -1)

    def stamps(self, count: int) -> NDArray[np.int64]:
        """The Kafka timestamps of ``count`` records, (count,) in ms."""
        return np.full(count, self.kafka_timestamp, dtype=np.int64)

    def count(self, partitions: NDArray[np.int32], values: list[bytes], report: Report) -> list[Publication]:
        """Let the core take the next records, each in its partition; returns what is released now."""
        events = self._events
        self._done += len(values)
        released = self.core.feed(partitions, values, self.stamps(len(values)))
        done = _READING + (1 - _READING) * self._done / events.rows if self._sort else events.position / events.size
        report(done, f"{self._done:,} events")
        return released

    def finish(self) -> list[Publication]:
        """End the feed; returns what is released then."""
        return self.core.release(self.core.finish())

    def outcome(self) -> dict[str, Any]:
        """What became of the records, and the range of their times."""
        outliers = self._times.outliers()
        return {
            **self.core.summary(),
            "first": _text(self._times.first),
            "last": _text(self._times.last),
            "outliers": outliers.number,
            "outlier_examples": [_text(moment) for moment in outliers.examples],
            "damaged": self._events.damaged,
            "undated": self._events.undated,
            "seconds": round(time.time() - self.started, 1),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()


def in_words(outcome: dict[str, Any]) -> list[str]:
    """Lines for the terminal about :meth:`Recording.outcome`."""
    rejected = outcome["rejected"]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items())
    lines = [
        f"accepted {outcome['accepted']:,}, late {outcome['late']:,},"
        f" rejected {sum(rejected.values()):,}{f' ({reasons})' if reasons else ''}",
        f"windows with something to publish: {outcome['windows']:,}",
    ]
    if outcome["first"] is None:
        lines.append("no event time could be read: check replay.ts and replay.time_format")
    else:
        lines.append(f"event times from {outcome['first']} to {outcome['last']}")
    if outcome["outliers"]:
        examples = ", ".join(map(str, outcome["outlier_examples"]))
        lines.append(
            f"{outcome['outliers']:,} event times lie far from the rest, such as {examples}: if they are damaged,"
            " set events.not_before and events.not_after"
        )
    if outcome["late"] > _MANY_LATE * outcome["read"]:
        lines.append("many events were late, and not counted: is the file in no order of time? Then use --sort")
    return lines


def _instant(text: str) -> int:
    try:
        moment = int(text) if text.isdecimal() else int(Instant.parse(text))
        if not 0 <= moment < END_OF_TIME:
            raise ValueError
        return moment
    except ValueError:
        raise SettingsError(
            [f'--timestamp is "{text}": expected ms since the epoch, or such as 2014-06-28T10:00:00+02:00']
        ) from None


def _text(moment: int) -> str | None:
    return Instant(moment).text if moment >= 0 else None
