"""``foule replay``: sends a recorded file of events to Kafka and says what workers will make of it."""

import json
from pathlib import Path
from typing import Any

import click

from config.settings import Settings
from foule.options import json_option, settings_option, unkeyed_option
from foule.pacing import Pace
from foule.progress import progress
from foule.recording import Recording, file_argument, in_words, sort_option, timestamp_option
from foule.sending import EventSender


@click.command()
@file_argument
@settings_option
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Send at X times the pace of the event times (1: real time); without it, as fast as Kafka takes them.",
)
@sort_option
@timestamp_option
@unkeyed_option
@json_option
def replay(
    file: Path,
    settings: Settings,
    speed: float | None,
    sort: bool,
    timestamp: str | None,
    unkeyed: bool,
    as_json: bool,
) -> None:
    """Send a recorded FILE of events to Kafka: CSV, JSON Lines or Parquet, gzip or not.

    Columns and times are mapped by the section [replay] of the settings. The subscriber is the key, unless --unkeyed
    says that records have none. At the end
    every partition gets a frontier record, so that the last windows of the file are released. The counts at the
    end come from the same core as the worker's, as if the topic had been empty.
    """
    with (
        Recording(file, settings, sort, timestamp) as recording,
        EventSender(settings, keyed=not unkeyed) as sender,
        progress(f"replay {file.name}", 1) as report,
    ):
        pace = Pace(speed)
        for batch in recording.batches(report):
            for part in pace.parts(recording.plausible(batch.ts)):
                values = batch.values[part]
                partitions = sender.send(batch.keys[part], values, recording.stamps(len(values)))
                recording.count(partitions, values, report)
        outcome = _finish(recording, sender)
    click.echo(json.dumps(outcome) if as_json else _in_words(outcome))


def _finish(recording: Recording, sender: EventSender) -> dict[str, Any]:
    """End the feed with a frontier record a partition, after the last epoch with an accepted event."""
    sender.flush()
    recording.finish()
    end = recording.core.end
    frontier = {} if end is None else sender.finish(end)
    return {
        **recording.outcome(),
        "sent": sender.sent,
        "frontier": {str(partition): offset for partition, offset in frontier.items()},
        "watermark": end,
    }


def _in_words(outcome: dict[str, Any]) -> str:
    lines = [f"{outcome['sent']:,} of {outcome['read']:,} events sent in {outcome['seconds']} s", *in_words(outcome)]
    if outcome["watermark"] is None:
        lines.append("no event was accepted, so that no frontier record was written")
    return "\n".join(lines)
