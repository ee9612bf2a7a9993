"""Trips and flows in the layout of the Spanish ministry of transport's mobility study: a file a day.

The columns, their order and codes are those of the files ``YYYYMMDD_Viajes_ZONES.csv.gz`` of the "Estudio de movilidad
con Big Data" from 2022 on (https://www.transportes.gob.es, its open data and methodological report; in English the
codebook of the R package spanishoddata, rOpenSpain).
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from config.errors import FouleError
from config.times import HOUR
from foule.history.atlas import Atlas
from foule.history.files import OutFolder
from foule.history.history import History
from foule.history.values import FLOWS, TRIPS, Number
from foule.progress import Report
from indicators.calendar import DAY_MS
from zones import OUTSIDE

COLUMNS: Final = (
    "fecha",
    "periodo",
    "origen",
    "destino",
    "distancia",
    "actividad_origen",
    "actividad_destino",
    "estudio_origen_posible",
    "estudio_destino_posible",
    "residencia",
    "renta",
    "edad",
    "sexo",
    "viajes",
    "viajes_km",
)
#: What the study writes where it does not know something.
UNKNOWN: Final = "NA"
EXTERNAL: Final = "externo"

#: The lower bounds of the bands, in km.
_BANDS: Final = ((50.0, ">50"), (10.0, "10-50"), (2.0, "2-10"), (0.5, "0.5-2"))


def band_of(km: float | None) -> str:
    """The band of a distance; NA for one that is not known, and for less than the 500 m from which the study counts."""
    if km is None:
        return UNKNOWN
    return next((name for least, name in _BANDS if km >= least), UNKNOWN)


def write_matrices(folder: Path, history: History, atlas: Atlas, hourly: bool, report: Report) -> list[str]:
    """Write ``LAYER/ficheros-diarios/YYYY-MM/YYYYMMDD_Viajes_LAYER.csv.gz`` for each day; returns the names.

    Of the trips of local days; ``hourly``: of the flows of windows of an hour, by calendar days, as the study has them.
    A day of which Kafka may have deleted something is not written. Raises FouleError where the settings have no such
    windows, or the folder cannot be written.
    """
    width, indicator = (HOUR, FLOWS) if hourly else (DAY_MS, TRIPS)
    if width not in history.calendar.widths:
        raise FouleError(
            "--hourly is of the flows of an hour, and time.windows has no 1h; add it, or leave --hourly away"
            if hourly
            else "--format mitma is of the trips of local days, and time.windows has no 1d; add it, or give --hourly"
        )
    days = [day for day in history.days if day.width == width]
    lines: dict[tuple[str, date], list[list[str]]] = {}
    with OutFolder(folder) as out:
        for at, day in enumerate(days):
            report(at / len(days), f"{day.layer}, {day.date}")
            numbers = [number for number in history.numbers(day) if number.indicator == indicator]
            for number, km in zip(numbers, atlas.km(day.layer, [_pair(number) for number in numbers]), strict=True):
                begin = datetime.fromtimestamp(number.start / 1000, UTC).astimezone(history.calendar.zone)
                of = begin.date() if hourly else day.date
                line = _line(of, f"{begin:%H}" if hourly else UNKNOWN, number, km)
                lines.setdefault((day.layer, of), []).append(line)
        for (layer, of), found in sorted(lines.items()):
            # a window of a day is there as a whole or not at all
            if not hourly or history.is_whole(_midnight(of, history)):
                out.write(_path(layer, of), _packed(found))
        return out.complete()


def _midnight(of: date, history: History) -> int:
    return int(datetime(of.year, of.month, of.day, tzinfo=history.calendar.zone).timestamp() * 1000)


def _pair(number: Number) -> tuple[str, str]:
    one, other = number.cell
    return one, other


def _line(of: date, period: str, number: Number, km: float | None) -> list[str]:
    origin, destination = (EXTERNAL if zone == OUTSIDE else zone for zone in number.cell)
    total = UNKNOWN if km is None else f"{number.volume * km:.3f}"
    # activities, residence, income, age and sex are not told apart
    unknown = [UNKNOWN] * 8
    return [f"{of:%Y%m%d}", period, origin, destination, band_of(km), *unknown, str(number.volume), total]


def _path(layer: str, of: date) -> Path:
    return Path(layer, "ficheros-diarios", f"{of:%Y-%m}", f"{of:%Y%m%d}_Viajes_{layer}.csv.gz")


def _packed(lines: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    # an id of a zone may hold the separator
    csv.writer(text, delimiter="|", lineterminator="\n").writerows([COLUMNS, *sorted(lines)])
    # without the time of packing, so that the same numbers give the same bytes
    return gzip.compress(text.getvalue().encode(), mtime=0)
