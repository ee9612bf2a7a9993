"""The command ``foule``: its commands, each loaded only when it is used, and how errors end it."""

import errno
import importlib
import logging
from typing import IO, Any

import click

from config.errors import FouleError, SettingsError
from foule import version

_EXIT_FAILED = 1
_EXIT_SETTINGS = 2

# The summaries are here so that "foule --help" need not load Faust, numpy and the rest.
SUMMARIES = {
    "demo": "Run a festival on this machine: broker, Redis, worker, crowd and live table.",
    "worker": "Count the events of Kafka and publish anonymised numbers.",
    "topics": "Create the Kafka topics that are missing, or check them.",
    "replay": "Send a recorded file of events to Kafka.",
    "simulate": "Send the events of a synthetic crowd.",
    "batch": "Count a recorded file without Kafka.",
    "export": "Write released numbers from Kafka to files: Parquet, CSV, GeoJSON.",
    "watch": "Show the published numbers live in the terminal.",
    "explain": "Say what each indicator is, and which are published.",
    "doctor": "Check broker, topics, keying, zones and both Redis, and say what to do.",
    "privacy-report": "Write the report for a data protection officer.",
    "settings": "Print the effective settings, secrets masked.",
}


class Failure(click.ClickException):
    """An error of foule as the terminal shows it: the message, no traceback."""

    def __init__(self, error: FouleError) -> None:
        super().__init__(str(error))
        self.exit_code = _EXIT_SETTINGS if isinstance(error, SettingsError) else _EXIT_FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.format_message().splitlines():
            click.echo(f"foule: {line}", err=True, file=file)


class Commands(click.Group):
    """The group of commands, each in the module of its name under ``foule.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"foule.commands.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FouleError as error:
            raise Failure(error) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise Failure(FouleError(f"what was to be written could not be: {error.strerror}")) from error
            raise


@click.group(name="foule", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version.installed(), prog_name="foule", message="%(prog)s %(version)s")
def main() -> None:
    """Live, irreversibly anonymised crowd statistics from the location events of a mobile network."""
    # each command says itself what went wrong with Kafka; the client's retries in between are noise
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
