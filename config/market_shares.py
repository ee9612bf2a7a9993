"""Reads the operator's market shares from the file that ``people.shares`` names, and words what is wrong with it."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from config.errors import SettingsError

_COLUMNS = ("area", "origin", "share")
_ORIGIN = re.compile(r"\*|local|unknown|national(:.+)?|foreign(:[A-Z]{2})?", re.DOTALL)
_ORIGINS = '"local", "national", "national:AREA", "foreign", "foreign:COUNTRY" (two capitals), "unknown" or "*" for any'
_ANY = ("*", "*")
_SHOWN = 10


def read(path: Path) -> dict[tuple[str, str], float]:
    """The share, in (0, 1], of each (area, origin) of a CSV with the columns area, origin and share; "*" is for any.

    Raises SettingsError with up to ten problems, each with its line, for a file that cannot be used: one that cannot
    be read, has other columns, a row that is not right or comes twice, or no row for any area and origin.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file; check the setting people.shares"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read ({error.strerror}); a readable file is expected"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: not a text in UTF-8; a CSV in UTF-8 is expected"]) from None
    shares: dict[tuple[str, str], float] = {}
    first: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    for line, row in _rows(path, text):
        problem = _problem(row)
        key = (row[0].strip(), row[1].strip()) if problem is None else _ANY
        if problem is None and key in first:
            problem = f"area {key[0]} and origin {key[1]} have a share in line {first[key]}; take one of the two out"
        if problem is not None:
            problems.append(f"{path}, line {line}: {problem}")
            continue
        first[key] = line
        shares[key] = float(row[2])
    if not problems and _ANY not in shares:
        problems.append(
            f"{path}: no share for any area and any origin; a line such as *,*,0.35 is expected, for all that no other"
            " line is about"
        )
    if problems:
        left = len(problems) - _SHOWN
        raise SettingsError(problems[:_SHOWN] + ([f"{path}: and {left} more problems"] if left > 0 else []))
    return shares


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and area, origin, share of each row, in this order; of a row with too few or many values, these."""
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if sorted(header) != sorted(_COLUMNS):
            found = ", ".join(header) or "nothing"
            raise SettingsError([f"{path}, line 1: the columns are {found}; area, origin and share are expected"])
        order = [header.index(name) for name in _COLUMNS]
        for row in rows:
            if row:
                yield rows.line_num, [row[at] for at in order] if len(row) == len(order) else row
    except csv.Error as error:
        raise SettingsError([f"{path}, line {rows.line_num}: {error}; a CSV is expected"]) from None


def _problem(row: list[str]) -> str | None:
    """What is wrong with the values of a row, or None."""
    if len(row) != len(_COLUMNS):
        return f"{len(row)} values; 3 are expected, parted by commas: area, origin and share, with a point as in 0.35"
    area, origin, share = (value.strip() for value in row)
    if not area:
        return 'no area; the code of an area, as in the property "area" of zones, or "*" for any is expected'
    if not _ORIGIN.fullmatch(origin):
        return f'the origin is "{origin}"; expected {_ORIGINS}'
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        return f'the share is "{share}"; a number above 0, and at most 1, such as 0.35 is expected'
    return None
