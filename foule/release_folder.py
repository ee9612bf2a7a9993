"""A folder of released windows: the records of the Kafka topics as JSON Lines and as Parquet, and what they rest on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from anonymizer.gate import PUBLISHED_NAMES, Publication
from config.errors import FouleError
from sinks.kafka import Topics, records
from sinks.values import Values

MANIFEST: Final = "manifest.json"

NOTICE: Final = """\
NOT FOR PUBLICATION

These numbers come from a run of `foule batch`, which is a trial: no release log knows of it. The same windows may have
been published already, or may be later, with other settings, and in any case with other errors. Whoever holds two
versions of a window can compare them and learn more than either was to tell. Use them inside your organisation only, to
try settings or to look at history, and delete them when you are done.

presence.jsonl, presence.parquet       people, arrivals, departures and so on of each zone and window
flows.jsonl, flows.parquet             people who went from one zone to another in each window
indicators.jsonl, indicators.parquet   people by origin, length of stay, category and so on, and trips
manifest.json                          what the numbers rest on: settings, threshold, windows, counts of records

Each number is too large or too small by a few (manifest.json: noise). One that is not there is withheld, or nobody was
there. `start` and `end` are UTC, in ms in JSON Lines. Quartiles, km and estimates of people are in JSON Lines only. The
occupancy of days is not there.
"""

_ROW_GROUP = 50_000
_MOMENT = pa.timestamp("ms", tz="UTC")
_INSTANTS = [pa.field("start", _MOMENT, nullable=False), pa.field("end", _MOMENT, nullable=False)]
_SOURCE = [pa.field("coverage", pa.float64(), nullable=False), pa.field("version", pa.int64(), nullable=False)]
_SCHEMAS: Final = {
    "presence": pa.schema(
        [
            pa.field("layer", pa.string(), nullable=False),
            pa.field("zone", pa.string(), nullable=False),
            *_INSTANTS,
            *(pa.field(name, pa.int64()) for name in PUBLISHED_NAMES),
            *_SOURCE,
        ]
    ),
    "flows": pa.schema(
        [
            pa.field("layer", pa.string(), nullable=False),
            pa.field("from", pa.string(), nullable=False),
            pa.field("to", pa.string(), nullable=False),
            *_INSTANTS,
            pa.field("people", pa.int64(), nullable=False),
            *_SOURCE,
        ]
    ),
    "indicators": pa.schema(
        [
            pa.field("indicator", pa.string(), nullable=False),
            pa.field("layer", pa.string(), nullable=False),
            *(pa.field(name, pa.string()) for name in ("zone", "from", "to", "origin", "segment")),
            *_INSTANTS,
            pa.field("people", pa.int64(), nullable=False),
            *_SOURCE,
        ]
    ),
}
_TOPICS: Final = Topics(*_SCHEMAS)


class ReleaseFolder:
    """Writes publications into ``folder``, which must be new or empty; a context manager.

    The folder is filled under another name beside it and appears as a whole with :meth:`complete`; without that,
    nothing is left. Raises FouleError where the folder holds something or cannot be written.
    """

    def __init__(self, folder: Path, values: Values | None = None) -> None:
        self._values = values or Values()
        self._folder = folder
        self._partial = folder.absolute().with_name(f".{folder.absolute().name}.{uuid4().hex[:8]}")
        self._tables: dict[str, _Table] = {}
        _require_empty(folder)
        try:
            self._partial.mkdir()
            for name in _SCHEMAS:
                self._tables[name] = _Table(self._partial, name)
        except OSError as error:
            self._discard()
            raise self._unwritable(error) from error

    def write(self, publication: Publication) -> None:
        """Add a released window; nothing if it holds no number."""
        try:
            for record in records(publication, _TOPICS, self._values):
                self._tables[record.topic].add(record.value)
        except OSError as error:
            raise self._unwritable(error) from error

    def complete(self, manifest: Mapping[str, Any]) -> None:
        """Close the files, add the ``manifest`` and the notice, and let the folder appear."""
        rows = {name: table.rows for name, table in self._tables.items()}
        text = json.dumps({"not_for_publication": True, **manifest, "rows": rows}, indent=2, ensure_ascii=False)
        try:
            for table in self._tables.values():
                table.close()
            (self._partial / "README.txt").write_text(NOTICE, encoding="utf-8")
            (self._partial / MANIFEST).write_text(text + "\n", encoding="utf-8")
            _require_empty(self._folder)
            self._partial.replace(self._folder.absolute())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> FouleError:
        return FouleError(f"{self._folder}: cannot be written: {error.strerror or error}; give another --out")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def _discard(self) -> None:
        """Remove what has not become the folder; a full disk must not hide the error that led here."""
        for table in self._tables.values():
            with suppress(OSError):
                table.close()
        shutil.rmtree(self._partial, ignore_errors=True)


class _Table:
    """One kind of records, in both forms; some ten thousand rows are held at most."""

    def __init__(self, folder: Path, name: str) -> None:
        self.rows = 0
        self._schema = _SCHEMAS[name]
        self._lines: IO[bytes] = (folder / f"{name}.jsonl").open("wb")
        self._parquet = pq.ParquetWriter(folder / f"{name}.parquet", self._schema, compression="zstd")
        self._waiting: list[dict[str, Any]] = []

    def add(self, value: bytes) -> None:
        self._lines.write(value + b"\n")
        self._waiting += _rows(msgspec.json.decode(value))
        self.rows += 1
        if len(self._waiting) >= _ROW_GROUP:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._waiting:
            self._parquet.write_table(pa.Table.from_pylist(self._waiting, self._schema))
            self._waiting.clear()

    def close(self) -> None:
        """May be called again."""
        if not self._lines.closed:
            self._lines.close()
            try:
                self._write_rows()
            finally:
                self._parquet.close()


def _rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a record: one for each segment, where it has any."""
    people = record.get("people")
    if not isinstance(people, dict):
        return [record]
    return [record | {"segment": segment, "people": number} for segment, number in people.items()]


def _require_empty(folder: Path) -> None:
    """A window is released once (docs/privacy.md): what a folder holds is never replaced by other numbers."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        holds = "holds a release already" if (folder / MANIFEST).exists() else "is not an empty folder"
        raise FouleError(f"{folder}: {holds}, and nothing released is ever overwritten; give a new folder as --out")
