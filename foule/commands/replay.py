"""``foule replay``: sends a recorded file of events to Kafka and says what workers will make of it."""

import json
import time
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import zones
from anonymizer.keys import MemoryKeyStore
from config.errors import SettingsError
from config.settings import Instant, Settings, require_layers
from foule.core import Core
from foule.event_times import EventTimes
from foule.eventfiles import EventFile
from foule.options import json_option, settings_option
from foule.pacing import Pace
from foule.partitioner import by_partition
from foule.progress import progress
from foule.sending import EventSender
from indicators.calendar import Calendar


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@settings_option
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Send at X times the pace of the event times (1: real time); without it, as fast as Kafka takes them.",
)
@click.option("--sort", is_flag=True, help="Send in order of event time; reads the whole file into memory.")
@click.option(
    "--timestamp",
    metavar="TIME",
    help="Kafka timestamp of every record: ISO 8601 with an offset, or ms since the epoch; now by default.",
)
@json_option
def replay(
    file: Path, settings: Settings, speed: float | None, sort: bool, timestamp: str | None, as_json: bool
) -> None:
    """Send a recorded FILE of events to Kafka: CSV, JSON Lines or Parquet, gzip or not.

    Columns and times are mapped by the section [replay] of the settings. The subscriber is the key. At the end
    every partition gets a frontier record, so that the last windows of the file are released. The counts at the
    end come from the same core as the worker's, as if the topic had been empty.
    """
    require_layers(settings)
    started = int(time.time() * 1000)
    kafka_timestamp = started if timestamp is None else _instant(timestamp)
    core = Core(settings, zones.load(settings.zones), MemoryKeyStore(), lambda: int(time.time() * 1000))
    run = _Replay(settings, core, kafka_timestamp)
    with EventFile(file, settings) as events:
        with EventSender(settings) as sender, progress(f"replay {file.name}", 1) as report:
            pace = Pace(speed)
            for batch in events.batches(sort):
                times = run.plausible(batch.ts)
                run.times.add(batch.ts)
                for part in pace.parts(times):
                    run.send(sender, batch.keys[part], batch.values[part])
                    report(run.rows / events.rows if sort else events.position / events.size, f"{run.rows:,} events")
            outcome = run.finish(sender)
        outcome |= {"damaged": events.damaged, "undated": events.undated}
        outcome["seconds"] = round(time.time() - started / 1000, 1)
    click.echo(json.dumps(outcome) if as_json else _in_words(outcome))


class _Replay:
    """One run: what is sent also goes through the core, partition by partition."""

    def __init__(self, settings: Settings, core: Core, kafka_timestamp: int) -> None:
        self.times = EventTimes()
        self.rows = 0
        self._settings = settings
        self._core = core
        self._kafka_timestamp = kafka_timestamp

    def plausible(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The event times, -1 where the worker will reject them: nothing waits for these."""
        events = self._settings.events
        low = 0 if events.not_before is None else int(events.not_before)
        high = self._kafka_timestamp + int(events.max_skew)
        high = high if events.not_after is None else min(high, int(events.not_after) - 1)
        return np.where((ts >= low) & (ts <= high), ts, -1)

    def send(self, sender: EventSender, keys: list[bytes | None], values: list[bytes]) -> None:
        """Send events and count them."""
        timestamps = np.full(len(values), self._kafka_timestamp, dtype=np.int64)
        partitions = sender.send(keys, values, timestamps)
        self.rows += len(values)
        closed = []
        for partition, rows in by_partition(partitions):
            closed += self._core.take(partition, [values[row] for row in rows.tolist()], timestamps[rows])
        self._core.release(closed)

    def finish(self, sender: EventSender) -> dict[str, object]:
        """End the feed with a frontier record a partition, after the last epoch with an accepted event."""
        sender.flush()
        self._core.release(self._core.finish())
        latest = max(shard.latest for shard in self._core.shards)
        end: int | None = None
        frontier: dict[int, int] = {}
        if latest >= 0:
            end = Calendar.of(self._settings.time).epoch_of(latest).end
            frontier = sender.finish(end)
        outliers = self.times.outliers()
        return {
            **self._core.summary(),
            "sent": sender.sent,
            "first": _text(self.times.first),
            "last": _text(self.times.last),
            "outliers": outliers.number,
            "outlier_examples": [_text(moment) for moment in outliers.examples],
            "frontier": {str(partition): offset for partition, offset in frontier.items()},
            "watermark": end,
        }


def _instant(text: str) -> int:
    try:
        return int(text) if text.isdecimal() else int(Instant.parse(text))
    except ValueError:
        raise SettingsError(
            [f'--timestamp is "{text}": expected ms since the epoch, or such as 2014-06-28T10:00:00+02:00']
        ) from None


def _text(moment: int) -> str | None:
    return Instant(moment).text if moment >= 0 else None


def _in_words(outcome: dict[str, object]) -> str:
    rejected = outcome["rejected"]
    assert isinstance(rejected, dict)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items())
    lines = [
        f"{outcome['sent']:,} of {outcome['read']:,} events sent in {outcome['seconds']} s",
        f"accepted {outcome['accepted']:,}, late {outcome['late']:,},"
        f" rejected {sum(rejected.values()):,}{f' ({reasons})' if reasons else ''}",
        f"windows with something to publish: {outcome['windows']:,}",
    ]
    if outcome["first"] is None:
        lines.append("no event time could be read: check replay.ts and replay.time_format")
    else:
        lines.append(f"event times from {outcome['first']} to {outcome['last']}")
    if outcome["outliers"]:
        examples = ", ".join(map(str, outcome["outlier_examples"]))  # type: ignore[call-overload]
        lines.append(
            f"{outcome['outliers']:,} event times lie far from the rest, such as {examples}: if they are damaged,"
            " set events.not_before and events.not_after"
        )
    if outcome["watermark"] is None:
        lines.append("no event was accepted, so that no frontier record was written")
    return "\n".join(lines)
