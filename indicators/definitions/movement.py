"""Who is in a zone, comes, goes, and from where to where."""

from __future__ import annotations

from indicators.definitions.definition import (
    A_DAY,
    ABOUT,
    ALWAYS_OTHER,
    AN_HOUR,
    CLOCK,
    FIVE_MINUTES,
    Definition,
    Example,
    Of,
    Release,
    Segments,
    Windows,
    pair_record,
    zone_record,
)

_HASH = "foule:{LAYER}:WIDTH:START"
_PRESENCE = "topics.presence"
#: What stands beside the people of a zone in the examples.
_OTHERS: dict[str, dict[str, Example]] = {
    "arrivals": {"arrivals": 310},
    "departures": {"arrivals": 310, "departures": 275},
    "appeared": {"arrivals": 310, "departures": 275, "appeared": 40},
    "vanished": {"arrivals": 310, "departures": 275, "appeared": 40, "vanished": 52},
}


def _of_zone(name: str, title: str, meaning: str, formula: str, source: str, reading: str) -> Definition:
    """An indicator that is a field of a zone's numbers."""
    field = "people" if name == "presence" else name
    numbers = dict[str, Example](people=1240) | _OTHERS.get(name, {})
    return Definition(
        name=name,
        title=title,
        unit="devices",
        windows=Windows.EVERY,
        release=Release.THRESHOLD,
        shaped_by=CLOCK,
        meaning=meaning,
        formula=formula,
        source=source,
        key=_HASH,
        value=numbers,
        topic=_PRESENCE,
        record={"layer": "communes", "zone": "17094", **FIVE_MINUTES, **numbers, **ABOUT},
        reading=f"{reading} It is the field `{field}`.",
    )


_VISITS = "Visits as docs/indicators.md defines them: one ends with the first event in another zone, or in silence."

DEFINITIONS = (
    _of_zone(
        "presence",
        "people present",
        "Devices that were in the zone at some moment of the window. A device counts until it is seen elsewhere, or"
        " until time.linger after its last event.",
        "number of distinct devices with a visit that begins before the window's end and ends at its start or later",
        "Active devices as the measure of those present: Deville et al., Dynamic population mapping using mobile phone"
        " data, PNAS 111, 2014.",
        "1,240 is 1,235 to 1,245 devices. Who was there in two windows is one device in a window that holds both.",
    ),
    _of_zone(
        "arrivals",
        "arrivals",
        "Devices that came from another zone of the layer, or from outside.",
        "number of distinct devices with a move into the zone in the window",
        _VISITS,
        "A device that came three times in the window counts once. Who appears there did not arrive.",
    ),
    _of_zone(
        "departures",
        "departures",
        "Devices that went to another zone of the layer, or outside.",
        "number of distinct devices with a move out of the zone in the window",
        _VISITS,
        "Arrivals less departures are not the change of the people present: devices appear and vanish, too.",
    ),
    _of_zone(
        "appeared",
        "devices that appeared",
        "Devices that were first seen there: their first event of the epoch, or the first after silence.",
        "number of distinct devices with a visit in the zone that begins in the window and did not begin with a move",
        _VISITS,
        "High in the first hours of an epoch, when everybody is seen for the first time.",
    ),
    _of_zone(
        "vanished",
        "devices that vanished",
        "Devices that fell silent there: time.linger went by after their last event.",
        "number of distinct devices with a visit in the zone that ended in silence in the window",
        _VISITS,
        "They may still be there. The end of an epoch makes nobody vanish.",
    ),
    Definition(
        name="flows",
        title="flows",
        unit="devices",
        of=Of.PAIR,
        windows=Windows.EVERY,
        release=Release.THRESHOLD,
        shaped_by=CLOCK,
        meaning="Devices that went from the one zone to the other; either may be outside.",
        formula="number of distinct devices with a move from the one zone to the other in the window",
        source="The origin-destination matrix of moves between consecutive locations, such as FlowKit's"
        " consecutive_trips_od_matrix.",
        key="foule:{LAYER}:flows:WIDTH:START",
        field="FROM>TO",
        value=184,
        topic="topics.flows",
        record={"layer": "communes", "from": "17300", "to": "17094", **AN_HOUR, "people": 184, **ABOUT},
        reading="184 devices made this step, whatever came before and after it. A walk over a third zone is two steps;"
        " trips join them.",
    ),
    Definition(
        name="trips",
        title="trips between stops",
        unit="devices",
        of=Of.PAIR,
        windows=Windows.DAY,
        release=Release.THRESHOLD,
        switches=("indicators.trips",),
        shaped_by=(*CLOCK, "indicators.trip_stay"),
        meaning="Devices that stopped in the one zone and next in the other. A stop is a visit of at least"
        " indicators.trip_stay from its first event to its last; passing through a zone is none. A trip counts on the"
        " local day on which its second stop is found to be one: when that visit ends, or at the day's end.",
        formula="number of distinct devices with two stops in a row, last - first >= indicators.trip_stay, in the two"
        " zones; km is the great circle distance of the zones' centres",
        source="Spain's ministry of transport (MITMA, Estudios de movilidad con Big Data) takes stays of 20 minutes as"
        " the ends of trips.",
        key="foule:{LAYER}:trips:WIDTH:START",
        field="FROM>TO",
        value=96,
        record=pair_record("trips", A_DAY, people=96, km=12.4),
        reading="96 devices made this trip at least once that day. Who commutes is in both directions. km is missing"
        " where a zone has no centre, such as outside.",
    ),
    Definition(
        name="catchment",
        title="catchment",
        unit="devices by zone in which their day began",
        segments=Segments.ZONE,
        windows=Windows.DAY,
        release=Release.POOLED,
        switches=("indicators.catchment",),
        shaped_by=CLOCK,
        meaning="The devices that were present in the zone that day, by the zone in which their day began: that of the"
        " visit that was open when the day began, else of their first event of the day.",
        formula="number of distinct devices present in the zone by their first zone of the day, outside included",
        source="The catchment area of a place as transport planners draw it, by where a day's trips begin.",
        key="foule:{LAYER}:catchment:WIDTH:START",
        value={"people": {"17094": 310, "17300": 120, "other": 45}},
        record=zone_record("catchment", A_DAY, people={"17094": 310, "17300": 120, "other": 45}),
        reading="Of those who were in 17094 that day, 120 began their day in 17300. other holds those who began it in"
        f" zones from which too few came. {ALWAYS_OTHER}",
    ),
)
