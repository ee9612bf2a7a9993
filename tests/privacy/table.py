"""The table of a run, its verdict, and its results as JSON for ``foule privacy-report``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import msgspec

from tests.privacy.accuracy import ROOT
from tests.privacy.outcome import Outcome

_WIDTH = 116
_INDENT = " " * 13


class Results(msgspec.Struct, frozen=True):
    """What is written: ``version`` of foule, ``date`` (UTC), ``seconds`` of the run, whether it was a ``full`` one, and
    each outcome with its verdict."""

    version: str
    date: str
    seconds: float
    full: bool
    holds: bool
    outcomes: list[dict[str, object]]


class Verdict(NamedTuple):
    """How many attacks were tried, and the ids of those that do not work without protection or succeed with it."""

    tried: int
    useless: list[str]
    successful: list[str]

    @property
    def holds(self) -> bool:
        """Whether every attack works, and none succeeds."""
        return self.tried > 0 and not self.useless and not self.successful

    def __str__(self) -> str:
        if self.holds:
            return f"verdict: holds. {self.tried} attacks succeed without protection, none with it"
        faults = [f"{one} does not work without protection" for one in self.useless]
        faults += [f"{one} succeeds in spite of the protection" for one in self.successful]
        return f"verdict: does NOT hold. Of {self.tried} attacks: {'; '.join(faults) or 'none was tried'}"


def verdict(outcomes: Iterable[Outcome]) -> Verdict:
    """The verdict on what has a target."""
    tried = [one for one in outcomes if not one.reported]
    return Verdict(len(tried), [one.id for one in tried if not one.works], [one.id for one in tried if not one.fails])


def lines(one: Outcome) -> Iterator[str]:
    """An outcome as lines of the table."""
    mark = "-" if one.reported else "holds" if one.holds else "FAILS"
    yield f"{one.id:<11}  {one.name}"
    figures = f"{one.figure}: "
    if one.skipped:
        figures += f"skipped: {one.skipped}"
    elif one.reported:
        figures += _number(one.on) + (f" (without {one.without}: {_number(one.off)})" if one.without else "")
    else:
        figures += f"off {_number(one.off)} -> {'succeeds' if one.works else 'DOES NOT SUCCEED'}; "
        figures += f"on {_number(one.on)} -> {'fails' if one.fails else 'SUCCEEDS'}; target {one.target}; {mark}"
    notes = [figures]
    if one.knows:
        notes.append(f"the attacker knows: {one.knows}" + (f"; off: without {one.without}" if one.without else ""))
    if one.detail:
        notes.append(one.detail)
    for note in notes:
        yield from wrap(note, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  ")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4f}".rstrip("0").rstrip(".")


def write(path: Path, outcomes: Sequence[Outcome], seconds: float, *, full: bool) -> None:
    """Write the results as JSON."""
    results = Results(
        _version(),
        datetime.now(UTC).strftime("%Y-%m-%d"),
        round(seconds, 1),
        full,
        verdict(outcomes).holds,
        [
            msgspec.to_builtins(one) | {"reported": one.reported, "holds": None if one.reported else one.holds}
            for one in outcomes
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def _version() -> str:
    """Of the sources that were attacked."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version
