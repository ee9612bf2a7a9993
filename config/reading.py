"""Reads raw tables into the settings tree and gathers every problem on the way."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from config.checks import Check
from config.rules import broken
from config.secret import MASK, Secret
from config.sections import Settings
from config.times import Duration, Instant

_EXPECTED: dict[Any, str] = {
    str: "a text in quotes",
    int: "a whole number",
    bool: "true or false",
    Secret: "a text in quotes",
    Path: "the path of a file, in quotes",
    Duration: 'a duration such as "500ms", "30s", "5m", "1h" or "1d"',
    Instant: "a date and time with its offset from UTC, such as 2014-06-28T04:00:00+02:00",
    date: "a date such as 2014-06-28",
}
_LONGEST_VALUE = 80


class Given(NamedTuple):
    """A raw value, what gave it (a file or an environment variable), and its text if it was bare."""

    value: object
    origin: str
    bare: str | None = None


class Reader:
    """Turns the given values into Settings; what is wrong is added to ``problems``, keyed by the setting."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._origin = origin
        self._order: list[str] = []
        self._shown: dict[str, tuple[str, str]] = {}
        self._failed: set[str] = set()
        self._found: list[tuple[str, str]] = []

    def read(self, given: Mapping[str, Mapping[str, Given]]) -> Settings:
        """The settings, defaults filled in; look at :meth:`problems` before using them."""
        kinds = dict(_fields(Settings))
        sections: dict[str, Any] = {}
        for name, table in given.items():
            self._order.append(name)
            if name in kinds:
                sections[name] = self._struct(kinds[name], table, name)
            else:
                origin = next((value.origin for value in table.values()), self._origin)
                self.unknown(name, tuple(kinds), origin)
        settings = Settings(**sections)
        for rule in broken(settings):
            if not any(self._has_failed(key) for key in rule.keys):
                tables = [key.rpartition(".")[0] for key in rule.keys]
                here = next((key for key in (*rule.keys, *tables) if key in self._order), rule.keys[0])
                self._rule(rule.keys[0], here, rule.expected)
        return settings

    def problems(self) -> list[str]:
        """A line for each problem, in the order in which the settings were given."""
        place = {key: index for index, key in enumerate(self._order)}
        return [line for _, line in sorted(self._found, key=lambda found: place.get(found[0], len(place)))]

    def unknown(self, key: str, known: tuple[str, ...], origin: str) -> None:
        """Report a key that is no setting. Its value is not shown: it may be a misspelt secret's."""
        table, _, name = key.rpartition(".")
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
        prefix = f"{table}." if table else ""
        hint = f"did you mean {prefix}{near[0]}?" if near else f"expected one of {', '.join(known)}"
        self._failed.add(key)
        self._found.append((key, f"{origin}: {key}: no such setting; {hint}"))

    def _struct(self, kind: Any, table: Mapping[str, Given], prefix: str) -> Any:
        fields = dict(_fields(kind))
        defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        for name, given in table.items():
            key = f"{prefix}.{name}"
            self._order.append(key)
            if name in fields:
                values[name] = self._field(fields[name], given, key)
            else:
                self.unknown(key, tuple(fields), given.origin)
        for name, default in defaults.items():
            if values.get(name) is _UNREADABLE:
                values[name] = None if default is NODEFAULT else default
            elif name not in values and default is NODEFAULT:
                values[name] = None
                origin = next((given.origin for given in table.values()), self._origin)
                self._failed.add(f"{prefix}.{name}")
                self._found.append((prefix, f"{origin}: {prefix}.{name}: missing; expected {_expected(fields[name])}"))
        return kind(**values)

    def _field(self, hint: Any, given: Given, key: str) -> Any:
        base, check = _parts(hint)
        item = _item_struct(base)
        if item is not None:
            return self._structs(item, given, key)
        self._shown[key] = (given.origin, MASK if base is Secret else _shown(given.value))
        for raw in (given.value, given.bare):
            try:
                value = self._convert(raw, base) if raw is not None else _UNREADABLE
            except (msgspec.ValidationError, TypeError, ValueError, OverflowError):
                continue
            if value is not _UNREADABLE and (value is None or check is None or check.holds(value)):
                return value
        self._failed.add(key)
        self._rule(key, key, _expected(hint))
        return _UNREADABLE

    def _structs(self, item: Any, given: Given, key: str) -> Any:
        if not isinstance(given.value, list):
            self._shown[key] = (given.origin, _shown(given.value))
            self._failed.add(key)
            self._rule(key, key, f"a list of tables, each under [[{key}]]")
            return _UNREADABLE
        read = []
        for index, table in enumerate(given.value):
            here = f"{key}[{index}]"
            self._order.append(here)
            if isinstance(table, dict):
                inner = {str(name): Given(value, given.origin) for name, value in table.items()}
                read.append(self._struct(item, inner, here))
            else:
                self._shown[here] = (given.origin, _shown(table))
                self._failed.add(here)
                self._rule(here, here, "a table")
        return tuple(read)

    def _convert(self, raw: object, base: Any) -> Any:
        if raw == "" and _is_optional(base):
            return None
        return msgspec.convert(raw, base, dec_hook=self._own_type)

    def _own_type(self, kind: type, raw: object) -> Any:
        if kind is Instant and isinstance(raw, datetime):
            return Instant.of(raw)
        if not isinstance(raw, str):
            raise TypeError("not a text")
        if kind is Path:
            if not raw or "\0" in raw:
                raise ValueError("not a path")
            return (self._folder / Path(raw).expanduser()).resolve()
        return kind.parse(raw) if kind in (Duration, Instant) else kind(raw)

    def _has_failed(self, key: str) -> bool:
        return any(key == failed or key.startswith((f"{failed}.", f"{failed}[")) for failed in self._failed)

    def _rule(self, key: str, place: str, expected: str) -> None:
        origin, shown = self._shown.get(key, (self._shown.get(place, (self._origin, ""))[0], "not set"))
        value = f" = {shown}" if shown != "not set" else " is not set"
        self._found.append((place, f"{origin}: {key}{value}: expected {expected}"))


_UNREADABLE: Any = object()


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return ((field.name, hints[field.name]) for field in msgspec.structs.fields(kind))


def _parts(hint: Any) -> tuple[Any, Check | None]:
    """The type of an annotation without its Check, and the Check."""
    checks = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Check)]
    return (get_args(hint)[0], checks[0]) if checks else (hint, None)


def _is_optional(base: Any) -> bool:
    return isinstance(base, UnionType) and type(None) in get_args(base)


def _item_struct(base: Any) -> Any:
    item = get_args(base)[0] if get_origin(base) is tuple else None
    return item if isinstance(item, type) and issubclass(item, Struct) else None


def _expected(hint: Any) -> str:
    base, check = _parts(hint)
    if check is not None:
        return check.expected
    if get_origin(base) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(base))
    if _is_optional(base):
        return _EXPECTED[next(kind for kind in get_args(base) if kind is not type(None))]
    return _EXPECTED[base]


def _shown(value: object) -> str:
    """The value as the operator wrote it, more or less, cut to a line."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = msgspec.json.encode(value).decode()
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
