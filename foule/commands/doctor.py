"""``foule doctor``: is everything that foule needs there and fit, and what to do if not."""

import json
from collections import Counter

import click

from config.settings import Settings
from foule.checks import examine
from foule.finding import Finding
from foule.options import json_option, settings_option

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_PART_WIDTH = 16


@click.command()
@settings_option
@json_option
@click.pass_context
def doctor(context: click.Context, settings: Settings, as_json: bool) -> None:
    """Check zones, broker, topics, the keying of a sample of events, both Redis, how long things stay, clock and swap.

    Each line says ok, warn or fail, and what to do. The exit status is 1 if anything fails.
    """
    counted = Counter({"ok": 0, "warn": 0, "fail": 0})
    findings: list[Finding] = []
    for finding in examine(settings):
        counted[finding.level] += 1
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(json.dumps({**counted, "findings": [finding._asdict() for finding in findings]}))
    else:
        click.echo(", ".join(f"{number} {level}" for level, number in counted.items()))
    if counted["fail"]:
        context.exit(1)


def _print(finding: Finding) -> None:
    level = click.style(f"{finding.level:<5}", fg=_COLOURS[finding.level])
    click.echo(f"{level} {finding.part:<{_PART_WIDTH}} {finding.text}")
    if finding.advice:
        click.echo(f"{'':<5} {'':<{_PART_WIDTH}} -> {finding.advice}")
