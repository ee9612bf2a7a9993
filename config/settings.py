"""Loads the settings: a TOML file, then environment variables ``FOULE_SECTION__KEY``, then defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from config.errors import SettingsError
from config.reading import Given, Reader
from config.secret import Secret
from config.sections import (
    EventsSettings,
    IndicatorsSettings,
    KafkaSettings,
    KeysSettings,
    LayerSettings,
    LogSettings,
    MetricsSettings,
    OriginsSettings,
    PeopleSettings,
    PrivacySettings,
    RedisSettings,
    ReplaySettings,
    Settings,
    StreamSettings,
    TimeSettings,
    TopicsSettings,
    ZonesSettings,
)
from config.times import Duration, Instant

__all__ = [
    "Duration",
    "EventsSettings",
    "IndicatorsSettings",
    "Instant",
    "KafkaSettings",
    "KeysSettings",
    "LayerSettings",
    "LogSettings",
    "MetricsSettings",
    "OriginsSettings",
    "PeopleSettings",
    "PrivacySettings",
    "RedisSettings",
    "ReplaySettings",
    "Secret",
    "Settings",
    "StreamSettings",
    "TimeSettings",
    "TopicsSettings",
    "ZonesSettings",
    "load",
    "require_layers",
]

_PREFIX = "FOULE_"
_NO_FILE = "settings"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The effective settings; without a path, the defaults and the environment alone.

    A relative path in the file, or in the environment, counts from the folder of the settings file, and
    without a file from the current folder. Raises SettingsError with every problem that was found.
    """
    origin = _NO_FILE if path is None else str(path)
    reader = Reader(Path.cwd() if path is None else path.parent.resolve(), origin)
    given, malformed = _from_file({} if path is None else _parse(path), origin)
    _overlay(given, environ)
    settings = reader.read(given)
    problems = malformed + reader.problems()
    if problems:
        raise SettingsError(problems)
    return settings


def require_layers(settings: Settings) -> None:
    """Raise SettingsError unless there is a layer of zones: every command that counts needs one."""
    if not settings.zones.layers:
        problem = (
            "settings: zones.layers is empty: expected at least one layer of zones; add a table"
            " [[zones.layers]] with a name and either a GeoJSON file or a column to the settings file"
        )
        raise SettingsError([problem])


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        problem = f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8"
    except tomllib.TOMLDecodeError as error:
        problem = f"{path}: not valid TOML: {error}"
    except OSError as error:
        problem = f"{path}: cannot be read: {error.strerror}; give the path of a settings file"
    raise SettingsError([problem])


def _from_file(tables: dict[str, object], origin: str) -> tuple[dict[str, dict[str, Given]], list[str]]:
    given: dict[str, dict[str, Given]] = {}
    malformed: list[str] = []
    for name, table in tables.items():
        if isinstance(table, dict):
            given[name] = {str(key): Given(value, origin) for key, value in table.items()}
        elif name in Settings.__struct_fields__:
            malformed.append(f"{origin}: {name}: expected a table, written [{name}]")
        else:
            malformed.append(f"{origin}: {name}: expected tables only at the top, such as [kafka] or [zones]")
    return given, malformed


def _overlay(given: dict[str, dict[str, Given]], environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        section, separator, key = variable.removeprefix(_PREFIX).partition("__")
        if variable.startswith(_PREFIX) and separator:
            text = environ[variable]
            given.setdefault(section.lower(), {})[key.lower()] = Given(_value(text), variable, bare=text)


def _value(text: str) -> object:
    """A TOML value, or the text itself where it is none."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text
