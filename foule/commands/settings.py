"""``foule settings``: the effective settings."""

import json

import click

from config import show
from config.settings import Settings
from foule.options import json_option, settings_option


@click.command()
@settings_option
@json_option
def settings(settings: Settings, as_json: bool) -> None:
    """Print the effective settings: defaults, settings file and environment. Secrets are masked.

    The output is a settings file itself, but for the masked secrets.
    """
    if as_json:
        click.echo(json.dumps(show.as_dict(settings), ensure_ascii=False, indent=2))
    else:
        click.echo(show.render(settings), nl=False)
