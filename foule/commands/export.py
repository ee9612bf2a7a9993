"""``foule export``: writes released numbers from Kafka to files, for those who look at the past."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from config.errors import FouleError
from config.settings import Settings
from foule.history.atlas import Atlas
from foule.history.dataset import write_dataset
from foule.history.geojson import layer_of, width_of, write_map
from foule.history.history import History
from foule.history.mitma import write_matrices
from foule.history.observatory import Observatory
from foule.history.reading import read_topics
from foule.history.span import Span
from foule.options import json_option, settings_option
from foule.progress import progress
from indicators.calendar import Calendar
from indicators.origins import Origins
from indicators.plan import Plan
from zones import load

_PARQUET, _OBSERVATOIRE, _MITMA, _GEOJSON = FORMATS = ("parquet", "observatoire", "mitma", "geojson")


@click.command()
@settings_option
@click.option(
    "--format", "layout", type=click.Choice(FORMATS), required=True, help="What to write; see docs/history.md."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    required=True,
    help="Folder for the files; those that are written again are replaced, others stay.",
)
@click.option("--from", "begin", metavar="TIME", help="First local day (2014-06-28), or an instant (ISO 8601).")
@click.option("--to", "end", metavar="TIME", help="Last local day, or the instant before which windows start.")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Only this layer; may be repeated.")
@click.option("--hourly", is_flag=True, help="mitma: the flows of windows of an hour instead of the trips of days.")
@click.option("--window", metavar="START", help="geojson: the start of the window; without it the latest.")
@click.option("--width", metavar="WIDTH", help="geojson: the width of the window; without it a day, else the widest.")
@json_option
def export(
    settings: Settings,
    layout: str,
    out: Path,
    begin: str | None,
    end: str | None,
    layers: tuple[str, ...],
    hourly: bool,
    window: str | None,
    width: str | None,
    as_json: bool,
) -> None:
    """Write released numbers from Kafka to files: Parquet, or CSV or GeoJSON as others know them.

    Reads the topics of presence, flows and indicators once, as far as they go now. Only what was published is there:
    a number below the threshold has no row.
    """
    _refuse_strangers(layout, {"--hourly": hourly, "--window": window, "--width": width})
    known = [layer.name for layer in settings.zones.layers]
    if unknown := [name for name in layers if name not in known]:
        raise FouleError(f"--layer {unknown[0]}: the settings have no such layer, but {', '.join(known)}")
    calendar = Calendar.of(settings.time)
    history = History(settings, Span.of(begin, end, calendar), layers)
    # what is wrong with the settings or the options is said before anything is read
    drawn = layer_of(settings.zones.layers, layers) if layout == _GEOJSON else None
    length = width_of(calendar, width)
    atlas = Atlas(load(settings.zones).layers)
    with progress("export: reading", 1) as report:
        read_topics(settings, history, report)
    with progress("export: writing", 1) as report:
        if drawn is not None:
            files = write_map(out, history, drawn, length, window)
        elif layout == _OBSERVATOIRE:
            habitual = settings.time.epoch_days > settings.indicators.habitual_days
            files = Observatory(history, atlas, _names(settings), habitual).write(out, report)
        elif layout == _MITMA:
            files = write_matrices(out, history, atlas, hourly, report)
        else:
            files = write_dataset(out, history, atlas, report)
    outcome = _outcome(history, files, out)
    click.echo(json.dumps(outcome) if as_json else "\n".join(_in_words(history, outcome)))


def _names(settings: Settings) -> Mapping[str, str]:
    """The names of home areas and countries, by the labels of origins."""
    needed = Plan.of(settings.indicators, settings.time).needs_origins
    return Origins.of(settings.origins).names if needed else {}


def _refuse_strangers(layout: str, options: dict[str, object]) -> None:
    """Options of another format would have no effect."""
    own = {_MITMA: ("--hourly",), _GEOJSON: ("--window", "--width")}.get(layout, ())
    for option, given in options.items():
        if given and option not in own:
            raise click.UsageError(f"{option} does not go with --format {layout}")


def _outcome(history: History, files: list[str], out: Path) -> dict[str, Any]:
    return {
        "read": history.read,
        "again": history.again,
        "not_asked_for": history.beyond,
        "left_out": {reason: left.records for reason, left in history.left_out.items()},
        "partial_windows": history.partial,
        "files": files,
        "out": str(out),
    }


def _in_words(history: History, outcome: dict[str, Any]) -> list[str]:
    files: list[str] = outcome["files"]
    lines = [f"{history.read:,} records read, {history.again:,} of them again", *history.remarks()]
    if history.partial:
        lines.append(f"{history.partial:,} windows lack some partitions, so that their numbers are too low (coverage)")
    lines.append(f"{len(files):,} files written to {outcome['out']}" if files else "nothing to write: no such numbers")
    return lines
