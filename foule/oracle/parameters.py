"""The settings on which a count depends, as the oracle needs them; durations and instants in milliseconds."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import NamedTuple

from config.settings import Settings

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_TABLES = Path(__file__).parents[2] / "indicators" / "data"


class Fields(NamedTuple):
    """The JSON name of each field of an event."""

    ts: str = "ts"
    subscriber: str = "subscriber"
    cell: str = "cell"
    lat: str = "lat"
    lon: str = "lon"
    mcc: str = "mcc"
    home: str = "home"
    rat: str = "rat"
    tac: str = "tac"


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What decides, besides the records, the advances and the zones, every count.

    ``shuffle``: a device's events may be in any partition; each is late by the watermark of its own. ``machine_tacs``
    and ``machine_networks``: whose events are not of people. ``dwell`` and ``origins``: the widths in which they are
    counted; ``countries``: by country code of a network (MCC), ISO 3166 alpha-2; ``areas``: the codes of the home areas
    that are told apart.
    """

    zone: str = "Europe/Paris"
    day_start: time = time(4)
    lateness: int = 2 * MINUTE
    linger: int = 30 * MINUTE
    widths: tuple[int, ...] = (5 * MINUTE, HOUR, DAY)
    epoch_days: int = 1
    epoch_start: date = date(2014, 1, 1)
    max_skew: int = 5 * MINUTE
    not_before: int | None = None
    not_after: int | None = None
    shuffle: bool = False
    fields: Fields = field(default_factory=Fields)
    machine_tacs: Collection[str] = frozenset()
    machine_networks: tuple[str, ...] = ()
    home_mcc: tuple[str, ...] = ("208",)
    countries: Mapping[str, str] = field(default_factory=dict)
    areas: Collection[str] = frozenset()
    dwell: tuple[int, ...] = ()
    dwell_edges: tuple[int, ...] = (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
    origins: tuple[int, ...] = ()
    nights: bool = False
    night_from: time = time(20)
    night_until: time = time(4)
    night_stay: int = HOUR
    categories: bool = False
    visit_stay: int = 2 * HOUR
    habitual_days: int = 4
    catchment: bool = False
    trips: bool = False
    trip_stay: int = 20 * MINUTE
    recurrence: bool = False
    sojourns: bool = False
    usual: bool = False
    usual_nights: int = 3

    @classmethod
    def of(cls, settings: Settings) -> "Parameters":
        """The same values, taken from the settings of the application and the files that they name.

        The tables of countries and areas are read only if something is counted by origin, and are empty otherwise.
        """
        events, clock, wanted = settings.events, settings.time, settings.indicators
        by_origin = bool(wanted.origins) or wanted.categories
        areas = settings.origins.areas or _TABLES / "departements.csv"
        return cls(
            zone=clock.zone,
            day_start=time.fromisoformat(clock.day_start),
            lateness=int(clock.lateness),
            linger=int(clock.linger),
            widths=tuple(int(width) for width in clock.windows),
            epoch_days=clock.epoch_days,
            epoch_start=clock.epoch_start,
            max_skew=int(events.max_skew),
            not_before=None if events.not_before is None else int(events.not_before),
            not_after=None if events.not_after is None else int(events.not_after),
            shuffle=events.shuffle,
            fields=Fields(*(getattr(events, role) for role in Fields._fields)),
            machine_tacs=frozenset() if events.machine_tacs is None else _tacs(events.machine_tacs),
            machine_networks=events.machine_networks,
            home_mcc=settings.origins.home_mcc,
            countries=_countries(_TABLES / "countries.csv") if by_origin else {},
            areas=frozenset(row["code"].strip() for row in _rows(areas)) if by_origin else frozenset(),
            dwell=tuple(int(width) for width in wanted.dwell),
            dwell_edges=tuple(int(edge) for edge in wanted.dwell_edges),
            origins=tuple(int(width) for width in wanted.origins),
            nights=wanted.nights,
            night_from=time.fromisoformat(wanted.night_from),
            night_until=time.fromisoformat(wanted.night_until),
            night_stay=int(wanted.night_stay),
            categories=wanted.categories,
            visit_stay=int(wanted.visit_stay),
            habitual_days=wanted.habitual_days,
            catchment=wanted.catchment,
            trips=wanted.trips,
            trip_stay=int(wanted.trip_stay),
            recurrence=wanted.recurrence,
            sojourns=wanted.sojourns,
            usual=wanted.usual,
            usual_nights=wanted.usual_nights,
        )


def _tacs(path: Path) -> frozenset[str]:
    """The type allocation codes of a file with one a line; behind a # is a comment."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.partition("#")[0].strip() for line in lines) - {""}


def _countries(path: Path) -> dict[str, str]:
    """The country of each MCC, from a CSV with a row for each country and its MCCs between spaces."""
    return {mcc: row["code"] for row in _rows(path) for mcc in row["mcc"].split()}


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV with a header."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))
