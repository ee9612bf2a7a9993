"""Where a device is from, and what it is counted in by its origin."""

from collections.abc import Iterable, Iterator

from foule.oracle.events import is_imsi
from foule.oracle.parameters import Parameters
from foule.oracle.track import Mark, Zoning
from zones import OUTSIDE

LOCAL, UNKNOWN = "local", "unknown"

_BY_ORIGIN = {
    "presence": "origins",
    "arrivals": "arrival_origins",
    "departures": "departure_origins",
    "flows": "flow_origins",
    "dwell": "dwell_origins",
    "nights": "night_origins",
}


def origin_of(parameters: Parameters, subscriber: str, mcc: str | None, home: str | None) -> str:
    """The origin of a device by its first event of the epoch: "foreign:DE", "national:75" or "unknown".

    ``mcc`` is that of the event, or else what an IMSI begins with. A subscriber without either may be one of a home
    network.
    """
    if mcc is None and is_imsi(subscriber):
        mcc = subscriber[:3]
    if mcc is not None and mcc not in parameters.home_mcc:
        return f"foreign:{parameters.countries[mcc]}" if mcc in parameters.countries else UNKNOWN
    return f"national:{home}" if home is not None and home in parameters.areas else UNKNOWN


def origin_in(zoning: Zoning, origin: str, zone: str) -> str:
    """The same, as it is called in a zone: "local" where the zone's area is that of the device."""
    return LOCAL if zone in zoning.areas and origin == f"national:{zoning.areas[zone]}" else origin


def by_origin(zoning: Zoning, origin: str, marks: Iterable[Mark]) -> Iterator[Mark]:
    """What ``marks`` of a device of this origin are by origin: it is the second name of a zone's cell, before that of a
    bin, and the last of a pair's, where it is local to where the pair leads to. Outside is left out, but for pairs."""
    for window, indicator, cell in marks:
        if indicator not in _BY_ORIGIN:
            continue
        name = _BY_ORIGIN[indicator]
        if indicator == "flows":
            yield window, name, (*cell, origin_in(zoning, origin, cell[1]))
        else:
            zone, *rest = (cell,) if isinstance(cell, str) else cell
            if zone != OUTSIDE:
                yield window, name, (zone, origin_in(zoning, origin, zone), *rest)
