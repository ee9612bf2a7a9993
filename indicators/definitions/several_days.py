"""What only epochs of several days tell."""

from __future__ import annotations

from indicators.definitions.definition import (
    A_DAY,
    ABOUT,
    CLOCK,
    Definition,
    Example,
    Release,
    Segments,
    Windows,
    zone_record,
)

_NIGHT = ("indicators.night_from", "indicators.night_until", "indicators.night_stay")
_TIMES: dict[str, Example] = {"1": 640, "2": 210, "3-7": 130, "8+": 45}
_ROW: dict[str, Example] = {"1": 300, "2-3": 190, "4+": 85}

DEFINITIONS = (
    Definition(
        name="recurrence",
        title="recurrence",
        unit="devices by number of days",
        segments=Segments.DAYS,
        windows=Windows.DAY,
        release=Release.MERGED,
        switches=("indicators.recurrence",),
        shaped_by=CLOCK,
        meaning="The devices that were present in the zone that day, by the number of local days of the epoch, up to"
        " this one, on which they were there.",
        formula="bins 1, 2, 3, 4-7, 8+ of the number of days with presence in the zone, this one included",
        source="How often people come: Flux Vision tells day visitors who come again apart (excursionniste recurrent).",
        key="foule:{LAYER}:recurrence:WIDTH:START",
        value={"people": _TIMES},
        record=zone_record("recurrence", A_DAY, people=_TIMES),
        reading="640 were there for the first time in this epoch, and on its first day everybody is. Compare days of"
        " the same place in the epoch only.",
    ),
    Definition(
        name="sojourns",
        title="nights in a row",
        unit="devices by number of nights",
        segments=Segments.DAYS,
        windows=Windows.DAY,
        release=Release.MERGED,
        switches=("indicators.sojourns",),
        shaped_by=(*CLOCK, *_NIGHT),
        meaning="The devices whose night zone it is, by the number of days in a row, up to this one, that it was.",
        formula="bins 1, 2, 3, 4-7, 8+ of the number of consecutive local days with the night in the zone",
        source="Flux Vision's SejourDuree; the length of a stay in nights as in the International Recommendations for"
        " Tourism Statistics 2008 of the United Nations.",
        key="foule:{LAYER}:sojourns:WIDTH:START",
        value={"people": _ROW},
        record=zone_record("sojourns", A_DAY, people=_ROW),
        reading="190 are in their second or third night. Stays that go on are counted on each day with their length"
        " so far: it is no distribution of whole stays.",
    ),
    Definition(
        name="usual",
        title="people who usually spend the night there",
        unit="devices",
        windows=Windows.DAY,
        release=Release.THRESHOLD,
        switches=("indicators.usual",),
        shaped_by=(*CLOCK, *_NIGHT, "indicators.usual_nights"),
        meaning="Devices that were anywhere in the layer, or outside, that day and whose usual zone it is: the one"
        " that was their night zone most often on the days of the epoch so far, of several the first of the layer,"
        " and at least indicators.usual_nights times.",
        formula="number of distinct devices seen that day by the zone with most of their nights in the epoch",
        source="The home location as the most frequent place of the night: FlowKit's modal_location; Eurostat's"
        " multimno labels homes over months.",
        key="foule:{LAYER}:WIDTH:START",
        value={"people": 5210, "nights": 620, "usual": 560},
        topic="topics.presence",
        record={"layer": "communes", "zone": "17094", **A_DAY, "people": 5210, "nights": 620, "usual": 560, **ABOUT},
        reading="560 of those seen that day, wherever they were, mostly sleep there. It is the field `usual` of"
        " windows of a day; nothing of it is there in the first days of an epoch.",
    ),
)
