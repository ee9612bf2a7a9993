"""The tables of where devices can be from, read from files: countries by the codes of their networks, home areas."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from config.errors import SettingsError
from config.files import read_lines, refuse

MOST_AREAS = 10_000
_LONGEST_CODE = 100

_SETTING = "origins.areas"
_DATA = Path(__file__).parent / "data"
_HEADER = ["code", "name"]
#: They stand between the parts of names in the contracts.
_SEPARATORS = frozenset(">:|")


class Country(NamedTuple):
    """A country or territory: its ISO 3166-1 alpha-2 ``code`` (XK for Kosovo, which has none there), its name, and the
    mobile country codes (MCC) of its networks, as ITU-T E.212 assigns them.

    Where one MCC is of several territories, they are under the code of the first of them.
    """

    code: str
    name: str
    mccs: tuple[str, ...]


def read_countries() -> list[Country]:
    """The countries that have an MCC, in order of their codes; codes of no country (such as 901) are not there."""
    lines = (_DATA / "countries.csv").read_text("utf-8").splitlines()
    return [Country(code, name, tuple(mccs.split())) for code, name, mccs in list(csv.reader(lines))[1:]]


def read_areas(path: Path | None) -> Mapping[str, str]:
    """The home areas of a CSV with the header ``code,name``, code to name in order; by default the departements of
    France.

    Raises SettingsError, with the first ten problems, where it cannot be read or a row is wrong.
    """
    source = _DATA / "departements.csv" if path is None else path
    rows = _rows(source)
    areas: dict[str, str] = {}
    line_of: dict[str, int] = {}
    problems = []
    for line, row in rows:
        code, problem = row[0].strip(), _problem(row)
        if problem is None and code in line_of:
            problem = f"the code stands in line {line_of[code]} already; one line for each area is expected"
        if problem is not None:
            problems.append(f"line {line}: {problem}")
            continue
        areas[code], line_of[code] = row[1].strip(), line
    if not areas and not problems:
        problems.append(f"no rows after the header; at least one area is expected by {_SETTING}")
    if len(areas) > MOST_AREAS:
        problems.append(f"{len(areas)} areas; at most {MOST_AREAS} are expected: put some of them together")
    refuse(source, problems)
    return areas


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows behind the header that are not empty, each with the number of its line."""
    reader = csv.reader(read_lines(path, _SETTING))
    try:
        header = [name.strip() for name in next(reader, [])]
        if header != _HEADER:
            refuse(path, [f'line 1: the header "code,name" is expected by {_SETTING}'])
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise SettingsError([f"{path}: line {reader.line_num}: cannot be read as CSV ({error})"]) from None
    return iter([(line, row) for line, row in rows if any(field.strip() for field in row)])


def _problem(row: list[str]) -> str | None:
    """What is wrong with a row by itself."""
    if len(row) != len(_HEADER):
        return f"{len(row)} columns; a code and a name are expected, in double quotes if it holds a comma"
    code, name = (field.strip() for field in row)
    if not code or not name:
        return f"the {'name' if code else 'code'} is empty; a code and a name are expected"
    if not code.isprintable() or _SEPARATORS & set(code):
        return 'the code holds ">", ":", "|" or a character that cannot be printed; give the area another'
    if len(code) > _LONGEST_CODE:
        return f"the code has {len(code)} characters; at most {_LONGEST_CODE} are expected"
    if not name.isprintable():
        return "the name holds a character that cannot be printed; leave it out"
    return None
