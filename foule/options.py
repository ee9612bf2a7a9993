"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.settings import Settings, load

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_option(command: Command) -> Command:
    """``--settings FILE``, or $FOULE_SETTINGS; the command gets the loaded ``settings: Settings``."""
    option = click.option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="FOULE_SETTINGS",
        metavar="FILE",
        callback=_load,
        help="Settings file (TOML); without it $FOULE_SETTINGS, else the defaults.",
    )
    return option(command)


def json_option(command: Command) -> Command:
    """``--json``; the command gets ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def unkeyed_option(command: Command) -> Command:
    """``--unkeyed``; the command gets ``unkeyed: bool``."""
    text = "Send records without a key, to the partitions in turn: a feed for events.shuffle = true."
    return click.option("--unkeyed", is_flag=True, help=text)(command)


def _load(context: click.Context, parameter: click.Parameter, path: Path | None) -> Settings | None:
    # a shell that only completes a word must not fail on a broken file
    return None if context.resilient_parsing else load(path)
