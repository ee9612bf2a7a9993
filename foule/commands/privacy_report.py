"""``foule privacy-report``: what a data protection officer reviews, for the settings in force."""

import time
from pathlib import Path

import click

from config.errors import FouleError
from config.settings import Instant, Settings
from foule import version
from foule.options import settings_option
from foule.report import attacks, html, markdown
from foule.report.facts import gather
from foule.report.report import build

_RENDERERS = {"md": markdown.render, "html": html.render}
_NAME = "privacy-report"


@click.command(name=_NAME)
@settings_option
@click.option("--format", "form", type=click.Choice(list(_RENDERERS)), help="What to print: md (default) or html.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help=f"Write {_NAME}.md and {_NAME}.html there, instead of printing one.",
)
@click.option(
    "--attacks",
    "results",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Results of the attack suite (make attack), instead of those that come with foule.",
)
def privacy_report(settings: Settings, form: str | None, out: Path | None, results: Path | None) -> None:
    """Write the privacy report: data flow, storage, each rule with its setting in force, attacks, what to approve.

    It holds no secrets. It reads the settings and the zones, and asks no server: "foule doctor" does that.
    """
    if form and out:
        raise click.UsageError("--out writes both formats: leave --format away")
    found = attacks.load(results)
    document = build(gather(settings, version.installed(), Instant(int(time.time()) * 1000), found))
    if found is None:
        click.echo("foule: no results of the attack suite are there; the report says so", err=True)
    if out is None:
        click.echo(_RENDERERS[form or "md"](document), nl=False)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for ending, render in _RENDERERS.items():
            path = out / f"{_NAME}.{ending}"
            path.write_text(render(document), encoding="utf-8")
            click.echo(path)
    except OSError as error:
        raise FouleError(f"{out}: cannot be written: {error.strerror or error}; give another --out") from error
