"""How long people stay, where they spend the night, and who they are on a day."""

from __future__ import annotations

from indicators.definitions.definition import (
    A_DAY,
    ABOUT,
    ALWAYS_OTHER,
    AN_HOUR,
    CLOCK,
    Definition,
    Example,
    Release,
    Segments,
    Windows,
    zone_record,
)

_NIGHT = ("indicators.night_from", "indicators.night_until", "indicators.night_stay")
_STAYS: dict[str, Example] = {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h+": 31}
_KINDS: dict[str, Example] = {"resident": 610, "tourist": 240, "visitor": 180, "other": 205}

DEFINITIONS = (
    Definition(
        name="dwell",
        title="length of stay",
        unit="devices by length of stay",
        segments=Segments.LENGTH,
        windows=Windows.DWELL,
        release=Release.MERGED,
        switches=("indicators.dwell",),
        shaped_by=(*CLOCK, "indicators.dwell_edges"),
        meaning="The devices that ended a visit in the zone within the window, by a move or in silence, by the longest"
        " of these visits, from its first event to its last. A visit that the end of the epoch cuts is none of them."
        " Median and quartiles follow from the released histogram alone.",
        formula="bins of max(last - first); the quantile q lies where a share q of the released devices is below,"
        " each run taken as evenly filled: low + (high - low) * (q * total - below) / people of the run",
        source="The grouped-data quantile: Kenney and Keeping, Mathematics of Statistics, part 1, 3rd edition, 1962,"
        " chapter 3. Flux Vision tells lengths of presence by periods of two hours.",
        key="foule:{LAYER}:dwell:WIDTH:START",
        value={"people": _STAYS, "quartiles": [546, 1187, 2348]},
        record=zone_record("dwell", AN_HOUR, people=_STAYS, quartiles=[546, 1187, 2348]),
        reading="Half of those who ended a stay had stayed for less than 1,187 seconds, some 20 minutes, as far as the"
        " network saw them: from the first event to the last, which is less than the true stay. A quartile in the"
        " last, open run is null.",
    ),
    Definition(
        name="nights",
        title="nights",
        unit="nights",
        windows=Windows.DAY,
        release=Release.THRESHOLD,
        switches=("indicators.nights",),
        shaped_by=(*CLOCK, *_NIGHT),
        meaning="Devices that spent the night there: of all zones, outside included, the one in which a device stayed"
        " longest between indicators.night_from and indicators.night_until, of several the first of the layer, if"
        " that is at least indicators.night_stay. A stay lasts as long as presence counts it.",
        formula="number of distinct devices whose longest stay in the night of the local day was in the zone",
        source="Eurostat's multimno takes the longest stay of the night for an overnight stay; Flux Vision publishes"
        " nuitees.",
        key="foule:{LAYER}:WIDTH:START",
        value={"people": 5210, "nights": 620},
        topic="topics.presence",
        record={"layer": "communes", "zone": "17094", **A_DAY, "people": 5210, "nights": 620, **ABOUT},
        reading="620 nights, one a device and day. It is the field `nights` of windows of a day. Phones that are off"
        " or silent at night are missing, so it is low rather than high.",
    ),
    Definition(
        name="categories",
        title="visitor categories",
        unit="devices by category",
        segments=Segments.CATEGORY,
        windows=Windows.DAY,
        release=Release.POOLED,
        switches=("indicators.categories",),
        shaped_by=(
            *CLOCK,
            *_NIGHT,
            "indicators.visit_stay",
            "indicators.habitual_days",
            "origins.home_mcc",
            "origins.areas",
        ),
        meaning="The devices that were present in the zone that day, each as the first that holds: resident (its home"
        " area is that of the zone), habitual (it was there on at least indicators.habitual_days earlier days of the"
        " epoch), tourist (it spends the night there), visitor (its stays of the day add up to"
        " indicators.visit_stay), transit.",
        formula="the devices of presence of the day, each in one category",
        source="Flux Vision tells apart resident, habituellement present, touriste, excursionniste and transit;"
        " tourists and same-day visitors as in the International Recommendations for Tourism Statistics 2008 of the"
        " United Nations.",
        key="foule:{LAYER}:categories:WIDTH:START",
        value={"people": _KINDS},
        record=zone_record("categories", A_DAY, people=_KINDS),
        reading="Of the day's people 240 sleep there and live elsewhere. A category that is not there is in other."
        f" {ALWAYS_OTHER} Whoever's origin is unknown is never a resident; an epoch of one day has nobody habitual.",
    ),
)
