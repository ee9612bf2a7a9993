"""A Parquet data set of released numbers, in hive partitions by layer, width and local day."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from config.errors import FouleError
from foule.history.atlas import Atlas
from foule.history.files import OutFolder
from foule.history.history import Day, History
from foule.history.tables import SCHEMAS, joined, occupancy_of, tables_of
from foule.progress import Report
from indicators.calendar import DAY_MS

#: The one file of a partition.
FILE: Final = "part-0.parquet"


def write_dataset(folder: Path, history: History, atlas: Atlas, report: Report) -> list[str]:
    """Write the tables ``zones``, ``pairs`` and ``occupancy`` under ``folder``; returns the names of the files.

    A partition is one file. Where it exists, its numbers are kept beside the new ones, of the same number the one with
    the higher version: what Kafka has deleted since is not lost. Then it is replaced in one step; other partitions are
    not touched. The same numbers give the same bytes. Raises FouleError for a folder that cannot be written, or that
    holds something else.
    """
    days = history.days
    shortest = min(history.calendar.widths, default=DAY_MS)
    with OutFolder(folder) as out:
        data_set = _DataSet(out)
        for number, day in enumerate(days):
            report(number / len(days), f"{day.layer}, {day.date}, {day.width_label}")
            for name, table in tables_of(day.layer, history.numbers(day), atlas).items():
                data_set.add(name, day, table)
        for layer, date in dict.fromkeys((day.layer, day.date) for day in days):
            short, whole = Day(layer, date, shortest), Day(layer, date, DAY_MS)
            zones, of_day, flows = (
                data_set.table(name, day) for name, day in (("zones", short), ("zones", whole), ("pairs", whole))
            )
            if (table := occupancy_of(layer, zones, of_day, flows, atlas)) is not None:
                data_set.put("occupancy", short, table)
        return out.complete()


class _DataSet:
    """The partitions as they will be: those that were written in this run, else those of the folder."""

    def __init__(self, out: OutFolder) -> None:
        self._out = out
        self._written: set[Path] = set()

    def add(self, name: str, day: Day, table: pa.Table) -> None:
        """Write a partition, with the rows that it has already."""
        before = self._read(name, self._out.folder / _path(name, day))
        self.put(name, day, joined(name, [table] if before is None else [table, before]))

    def put(self, name: str, day: Day, table: pa.Table) -> None:
        """Write a partition."""
        path = _path(name, day)
        try:
            pq.write_table(table, self._out.path(path), compression="zstd")
        except OSError as error:
            raise self._out.unwritable(error) from error
        self._written.add(path)

    def table(self, name: str, day: Day) -> pa.Table | None:
        """A partition as it will be, or None."""
        path = _path(name, day)
        return self._read(name, self._out.pending(path) if path in self._written else self._out.folder / path)

    def _read(self, name: str, path: Path) -> pa.Table | None:
        if not path.exists():
            return None
        try:
            # by its file, so that the names of the folders above do not become columns
            with pq.ParquetFile(path) as file:
                table = file.read()
        except (pa.ArrowInvalid, OSError) as error:
            raise FouleError(f"{path}: cannot be read ({error}); remove it, or give another --out") from error
        if not table.schema.equals(SCHEMAS[name]):
            raise FouleError(
                f"{path}: has other columns than this version of foule writes; give another --out, or remove the file "
                "if Kafka still has all of that day"
            )
        return table


def _path(name: str, day: Day) -> Path:
    return Path(name, f"layer={day.layer}", f"width={day.width_label}", f"date={day.date.isoformat()}", FILE)
