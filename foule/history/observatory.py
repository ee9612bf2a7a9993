"""Numbers of local days in the columns that French tourism observatories know: a CSV a family and day."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from config.errors import FouleError
from foule.history.atlas import Atlas
from foule.history.files import OutFolder
from foule.history.history import Day, History
from foule.history.values import PRESENCE, Number
from foule.progress import Report
from indicators.calendar import DAY_MS
from indicators.occupancy import occupancy

#: All of them, whatever their provenance, category, departement or country: not told apart in this line.
ALL: Final = "TOUTES"
#: A pool of what has no line of its own.
OTHERS: Final = "AUTRES"
UNKNOWN: Final = "INCONNUE"

_LOCAL, _NATIONAL, _FOREIGN = "LOCAL", "NONLOCAL", "ETRANGER"
_RESIDENT, _TOURIST = "Resident", "Touriste"
_CATEGORIES: Final = {
    "resident": _RESIDENT,
    "habitual": "Habituellement present",
    "tourist": _TOURIST,
    "visitor": "Excursionniste",
    "transit": "Transit",
    "other": OTHERS,
}

_WHO: Final = ("Date", "ZoneObservation", "Provenance", "CategorieVisiteur")
_FROM: Final = ("NomDepartement", "Pays", "CodePays")
#: The columns of each family of files.
COLUMNS: Final = {
    "Diurne": (*_WHO, "Volume"),
    "Diurne_Categorie": (*_WHO, "Volume"),
    "Diurne_Provenance": (*_WHO, *_FROM, "Volume"),
    "Nuitee": (*_WHO, "Volume"),
    "Nuitee_Provenance": (*_WHO, *_FROM, "Volume"),
    "Occupation": ("Date", "ZoneObservation", "Pic", "HeurePic", "Moyenne", "Fenetres", "Rotation"),
}
_FAMILIES: Final = {
    PRESENCE: "Diurne",
    "categories": "Diurne_Categorie",
    "origins": "Diurne_Provenance",
    "nights": "Nuitee",
    "night_origins": "Nuitee_Provenance",
}

_Row = Sequence[str | int]


class Origin(NamedTuple):
    """A segment of origins as the columns Provenance, NomDepartement, Pays and CodePays say it."""

    provenance: str
    departement: str
    country: str
    country_code: str = ""


def origin_of(segment: str, area: str | None, names: Mapping[str, str]) -> Origin:
    """``segment``: a segment of origins of a zone of the home area ``area``; ``names``: of areas and of countries, by
    the segments ``national:AREA`` and ``foreign:COUNTRY``. Where a name is not known, its code stands for it."""
    kind, _, code = segment.partition(":")
    name = names.get(segment, code)
    if kind == "local":
        return Origin(_LOCAL, names.get(f"national:{area}", area or ""), "")
    if kind == "national":
        return Origin(_NATIONAL, name or OTHERS, "")
    if kind == "foreign":
        return Origin(_FOREIGN, "", name or OTHERS, code)
    return Origin(UNKNOWN if kind == "unknown" else OTHERS, "", "")


class Observatory:
    """Writes the files.

    ``names``: as for :func:`origin_of`; ``habitual``: whether an epoch has so many days that a device can be habitually
    present: who sleeps in a zone and is not local is then not surely a tourist.
    """

    def __init__(self, history: History, atlas: Atlas, names: Mapping[str, str], habitual: bool) -> None:
        self._history = history
        self._atlas = atlas
        self._names = names
        self._habitual = habitual

    def write(self, folder: Path, report: Report) -> list[str]:
        """Write ``LAYER/FAMILY_DATE.csv`` for each family and local day with a number; returns the names.

        Raises FouleError where the settings have no windows of a day, or the folder cannot be written.
        """
        calendar = self._history.calendar
        if DAY_MS not in calendar.widths:
            raise FouleError("--format observatoire is of local days, and time.windows has no 1d; add it")
        days = [day for day in self._history.days if day.width == DAY_MS]
        with OutFolder(folder) as out:
            for at, day in enumerate(days):
                report(at / len(days), f"{day.layer}, {day.date}")
                for family, rows in self._families(day).items():
                    name = Path(day.layer, f"{family}_{day.date.isoformat()}.csv")
                    out.write(name, _csv(COLUMNS[family], rows))
            return out.complete()

    def _families(self, day: Day) -> dict[str, list[_Row]]:
        """The rows of each family, sorted; a family without rows is left away."""
        numbers = self._history.numbers(day)
        found: dict[str, list[_Row]] = {}
        for number in numbers:
            if number.indicator in _FAMILIES:
                found.setdefault(_FAMILIES[number.indicator], []).append(self._row(day, number))
        if rows := self._occupancy(day, numbers):
            found["Occupation"] = rows
        return {family: sorted(rows, key=lambda row: [str(field) for field in row]) for family, rows in found.items()}

    def _row(self, day: Day, number: Number) -> _Row:
        (zone,) = number.cell
        where = (day.date.isoformat(), self._atlas.label(day.layer, zone))
        segment = number.segment or ""
        if number.indicator == "categories":
            # a pool of categories may hold residents, too
            provenance = _LOCAL if segment == "resident" else ALL
            return (*where, provenance, _CATEGORIES.get(segment, segment), number.volume)
        if number.indicator in ("origins", "night_origins"):
            origin = origin_of(segment, self._atlas.area(day.layer, zone), self._names)
            category = self._category(origin, of_nights=number.indicator == "night_origins")
            return (*where, origin.provenance, category, *origin[1:], number.volume)
        return (*where, ALL, ALL, number.volume)

    def _category(self, origin: Origin, of_nights: bool) -> str:
        """The category where the provenance decides it: a local is a resident; who slept there, is not local and cannot
        be habitually present is a tourist."""
        if origin.provenance == _LOCAL:
            return _RESIDENT
        certain = of_nights and not self._habitual and origin.provenance != OTHERS
        return _TOURIST if certain else ALL

    def _occupancy(self, day: Day, numbers: Iterable[Number]) -> list[_Row]:
        if not self._history.is_whole(self._history.calendar.day_start(day.date.toordinal())):
            return []
        shortest = day._replace(width=min(self._history.calendar.widths))
        people: dict[str, dict[int, int]] = {}
        for number in self._history.numbers(shortest):
            if number.indicator == PRESENCE:
                people.setdefault(number.cell[0], {})[number.start] = number.people
        of_day = {number.cell[0]: number.people for number in numbers if number.indicator == PRESENCE}
        rows: list[_Row] = []
        for zone, windows in people.items():
            found = occupancy(windows, of_day.get(zone))
            if found is None:
                continue
            at = datetime.fromtimestamp(found.peak_start / 1000, UTC).astimezone(self._history.calendar.zone)
            turnover = "" if found.turnover is None else f"{found.turnover:.2f}"
            where = (day.date.isoformat(), self._atlas.label(day.layer, zone))
            rows.append((*where, found.peak, f"{at:%H:%M}", f"{found.mean:.1f}", found.windows, turnover))
        return rows


def _csv(columns: Sequence[str], rows: Iterable[_Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
