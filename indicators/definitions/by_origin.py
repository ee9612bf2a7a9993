"""From where those are who are in a zone, come, go, move and stay."""

from __future__ import annotations

from indicators.definitions.definition import (
    A_DAY,
    ALWAYS_OTHER,
    AN_HOUR,
    CLOCK,
    Definition,
    Example,
    Of,
    Release,
    Segments,
    Windows,
    pair_record,
    zone_record,
)

_ORIGINS = ("indicators.origins",)
_SHAPED = (*CLOCK, "origins.home_mcc", "origins.areas")
_SOURCE = (
    "Flux Vision parts its volumes by departement and by country; the country is that of the SIM's MCC (ITU-T E.212),"
    " the home area what the operator knows of its customer."
)
_PEOPLE: dict[str, Example] = {"local": 610, "national:75": 220, "national": 140, "foreign:DE": 85, "other": 180}


def _moves(name: str, title: str, who: str, of: str, people: dict[str, Example]) -> Definition:
    """The devices of an indicator of a zone by origin."""
    return Definition(
        name=name,
        title=title,
        unit="devices by origin",
        segments=Segments.ORIGIN,
        windows=Windows.ORIGINS,
        release=Release.POOLED,
        switches=_ORIGINS,
        shaped_by=_SHAPED,
        meaning=f"{who}, by origin: foreign:COUNTRY by the SIM's country, national:AREA by the home area, local where"
        " that is the area of the zone, or unknown. The first event of an epoch decides.",
        formula=f"the devices of {of}, each in one segment",
        source=_SOURCE,
        key=f"foule:{{LAYER}}:{name}:WIDTH:START",
        value={"people": people},
        record=zone_record(name, AN_HOUR, people=people),
        reading="national and foreign are those of areas and countries of which too few were there, other all that are"
        f" left. {ALWAYS_OTHER} The segments do not add up to the total: each has an error of its own.",
    )


DEFINITIONS = (
    _moves("origins", "people present by origin", "The devices that are present", "presence", _PEOPLE),
    _moves(
        "arrival_origins", "arrivals by origin", "The devices that arrive", "arrivals", {"local": 190, "other": 120}
    ),
    _moves(
        "departure_origins",
        "departures by origin",
        "The devices that leave",
        "departures",
        {"local": 170, "other": 105},
    ),
    Definition(
        name="flow_origins",
        title="flows by origin",
        unit="devices by origin",
        of=Of.PAIR,
        segments=Segments.ORIGIN,
        windows=Windows.ORIGINS,
        release=Release.POOLED,
        switches=_ORIGINS,
        shaped_by=_SHAPED,
        meaning="The devices that go from the one zone to the other, by origin. Local are those whose home area is"
        " that of the zone to which they go.",
        formula="the devices of flows, each in one segment",
        source=_SOURCE,
        key="foule:{LAYER}:flow_origins:WIDTH:START",
        field="FROM>TO",
        value={"people": {"local": 96, "national": 41, "other": 46}},
        record=pair_record("flow_origins", AN_HOUR, people={"local": 96, "national": 41, "other": 46}),
        reading=f"Of those who went from 17300 to 17094, some 96 live where they went to. {ALWAYS_OTHER}",
    ),
    Definition(
        name="dwell_origins",
        title="length of stay by origin",
        unit="devices by length of stay",
        of=Of.ZONE_AND_ORIGIN,
        segments=Segments.LENGTH,
        windows=Windows.DWELL_AND_ORIGINS,
        release=Release.POOLED_THEN_MERGED,
        switches=("indicators.dwell", "indicators.origins"),
        shaped_by=(*_SHAPED, "indicators.dwell_edges"),
        meaning="The devices of dwell by origin, and those of each origin by the length of their stay.",
        formula="the devices of dwell, each in one origin and bin; quartiles as those of dwell",
        source=_SOURCE,
        key="foule:{LAYER}:dwell_origins:WIDTH:START",
        field="ZONE>ORIGIN",
        value={"people": {"0-30m": 60, "30m+": 40}, "quartiles": [750, 1500, None]},
        record=zone_record(
            "dwell_origins",
            {"origin": "local", **AN_HOUR},
            people={"0-30m": 60, "30m+": 40},
            quartiles=[750, 1500, None],
        ),
        reading="Runs of bins differ between origins: the fewer devices, the wider they are. An origin that is not"
        " there is not nobody.",
    ),
    Definition(
        name="night_origins",
        title="nights by origin",
        unit="nights by origin",
        segments=Segments.ORIGIN,
        windows=Windows.DAY_OF_ORIGINS,
        release=Release.POOLED,
        switches=("indicators.nights", "indicators.origins"),
        shaped_by=(*_SHAPED, "indicators.night_from", "indicators.night_until", "indicators.night_stay"),
        meaning="The devices whose night zone it is, by origin.",
        formula="the devices of nights, each in one segment",
        source=_SOURCE,
        key="foule:{LAYER}:night_origins:WIDTH:START",
        value={"people": {"local": 420, "national:75": 96, "foreign": 60, "other": 44}},
        record=zone_record(
            "night_origins", A_DAY, people={"local": 420, "national:75": 96, "foreign": 60, "other": 44}
        ),
        reading="Of the nights spent in 17094, some 96 were of people whose home area is 75. Local are nights at"
        f" home, or near it. {ALWAYS_OTHER}",
    ),
)
