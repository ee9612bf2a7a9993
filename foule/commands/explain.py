"""``foule explain``: what each indicator is, and what of it is published under the settings."""

import json
from difflib import get_close_matches
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config import show
from config.errors import FouleError
from config.settings import Settings
from foule.options import json_option, settings_option
from indicators.definitions import DEFINITIONS, Definition

_BY_NAME = {definition.name: definition for definition in DEFINITIONS}


@click.command()
@click.argument("indicator", required=False)
@settings_option
@json_option
def explain(settings: Settings, indicator: str | None, as_json: bool) -> None:
    """Say what each indicator is: its definition, windows, release rule, settings, an example, and how to read it.

    Without INDICATOR it lists all of them, and which are on under the settings.
    """
    found = DEFINITIONS if indicator is None else (_definition(indicator),)
    if as_json:
        about = {"k": settings.privacy.k, "noise": settings.privacy.noise}
        told = [_told(definition, settings) for definition in found]
        click.echo(json.dumps({**about, "indicators": told}, ensure_ascii=False, indent=2))
    elif indicator is None:
        Console().print(_table(settings))
    else:
        console = Console()
        console.print(_page(found[0], settings))
        for where, example in _examples(found[0]):
            console.print()
            console.print(Text(where, "bold"))
            # in one line however narrow the terminal, so that it can be copied and parsed
            console.print(Text(example), soft_wrap=True)


def _definition(name: str) -> Definition:
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = get_close_matches(name.lower(), _BY_NAME, n=3) or [one for one in _BY_NAME if name.lower() in one]
    advice = f"did you mean {' or '.join(near)}? " if near else ""
    raise FouleError(f'there is no indicator {name!r}: {advice}"foule explain" lists all of them')


def _told(definition: Definition, settings: Settings) -> dict[str, Any]:
    """All that is known of an indicator, for JSON."""
    return {
        "name": definition.name,
        "title": definition.title,
        "unit": definition.unit,
        "of": definition.of.value,
        "segments": definition.segments.value,
        "on": definition.is_on(settings),
        "windows": definition.windows.value,
        "widths": [width.text for width in definition.widths(settings)],
        "release": {"rule": definition.release.value, "sentence": _release(definition, settings)},
        "settings": {
            "switches": list(definition.switches),
            "values": {name: _value(settings, name) for name in (*definition.switches, *definition.shaped_by)},
        },
        "definition": definition.meaning,
        "formula": definition.formula,
        "source": definition.source,
        "redis": {"key": definition.key, "field": definition.field, "value": definition.value},
        "kafka": definition.topic and {"topic": _value(settings, definition.topic), "record": definition.record},
        "reading": definition.reading,
    }


def _release(definition: Definition, settings: Settings) -> str:
    return definition.release.sentence(settings.privacy.k, settings.privacy.noise)


def _value(settings: Settings, name: str) -> Any:
    """The value of a setting in force, as JSON holds it."""
    section, _, key = name.partition(".")
    values: Any = show.as_dict(settings)[section]
    return values[key]


def _windows(definition: Definition, settings: Settings) -> str:
    return ", ".join(width.text for width in definition.widths(settings)) or "-"


def _table(settings: Settings) -> Table:
    table = Table("indicator", "title", "", "windows", "turned on by", box=None, pad_edge=False)
    for definition in DEFINITIONS:
        on = definition.is_on(settings)
        state = Text("on", "green") if on else Text("off", "yellow")
        switches = Text(", ".join(definition.switches) or "always on")
        table.add_row(definition.name, definition.title, state, _windows(definition, settings), switches)
    return table


def _page(definition: Definition, settings: Settings) -> Table:
    """An indicator, a part of it a row; as Text, in which brackets are no markup."""
    page = Table.grid(padding=(0, 2))
    page.add_column(style="bold", no_wrap=True)
    page.add_column(overflow="fold")
    values = [
        f"{name} = {json.dumps(_value(settings, name), ensure_ascii=False)}"
        for name in (*definition.switches, *definition.shaped_by)
    ]
    parted = "" if definition.segments.value == "none" else f", parted by {definition.segments.value}"
    state = "on" if definition.is_on(settings) else f"off: set {' and '.join(definition.switches)}"
    topic = definition.topic and _value(settings, definition.topic)
    where = f"Redis {definition.key}, field {definition.field}; Kafka {topic or 'not there'}"
    for name, text in (
        ("indicator", f"{definition.name}: {definition.title} ({state})"),
        ("unit", f"{definition.unit}; of a {definition.of.value}{parted}"),
        ("definition", definition.meaning),
        ("formula", definition.formula),
        ("source", definition.source),
        ("windows", f"{definition.windows.value}; now: {_windows(definition, settings)}"),
        ("release", f"{definition.release.value}: {_release(definition, settings)}"),
        (
            "settings",
            "\n".join([*values, f"privacy.k = {settings.privacy.k}, privacy.noise = {settings.privacy.noise}"]),
        ),
        ("published", where),
        ("how to read", definition.reading),
    ):
        page.add_row(name, Text(text))
    return page


def _examples(definition: Definition) -> list[tuple[str, str]]:
    """The value in Redis and, of what is there, the record in Kafka, as JSON, each with its heading."""
    found = [("example in Redis", definition.value_text)]
    return found if definition.record_text is None else [*found, ("example in Kafka", definition.record_text)]
