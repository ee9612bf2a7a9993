"""The cell catalogue: the cells of the network, each with its position, its zones by column, or both."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.errors import ZonesError
from config.sections import LayerSettings, ZonesSettings
from zones import centres
from zones.files import refuse
from zones.layers import Layer, id_problem
from zones.table import FIRST_ROW, Table, Template
from zones.wgs84 import advice, off_globe


class ColumnLayer(NamedTuple):
    """A layer whose zones are the values of a column: ``zone`` (n_cells,) int32, the zone of each cell."""

    layer: Layer
    zone: NDArray[np.int32]


class Catalogue(NamedTuple):
    """The distinct cells, in the order of their first rows.

    ``lat`` and ``lon`` are (n_cells,) degrees, empty where no layer needs them. ``layers`` has the layers
    that come from a column, by name.
    """

    cells: tuple[str, ...]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    layers: dict[str, ColumnLayer]
    report: tuple[str, ...]


class _Rows(NamedTuple):
    """Which cell a row is about: ``cells`` distinct ids, ``code`` (n_rows,), ``first`` row of each cell."""

    path: Path
    cells: list[str]
    code: NDArray[np.int64]
    first: NDArray[np.int64]

    def agree(self, values: NDArray[np.generic], name: str) -> None:
        """Raises ZonesError if two rows about one cell have different ``values`` (n_rows,)."""
        differs = np.flatnonzero(values != values[self.first[self.code]])
        if differs.size:
            row = int(differs[0])
            first = int(self.first[self.code[row]])
            raise ZonesError(
                f"{self.path}: rows {first + FIRST_ROW} and {row + FIRST_ROW} are about one cell and differ "
                f'in "{name}" ({differs.size} rows differ from the first of their cell); rows about one cell '
                "must say the same: correct them, or add the column that tells the cells apart to the "
                "setting `cell`"
            )


def read(path: Path, settings: ZonesSettings) -> Catalogue:
    """Reads the CSV at ``path``; its columns are those that the settings of zones and layers name.

    ``lat`` and ``lon`` are needed only where a layer comes from a file. Elsewhere they are read for the centres of
    zones, if they are there: a value that is no position is no error then. Rows that say the same of a cell count once.
    Raises ZonesError for missing columns, empty values, positions off the globe and rows that contradict each other.
    """
    cell, lat, lon = Template(settings.cell), Template(settings.lat), Template(settings.lon)
    by_column = [(layer, Template(layer.column)) for layer in settings.layers if layer.column is not None]
    positioned = len(by_column) < len(settings.layers)
    needed = [cell, lat, lon] if positioned else [cell]
    templates = needed + [template for _, template in by_column]
    table = Table(path, settings.delimiter, _columns(templates), optional=_columns([lat, lon]))
    _refuse_empty(table, needed)
    rows = _rows(table, cell)
    at_lat = at_lon = np.empty(0)
    if positioned:
        at_lat, at_lon = (values[rows.first] for values in _positions(table, rows, lat, lon))
    found = (at_lat, at_lon) if positioned else _positions_if_there(table, rows, lat, lon)
    layers = {layer.name: _column_layer(table, rows, layer, template, found) for layer, template in by_column}
    counted = f"{path}: {len(rows.cells)} cells from {len(table)} rows"
    return Catalogue(tuple(rows.cells), at_lat, at_lon, layers, (counted,))


def _columns(templates: Sequence[Template]) -> list[str]:
    return [column for template in templates for column in template.columns]


def _refuse_empty(table: Table, templates: Sequence[Template]) -> None:
    problems = []
    for name in dict.fromkeys(column for template in templates for column in template.columns):
        empty = np.flatnonzero(table.empty(name))
        if empty.size:
            problems.append(
                f'{table.path}: row {empty[0] + FIRST_ROW}: the column "{name}" is empty, as in {empty.size} '
                f"of {len(table)} rows; every cell needs a value: fill it in or take the row out"
            )
    refuse(problems)


def _rows(table: Table, cell: Template) -> _Rows:
    # The codes of a dictionary count up in the order of first appearance.
    encoded = pc.dictionary_encode(cell.render(table))
    code = np.asarray(encoded.indices, dtype=np.int64)
    _, first = np.unique(code, return_index=True)
    return _Rows(table.path, encoded.dictionary.to_pylist(), code, first.astype(np.int64))


def _positions(
    table: Table, rows: _Rows, lat: Template, lon: Template
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at_lat, at_lon = table.numbers(lat), table.numbers(lon)
    problems = [
        f'{table.path}: row {bad[0] + FIRST_ROW}: the column "{template.text}" is not a number, as in '
        f"{bad.size} of {len(table)} rows; degrees with a decimal point, such as 46.0751, are expected"
        for template, values in ((lat, at_lat), (lon, at_lon))
        if (bad := np.flatnonzero(np.isnan(values))).size
    ]
    off = np.flatnonzero(off_globe(at_lon, at_lat) & ~np.isnan(at_lon) & ~np.isnan(at_lat))
    if off.size:
        x, y = float(at_lon[off[0]]), float(at_lat[off[0]])
        problems.insert(
            0,
            f'{table.path}: row {off[0] + FIRST_ROW}: "{lon.text}" {x:.12g} and "{lat.text}" {y:.12g} are '
            f"not on the globe, as in {off.size} of {len(table)} rows; {advice(x, y)}",
        )
    refuse(problems)
    rows.agree(at_lat, lat.text)
    rows.agree(at_lon, lon.text)
    return at_lat, at_lon


def _positions_if_there(
    table: Table, rows: _Rows, lat: Template, lon: Template
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The positions of the cells, (n_cells,) each, NaN for those that have none on the globe."""
    if not all(table.has(column) for column in _columns([lat, lon])):
        nowhere = np.full(len(rows.cells), np.nan)
        return nowhere, nowhere
    at_lat, at_lon = (table.numbers(template)[rows.first] for template in (lat, lon))
    off = off_globe(at_lon, at_lat)
    return np.where(off, np.nan, at_lat), np.where(off, np.nan, at_lon)


def _column_layer(
    table: Table,
    rows: _Rows,
    settings: LayerSettings,
    template: Template,
    positions: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> ColumnLayer:
    """The zones are the distinct values, sorted; a cell without a value is outside."""
    empty = np.stack([table.empty(column) for column in template.columns])
    outside = empty.all(axis=0)
    partly = np.flatnonzero(empty.any(axis=0) & ~outside)
    if partly.size:
        raise ZonesError(
            f'{table.path}: row {partly[0] + FIRST_ROW}: of the columns of "{template.text}" (layer '
            f"{settings.name}) some are empty; fill in all of them, or none for a cell that is outside"
        )
    values = pc.if_else(pa.array(outside), "", template.render(table)).dictionary_encode()
    known: list[str] = values.dictionary.to_pylist()
    ids = sorted(set(known) - {""})
    index = {zone_id: at for at, zone_id in enumerate(ids)}
    zone_of_value = np.array([index.get(value, len(ids)) for value in known], dtype=np.int32)
    zone = zone_of_value[np.asarray(values.indices, dtype=np.int64)]
    refuse([f"{table.path}: layer {settings.name}: {problem}" for one in ids if (problem := id_problem(one))])
    if not ids:
        raise ZonesError(
            f'{table.path}: the column "{template.text}" of layer {settings.name} is empty in every row; '
            "at least one zone is expected"
        )
    rows.agree(zone, template.text)
    zone = zone[rows.first]
    middles = centres.as_centres(centres.of_cells(*positions, zone, len(ids)))
    return ColumnLayer(Layer(settings.name, tuple(ids), tuple(ids), (None,) * len(ids), centres=middles), zone)
