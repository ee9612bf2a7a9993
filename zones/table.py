"""Columns of text from a CSV file, by name or by a template of names such as "{lac}-{ci}"."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from config.errors import ZonesError
from zones.files import read_bytes, some

# Rows are numbered as an editor shows them: the header is row 1. Empty lines are not counted.
FIRST_ROW = 2


class Template:
    """A column by its name, or a text with the names of columns in braces."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = re.split(r"\{([^{}]+)\}", text)
        if len(parts) == 1:
            parts = ["", text, ""]
        self._literals = parts[0::2]
        self.columns = tuple(parts[1::2])

    def render(self, table: "Table") -> pa.Array:
        """The text of each row, a string array (n_rows,)."""
        pieces: list[pa.Array | pa.Scalar] = [pa.scalar(self._literals[0])]
        for column, literal in zip(self.columns, self._literals[1:], strict=True):
            pieces += [table.column(column), pa.scalar(literal)]
        return pc.binary_join_element_wise(*pieces, "")


class Table:
    """The wanted columns of a CSV file in UTF-8 with a header, all as text, gzip or not.

    Of the ``optional`` columns it has those that are in the header once. Raises ZonesError where the file cannot be
    read, lacks a column, or has a row of another length. No message quotes a row: the file may be one of events.
    """

    def __init__(self, path: Path, delimiter: str, columns: Iterable[str], optional: Iterable[str] = ()) -> None:
        self.path = path
        wanted = list(dict.fromkeys(columns))
        content = pa.py_buffer(read_bytes(path))
        header = _header(path, content, delimiter)
        _check_header(path, header, wanted, delimiter)
        wanted += [name for name in dict.fromkeys(optional) if name not in wanted and header.count(name) == 1]
        self._table = _read(path, content, delimiter, wanted)
        if not len(self):
            raise ZonesError(f"{path}: no rows after the header; at least one cell is expected")

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def has(self, name: str) -> bool:
        """Whether the column was read."""
        return name in self._table.column_names

    def column(self, name: str) -> pa.Array:
        """The column's text as it is, a string array (n_rows,)."""
        return self._table.column(name).combine_chunks()

    def empty(self, name: str) -> NDArray[np.bool_]:
        """True where the column is empty or blank, (n_rows,)."""
        return np.asarray(pc.equal(pc.utf8_trim_whitespace(self.column(name)), ""), dtype=bool)

    def numbers(self, template: Template) -> NDArray[np.float64]:
        """The rendered texts as numbers, (n_rows,); NaN for what is no finite number."""
        texts = pc.utf8_trim_whitespace(template.render(self))
        try:
            numbers = np.asarray(pc.cast(texts, pa.float64()), dtype=np.float64)
        except pa.ArrowInvalid:
            numbers = np.array([_number(text) for text in texts.to_pylist()])
        return np.where(np.isfinite(numbers), numbers, np.nan)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


class _WrongRow:
    """Remembers the first row of another length, without its text."""

    def __init__(self) -> None:
        self.problem: str | None = None

    def __call__(self, row: pyarrow.csv.InvalidRow) -> str:
        if self.problem is None:
            self.problem = (
                f"row {row.number}: {row.actual_columns} columns, where the header has "
                f"{row.expected_columns}; correct it, or put texts that hold the delimiter in double quotes"
            )
        return "skip"


def _header(path: Path, content: pa.Buffer, delimiter: str) -> list[str]:
    """The names of the columns."""
    try:
        with pyarrow.csv.open_csv(pa.BufferReader(content), parse_options=_parsing(delimiter, _WrongRow())) as reader:
            return list(reader.schema.names)
    except UnicodeDecodeError:
        raise ZonesError(f"{path}: row 1: {_NOT_UTF8}") from None
    except (pa.ArrowInvalid, ValueError):
        raise _unreadable(path, delimiter) from None


def _read(path: Path, content: pa.Buffer, delimiter: str, wanted: list[str]) -> pa.Table:
    wrong = _WrongRow()
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            # Rows have numbers only where one thread reads them.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=_parsing(delimiter, wrong),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        row = re.search(r"Row #(\d+)", str(error))
        if "UTF8" in str(error):
            raise ZonesError(f"{path}: {f'row {row[1]}: ' if row else ''}{_NOT_UTF8}") from None
        raise _unreadable(path, delimiter) from None
    if wrong.problem:
        raise ZonesError(f"{path}: {wrong.problem}")
    return table


def _parsing(delimiter: str, wrong: _WrongRow) -> pyarrow.csv.ParseOptions:
    return pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=wrong)


_NOT_UTF8 = "not UTF-8; convert the file, for example `iconv -f ISO-8859-1 -t UTF-8 old.csv > new.csv`"


def _unreadable(path: Path, delimiter: str) -> ZonesError:
    return ZonesError(
        f"{path}: cannot be read as CSV with the delimiter {delimiter!r}; a header, at least one row, and "
        "texts that hold the delimiter in double quotes are expected"
    )


def _check_header(path: Path, header: list[str], wanted: list[str], delimiter: str) -> None:
    missing = [name for name in wanted if name not in header]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise ZonesError(f"{path}: no column {names}, which the section [zones] names; {_found(header, delimiter)}")
    for name in wanted:
        if header.count(name) > 1:
            raise ZonesError(f'{path}: the column "{name}" is in the header more than once; rename one')


def _found(header: list[str], delimiter: str) -> str:
    """What the first row holds, unless it looks like data, which may be personal."""
    if any(sum(map(str.isdigit, name)) > 4 for name in header):
        return "row 1 holds long numbers and does not look like a header: add one"
    found = ", ".join(some([f'"{name}"' for name in header], "columns"))
    return f"the header has {found}" + (f"; is {delimiter!r} the delimiter?" if len(header) == 1 else "")
