"""Reads recorded files as chunks of columns: CSV, JSON Lines and Parquet, one shape for all three."""

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from config.errors import EventFileError
from foule.eventfiles.container import LONGEST, Container, Kind
from foule.eventfiles.templates import Column
from foule.eventfiles.times import TimeReader, Times

_ROWS = 8192


class Rows(NamedTuple):
    """Some rows of a file, in its order: ``length`` rows of named columns.

    A value is a text, None where there is none, or, in JSON Lines, whatever else the file has. ``damaged`` are
    the rows that could not be taken apart, by position, with their original bytes; they have no values.
    ``times`` are UTC ms where the file itself knows the times of ``Wanted.time``.
    """

    length: int
    columns: Mapping[str, Column]
    damaged: Mapping[int, bytes]
    times: Times | None = None


class Wanted(NamedTuple):
    """What to read: the columns, each with the setting that names it, and the one that alone holds the time."""

    columns: Mapping[str, str]
    time: str | None
    reader: TimeReader
    delimiter: str


def rows_of(container: Container, wanted: Wanted) -> Iterator[Rows]:
    """All rows of the file, chunk by chunk. Raises EventFileError where it lacks a wanted column."""
    readers = {Kind.CSV: _csv, Kind.JSON_LINES: _json_lines, Kind.PARQUET: _parquet}
    return readers[container.kind](container, wanted)


def _csv(container: Container, wanted: Wanted) -> Iterator[Rows]:
    """A row is a line: a quoted value does not go on in the next line, so that damage stays in its row."""
    header: list[str] | None = None
    for lines in container.lines():
        if header is None and lines:
            header = _cells(lines.pop(0), wanted.delimiter)
            if header is None:
                raise EventFileError(
                    f"{container.path}: the first line is no header: expected the names of the columns in"
                    f' UTF-8, separated by "{wanted.delimiter}" (replay.delimiter)'
                )
            _require(container, wanted, header)
        if header is not None and lines:
            yield _csv_rows(lines, header, wanted)
    if header is None:
        raise EventFileError(f"{container.path}: holds blank lines only; expected a CSV file with a header")


def _csv_rows(lines: list[bytes], header: list[str], wanted: Wanted) -> Rows:
    width = len(header)
    blank = [None] * width
    damaged: dict[int, bytes] = {}
    table: list[Sequence[str | None]] = []
    for position, line in enumerate(lines):
        cells = _cells(line, wanted.delimiter) if len(line) <= LONGEST else None
        if cells is None or len(cells) != width:
            damaged[position] = line
            table.append(blank)
        else:
            table.append(cells)
    places = {name: header.index(name) for name in wanted.columns}
    return Rows(len(lines), {name: [row[at] for row in table] for name, at in places.items()}, damaged)


def _cells(line: bytes, delimiter: str) -> list[str] | None:
    """The values of one line; None where it is not UTF-8 or a quote is not closed."""
    try:
        text = line.decode()
        if '"' not in text:
            return text.split(delimiter)
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None


def _json_lines(container: Container, wanted: Wanted) -> Iterator[Rows]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    nothing: dict[str, Any] = {}
    for padded in container.lines():
        lines = [line.rstrip() for line in padded]
        damaged: dict[int, bytes] = {}
        table: list[dict[str, Any]] = []
        for position, line in enumerate(lines):
            try:
                table.append(decoder.decode(line) if len(line) <= LONGEST else nothing)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                table.append(nothing)
            if table[-1] is nothing:
                damaged[position] = line
        if lines:
            columns = {name: [_plain(row.get(name)) for row in table] for name in wanted.columns}
            yield Rows(len(lines), columns, damaged)


def _plain(value: object) -> object:
    """Whole numbers as their decimal text, so that an id is the same in every kind of file.

    A list or an object is wrong in every field, whatever is in it.
    """
    if type(value) is int:
        return str(value)
    return [] if isinstance(value, (list, dict)) else value


def _parquet(container: Container, wanted: Wanted) -> Iterator[Rows]:
    try:
        file = pyarrow.parquet.ParquetFile(container.whole())
        _require(container, wanted, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(wanted.columns)):
            yield _parquet_rows(container, batch, wanted)
    except (pa.ArrowException, OSError) as error:
        raise EventFileError(f"{container.path}: is not a sound Parquet file: {error}; write it again") from error


def _parquet_rows(container: Container, batch: pa.RecordBatch, wanted: Wanted) -> Rows:
    columns: dict[str, Column] = {}
    damaged: dict[int, bytes] = {}
    times: Times | None = None
    for name in wanted.columns:
        column = batch.column(name)
        if pa.types.is_nested(column.type):
            raise EventFileError(
                f"{container.path}: column {name} ({wanted.columns[name]}) holds {column.type}: expected"
                " text, numbers or times; name another column"
            )
        if name == wanted.time and (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
            times = wanted.reader.read_typed(column)
        columns[name] = _texts(column, damaged)
    if damaged:
        for name, values in columns.items():
            columns[name] = [None if at in damaged else value for at, value in enumerate(values)]
    return Rows(batch.num_rows, columns, damaged, times)


def _texts(column: pa.Array, damaged: dict[int, bytes]) -> list[object]:
    """An Arrow column as text; whole numbers that pandas stored as floating ones lose their ".0"."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column.cast(pa.float64()))
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
        numbers = pc.if_else(whole, column, 0.0).cast(pa.int64())
        column = pc.if_else(whole, numbers.cast(pa.string()), column.cast(pa.string()))
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [_decoded(value, position, damaged) for position, value in enumerate(column.to_pylist())]
    texts: list[object] = column.cast(pa.string()).to_pylist()
    return texts


def _decoded(value: bytes | None, position: int, damaged: dict[int, bytes]) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        damaged[position] = bytes(value or b"")
        return None


def _require(container: Container, wanted: Wanted, names: Sequence[str]) -> None:
    """Says what is missing, not what is there: a file without a header begins with personal data."""
    problems = []
    for name, setting in wanted.columns.items():
        if names.count(name) != 1:
            what = "there is no column" if name not in names else "there is more than one column"
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.7) if name not in names else []
            hint = f': is it "{near[0]}"?' if near else ""
            problems.append(f'{container.path}: {what} "{name}", which {setting} names{hint}')
    if problems:
        begins = " A CSV file begins with a line of column names." if container.kind is Kind.CSV else ""
        problems.append(
            f"The {container.kind.value} file has {len(names)} columns; change the section [replay] of the"
            f" settings, or the file.{begins}"
        )
        raise EventFileError("\n".join(problems))
