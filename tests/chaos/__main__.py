"""``python -m tests.chaos``: a run with faults, from the command line (``make chaos``)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import click
import msgspec

from config.errors import FouleError
from tests.chaos.plan import WORDS
from tests.chaos.report import lines
from tests.chaos.run import Options, run


@click.command()
@click.option("--faults", type=click.IntRange(min=0), default=50, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The crowd and the faults are told from it.")
@click.option("--events", type=click.IntRange(min=1), default=3_000_000, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--interval", type=float, default=9.0, show_default=True, help="Seconds from one fault to the next.")
@click.option("--only", multiple=True, type=click.Choice(list(WORDS)), help="Only faults of this kind; repeatable.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the report to this file, too.")
@click.option("--keep", is_flag=True, help="Keep the logs also if all is well.")
def main(
    faults: int,
    seed: int,
    events: int,
    workers: int,
    interval: float,
    only: tuple[str, ...],
    json_file: Path | None,
    keep: bool,
) -> None:
    """Kill, pause and restart a real Kafka, two Redis and some workers while events flow; then check every number."""
    folder = Path(tempfile.mkdtemp(prefix="foule-chaos-"))
    options = Options(seed, faults, events, workers, interval, only)
    try:
        report = run(options, folder, click.echo)
    except (FouleError, AssertionError) as error:
        click.echo(f"the run did not come to its end: {error}\nseed {seed}; logs: {folder}", err=True)
        sys.exit(2)
    click.echo("\n" + "\n".join(lines(report, WORDS)))
    text = json.dumps(msgspec.to_builtins(report), indent=2)
    (folder / "report.json").write_text(text)
    if json_file is not None:
        json_file.write_text(text)
    if report.holds and not keep:
        shutil.rmtree(folder)
        return
    click.echo(
        f"logs: {folder}; again with the same faults: make chaos SEED={seed} FAULTS={faults} EVENTS={events} "
        f"WORKERS={workers}"
    )
    sys.exit(not report.holds)


if __name__ == "__main__":
    main()
