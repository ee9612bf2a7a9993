"""``foule batch``: counts a recorded file without Kafka and writes what may be published into a folder."""

import json
from pathlib import Path
from typing import Any

import click

from config.settings import Instant, Settings
from foule.options import json_option, settings_option
from foule.partitioner import Partitioner
from foule.progress import progress
from foule.recording import Recording, file_argument, in_words, sort_option, timestamp_option
from foule.release_folder import ReleaseFolder
from indicators.calendar import label_of_width


@click.command()
@file_argument
@settings_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    required=True,
    help="A new or empty folder for the released numbers: JSON Lines, Parquet and a manifest.",
)
@sort_option
@timestamp_option
@json_option
def batch(file: Path, settings: Settings, out: Path, sort: bool, timestamp: str | None, as_json: bool) -> None:
    """Count a recorded FILE of events without Kafka: CSV, JSON Lines or Parquet, gzip or not.

    Columns and times are mapped by the section [replay] of the settings. Events are shared out as Kafka would do it
    (topics.partitions, by subscriber), so that the counts are those of a live run over the same file. The result is a
    trial: the folder says that it is not for publication, and never replaces an earlier one.
    """
    with Recording(file, settings, sort, timestamp) as recording, ReleaseFolder(out, recording.values) as folder:
        partitioner = Partitioner(settings.topics.partitions)
        with progress(f"batch {file.name}", 1) as report:
            for events in recording.batches(report):
                for publication in recording.count(partitioner.of(events.keys), events.values, report):
                    folder.write(publication)
            for publication in recording.finish():
                folder.write(publication)
        outcome = recording.outcome()
        folder.complete(_manifest(settings, recording, file))
    outcome["out"] = str(out)
    words = [f"{outcome['read']:,} events counted in {outcome['seconds']} s", *in_words(outcome)]
    words.append(f"written to {out}: a trial, not for publication")
    click.echo(json.dumps(outcome) if as_json else "\n".join(words))


def _manifest(settings: Settings, recording: Recording, file: Path) -> dict[str, Any]:
    """What the numbers rest on; no time of an event, which would be a person's."""
    return {
        "file": file.name,
        "made": Instant(int(recording.started * 1000)).text,
        "kafka_timestamp": Instant(recording.kafka_timestamp).text,
        "settings_fingerprint": recording.core.fingerprint,
        "k": settings.privacy.k,
        "noise": settings.privacy.noise,
        "layers": {layer.name: len(layer.ids) for layer in recording.places.layers},
        "time": {
            "zone": settings.time.zone,
            "day_start": settings.time.day_start,
            "windows": [label_of_width(width) for width in settings.time.windows],
            "lateness": settings.time.lateness.text,
            "linger": settings.time.linger.text,
            "epoch_days": settings.time.epoch_days,
        },
        "partitions": settings.topics.partitions,
        **recording.core.summary(),
    }
