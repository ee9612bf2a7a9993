"""What the attack suite has found, read from the file that ``make attack`` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from config.errors import FouleError

#: The results that come with foule, in its package.
SHIPPED: Final = "attack-results.json"

Verdict = Literal["holds", "does not hold", "reported, not promised", "not tried", "not said"]

_CRITERIA: Final = {"singling out": "singling out", "linking": "linkability", "linkability": "linkability"}


class Attack(NamedTuple):
    """One attack, in words. ``criterion``: of WP29's three, which it would break; ``without`` and ``off``: what was
    switched off, and the figure then; ``on``: the figure with all protections."""

    id: str
    name: str
    criterion: str
    knows: str
    figure: str
    without: str
    off: str
    on: str
    target: str
    verdict: Verdict
    note: str


class Results(NamedTuple):
    """A run of the suite: of which version, when, whether in ``full``, under which settings (if the file does not say:
    under the defaults), and what it found."""

    version: str
    date: str
    seconds: str
    full: bool
    settings: Mapping[str, Any]
    attacks: tuple[Attack, ...]
    accuracy: tuple[Attack, ...]

    def of(self, criterion: str) -> list[Attack]:
        """The attacks on one of WP29's criteria."""
        return [attack for attack in self.attacks if attack.criterion == criterion]

    @property
    def promised(self) -> list[Attack]:
        """Those that were tried and have a target."""
        return [attack for attack in self.attacks if attack.verdict not in ("reported, not promised", "not tried")]

    @property
    def failing(self) -> list[Attack]:
        """Those that do not show what was promised."""
        return [attack for attack in self.attacks if attack.verdict in ("does not hold", "not said")]

    @property
    def untried(self) -> list[Attack]:
        """Those that were left out."""
        return [attack for attack in self.attacks if attack.verdict == "not tried"]


def load(path: Path | None) -> Results | None:
    """The results in ``path``; without a path those that came with foule, or None if none did.

    Fields that are not known are passed over. Raises ``FouleError`` if the file is none of the suite.
    """
    if path is None:
        shipped = files("foule.report") / SHIPPED
        return _read(shipped.read_bytes(), SHIPPED) if shipped.is_file() else None
    try:
        return _read(path.read_bytes(), str(path))
    except OSError as error:
        raise FouleError(
            f"{path}: cannot be read: {error.strerror}; give the file that make attack writes, or leave --attacks away"
        ) from None


def _read(data: bytes, name: str) -> Results:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise _unfit(name, f"not JSON ({type(error).__name__})") from None
    if not isinstance(found, dict) or not {"attacks", "outcomes"} & found.keys():
        raise _unfit(name, 'it has no list "outcomes" or "attacks"')
    # outcomes are of both kinds: by its claim each says whether it is an attack or only a cost
    entries = [entry for key in ("outcomes", "attacks", "accuracy") for entry in _entries(found, key, name)]
    costs = [entry for entry in entries if entry.get("claim", "accuracy") == "accuracy"]
    attacks = [entry for entry in entries if entry not in costs]
    settings = found.get("settings")
    return Results(
        _text(found.get("version")),
        _text(found.get("date")),
        _text(found.get("seconds")),
        found.get("full") is not False,
        settings if isinstance(settings, dict) else {},
        tuple(_attack(entry, cost=False) for entry in attacks),
        tuple(_attack(entry, cost=True) for entry in costs),
    )


def _entries(found: Mapping[str, Any], key: str, name: str) -> Iterator[Mapping[str, Any]]:
    listed = found.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _unfit(name, f'its "{key}" is no list of objects')
    yield from listed


def _attack(entry: Mapping[str, Any], cost: bool) -> Attack:
    claim = str(entry.get("claim", ""))
    return Attack(
        _text(entry.get("id")),
        _text(entry.get("name")),
        _CRITERIA.get(claim, claim),
        str(entry.get("knows") or ""),
        str(entry.get("figure") or ""),
        str(entry.get("without") or ""),
        _text(entry.get("off")),
        _text(entry.get("on")),
        _text(entry.get("target") or None),
        "reported, not promised" if cost else _verdict(entry),
        str(entry.get("skipped") or entry.get("detail") or ""),
    )


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    """An attack that was not tried, or does not say how it ended, is never taken as one that holds."""
    if entry.get("skipped"):
        return "not tried"
    works, fails, holds = entry.get("works"), entry.get("fails"), entry.get("holds")
    promised = entry.get("promised", not (works is None and fails is None and holds is None))
    if not promised:
        return "reported, not promised"
    if not isinstance(holds, bool):
        if not (isinstance(works, bool) and isinstance(fails, bool)):
            return "not said"
        holds = works and fails
    return "holds" if holds else "does not hold"


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if value.is_integer() else f"{value:,.4f}".rstrip("0")
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def _unfit(name: str, why: str) -> FouleError:
    return FouleError(f"{name}: not a results file of the attack suite: {why}; write it anew with: make attack")
