"""Small zones and catalogues, written as files."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from config.sections import LayerSettings, ZonesSettings

SHARED = Path(__file__).parents[3] / "shared" / "data"


def square(west: float, south: float, side: float = 1.0) -> dict[str, Any]:
    """A square Polygon."""
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(zone_id: object, geometry: object, **properties: object) -> dict[str, Any]:
    """A Feature with the property ``id``."""
    return {"type": "Feature", "properties": {"id": zone_id, **properties}, "geometry": geometry}


def write_zones(path: Path, *features: object, **members: object) -> Path:
    """Writes a FeatureCollection, packed with gzip where the name ends with ".gz"."""
    text = json.dumps({"type": "FeatureCollection", **members, "features": features}).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_cells(path: Path, *rows: str) -> Path:
    """Writes the lines of a catalogue, packed with gzip where the name ends with ".gz"."""
    text = "".join(row + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def by_file(path: Path, name: str = "towns", **settings: str) -> LayerSettings:
    """A layer from a GeoJSON file."""
    return LayerSettings(name=name, file=path, **settings)


def by_column(column: str, name: str = "towns") -> LayerSettings:
    """A layer from a column of the catalogue."""
    return LayerSettings(name=name, column=column)


def zones(*layers: LayerSettings, cells: Path | None = None, **settings: str) -> ZonesSettings:
    """The section [zones]; its zones may differ by a cell or two."""
    return ZonesSettings(cells=cells, layers=layers, min_difference=0, **settings)


def shared(name: str) -> Path:
    """A file of the shared real data; the test is skipped where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is absent")
    return path
