"""The tables of the Parquet data set: their columns, and numbers as their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foule.history.atlas import Atlas
from foule.history.values import FLOWS, OF_PAIRS, PRESENCE, Number
from indicators.occupancy import flows_through, occupancy

_MOMENT: Final = pa.timestamp("ms", tz="UTC")
_WINDOW: Final = [pa.field("start", _MOMENT, nullable=False), pa.field("end", _MOMENT, nullable=False)]
_NUMBER: Final = [
    pa.field("segment", pa.string()),
    pa.field("people", pa.int64(), nullable=False),
    pa.field("people_estimate", pa.int64()),
    pa.field("low", pa.int64()),
    pa.field("high", pa.int64()),
    pa.field("coverage", pa.float64(), nullable=False),
    pa.field("version", pa.int64(), nullable=False),
]

#: Each table's columns; those of the partition (layer, width, date) are in its path.
SCHEMAS: Final = {
    "zones": pa.schema(
        [
            pa.field("indicator", pa.string(), nullable=False),
            pa.field("zone", pa.string(), nullable=False),
            pa.field("title", pa.string()),
            pa.field("origin", pa.string()),
            *_WINDOW,
            *_NUMBER,
        ]
    ),
    "pairs": pa.schema(
        [
            pa.field("indicator", pa.string(), nullable=False),
            pa.field("from", pa.string(), nullable=False),
            pa.field("to", pa.string(), nullable=False),
            pa.field("from_title", pa.string()),
            pa.field("to_title", pa.string()),
            pa.field("km", pa.float64()),
            *_WINDOW,
            *_NUMBER,
        ]
    ),
    "occupancy": pa.schema(
        [
            pa.field("zone", pa.string(), nullable=False),
            pa.field("title", pa.string()),
            pa.field("peak", pa.int64()),
            pa.field("peak_start", _MOMENT),
            pa.field("mean", pa.float64()),
            pa.field("windows", pa.int64(), nullable=False),
            pa.field("people", pa.int64()),
            pa.field("turnover", pa.float64()),
            pa.field("flows_in", pa.int64()),
            pa.field("flows_out", pa.int64()),
        ]
    ),
}

#: The columns of the people who were estimated of a number, and of the ends of their interval.
ESTIMATE: Final = ("people_estimate", "low", "high")

#: What makes two rows of a table the same number.
KEYS: Final = {
    "zones": ("indicator", "zone", "origin", "start", "end", "segment"),
    "pairs": ("indicator", "from", "to", "start", "end", "segment"),
}


def tables_of(layer: str, numbers: Iterable[Number], atlas: Atlas) -> dict[str, pa.Table]:
    """The rows of ``zones`` and of ``pairs``; a table without a row is left away."""
    of_zones: list[Number] = []
    of_pairs: list[Number] = []
    for number in numbers:
        (of_pairs if number.indicator in OF_PAIRS else of_zones).append(number)
    found = {}
    if of_zones:
        zones = [number.cell[0] for number in of_zones]
        own: dict[str, list[Any]] = {
            "zone": zones,
            "title": [atlas.title(layer, zone) for zone in zones],
            "origin": [number.cell[1] if len(number.cell) > 1 else None for number in of_zones],
        }
        found["zones"] = pa.Table.from_pydict(own | _shared(of_zones), SCHEMAS["zones"])
    if of_pairs:
        origins, destinations = ([number.cell[at] for number in of_pairs] for at in (0, 1))
        own = {
            "from": origins,
            "to": destinations,
            "from_title": [atlas.title(layer, zone) for zone in origins],
            "to_title": [atlas.title(layer, zone) for zone in destinations],
            "km": atlas.km(layer, list(zip(origins, destinations, strict=True))),
        }
        found["pairs"] = pa.Table.from_pydict(own | _shared(of_pairs), SCHEMAS["pairs"])
    return found


def _shared(numbers: Sequence[Number]) -> dict[str, list[Any]]:
    """The columns that both tables have, most by the names of a number's fields."""
    names = ("indicator", "segment", "start", "end", "people", "coverage", "version")
    columns: dict[str, list[Any]] = {name: [getattr(number, name) for number in numbers] for name in names}
    for at, name in enumerate(ESTIMATE):
        columns[name] = [None if number.estimate is None else number.estimate[at] for number in numbers]
    return columns


def joined(name: str, tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of tables of one kind, sorted by their keys; of rows with the same keys the one of the highest version,
    and of equal versions that of the first table."""
    keys = KEYS[name]
    both = pa.concat_tables(tables).combine_chunks()
    order = pc.sort_indices(both, [*((key, "ascending") for key in keys), ("version", "descending")])
    both = both.take(order)
    first = np.ones(both.num_rows, dtype=bool)
    if both.num_rows:
        first[1:] = False
    for key in keys:
        values = both.column(key).combine_chunks()
        if pa.types.is_string(values.type):
            # no name holds this character
            values = pc.fill_null(values, "\0")
        first[1:] |= np.asarray(pc.not_equal(values[1:], values[:-1]))
    return both.filter(pa.array(first))


def occupancy_of(
    layer: str, shortest: pa.Table | None, day: pa.Table | None, flows: pa.Table | None, atlas: Atlas
) -> pa.Table | None:
    """The table of occupancy of a local day: by ``zones`` of its shortest windows and of the day, and by ``pairs`` of
    the day; None where no zone has a number in any."""
    people: dict[str, dict[int, int]] = {}
    for zone, start, number in _rows(shortest, PRESENCE, "zone", "start", "people"):
        people.setdefault(zone, {})[start] = number
    of_day: dict[str, int] = dict(_rows(day, PRESENCE, "zone", "people"))
    through = flows_through({(one, to): number for one, to, number in _rows(flows, FLOWS, "from", "to", "people")})
    rows = []
    for zone in sorted({*people, *of_day}):
        found = occupancy(people.get(zone, {}), of_day.get(zone))
        moving = through.get(zone)
        rows.append(
            {
                "zone": zone,
                "title": atlas.title(layer, zone),
                "windows": 0,
                **({} if found is None else found._asdict()),
                "people": of_day.get(zone),
                "flows_in": moving and moving.arriving,
                "flows_out": moving and moving.leaving,
            }
        )
    return pa.Table.from_pylist(rows, SCHEMAS["occupancy"]) if rows else None


def _rows(table: pa.Table | None, indicator: str, *columns: str) -> Iterable[tuple[Any, ...]]:
    """The values of some columns, instants in UTC ms, of the rows of an indicator."""
    if table is None:
        return ()
    found = table.filter(pc.equal(table.column("indicator"), indicator)).select(columns)
    return zip(
        *(
            (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
            for column in found.columns
        ),
        strict=True,
    )
