"""Shows settings: as TOML that loads again, or as plain values for JSON; secrets stay masked."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from config.secret import Secret
from config.sections import Settings
from config.times import Duration, Instant

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def as_dict(settings: Settings) -> dict[str, Plain]:
    """The sections as JSON holds them: durations as "5m", instants in ISO 8601, secrets masked."""
    return _table(settings)


def render(settings: Settings) -> str:
    """The settings as TOML, every key written out.

    Loading it gives the same settings but for the secrets, which are masked; "" stands for a setting that is
    absent.
    """
    parts = []
    for name in settings.__struct_fields__:
        section = getattr(settings, name)
        keys = section.__struct_fields__
        tables = [key for key in keys if _holds_tables(getattr(section, key))]
        lines = [f"{key} = {_toml(getattr(section, key))}" for key in keys if key not in tables]
        parts.append("\n".join([f"[{name}]", *lines]))
        for key in tables:
            for item in getattr(section, key):
                inner = [f"{field} = {_toml(getattr(item, field))}" for field in item.__struct_fields__]
                parts.append("\n".join([f"[[{name}.{key}]]", *inner]))
    return "\n\n".join(parts) + "\n"


def _table(struct: Struct) -> dict[str, Plain]:
    return {name: _plain(getattr(struct, name)) for name in struct.__struct_fields__}


def _plain(value: Any) -> Plain:
    match value:
        case Struct():
            return _table(value)
        case tuple():
            return [_plain(item) for item in value]
        case Duration() | Instant():
            return value.text
        case Secret() | Path():
            return str(value)
        case date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"no plain form for a setting of the type {type(value).__name__}")


def _holds_tables(value: object) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, Struct) for item in value)


def _toml(value: Any) -> str:
    match value:
        case Instant() | date():
            return str(_plain(value))
        case None:
            return '""'
        case tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
    # a TOML string is a JSON string, but that it must escape the one control character that JSON need not
    return json.dumps(_plain(value), ensure_ascii=False).replace("\x7f", "\\u007f")
