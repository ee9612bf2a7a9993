"""Reads the operator's market shares from the file that ``people.shares`` names, and words what is wrong with it."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from config.files import read_lines, refuse

_COLUMNS = ("area", "origin", "share")
_ORIGIN = re.compile(r"\*|local|unknown|national(:.+)?|foreign(:[A-Z]{2})?", re.DOTALL)
_ORIGINS = '"local", "national", "national:AREA", "foreign", "foreign:COUNTRY" (two capitals), "unknown" or "*" for any'
_ANY = ("*", "*")
_SETTING = "people.shares"


def read(path: Path) -> dict[tuple[str, str], float]:
    """The share, in (0, 1], of each (area, origin) of a CSV with the columns area, origin and share; "*" is for any.

    Raises SettingsError with up to ten problems, each with its line, for a file that cannot be used: one that cannot
    be read, has other columns, a row that is not right or comes twice, or no row for any area and origin.
    """
    shares: dict[tuple[str, str], float] = {}
    first: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    for line, row in _rows(path):
        problem = _problem(row)
        key = (row[0], row[1]) if problem is None else _ANY
        if problem is None and key in first:
            problem = f"area {key[0]} and origin {key[1]} have a share in line {first[key]}; take one of the two out"
        if problem is None:
            first[key], shares[key] = line, float(row[2])
        else:
            problems.append(f"line {line}: {problem}")
    if not problems and _ANY not in shares:
        problems.append(
            "no share for any area and any origin; a line such as *,*,0.35 is expected, for all that no other is about"
        )
    refuse(path, problems)
    return shares


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and area, origin, share of each row, in this order; of a row with too few or many values, these."""
    rows = csv.reader(read_lines(path, _SETTING), strict=True)
    try:
        header = [name.strip() for name in next(rows)]
        if sorted(header) != sorted(_COLUMNS):
            refuse(
                path,
                [f"line 1: the columns area, origin and share are expected, parted by commas; {len(header)} found"],
            )
        order = [header.index(name) for name in _COLUMNS]
        for row in rows:
            if row:
                values = [value.strip() for value in row]
                yield rows.line_num, [values[at] for at in order] if len(row) == len(order) else values
    except csv.Error as error:
        refuse(path, [f"line {rows.line_num}: {error}; a CSV is expected"])


def _problem(row: list[str]) -> str | None:
    """What is wrong with the values of a row, or None."""
    if len(row) != len(_COLUMNS):
        return f"{len(row)} values; 3 are expected, parted by commas: area, origin and share, with a point as in 0.35"
    area, origin, share = row
    if not area:
        return 'no area; the code of an area, as in the property "area" of zones, or "*" for any is expected'
    if not _ORIGIN.fullmatch(origin):
        return f"not an origin; {_ORIGINS} is expected"
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        return "not a share; a number above 0, and at most 1, such as 0.35 is expected"
    return None
