"""What follows from released numbers alone."""

from __future__ import annotations

from indicators.definitions.definition import (
    ABOUT,
    AN_HOUR,
    CLOCK,
    Definition,
    Example,
    Of,
    Release,
    Windows,
    pair_record,
)

_CURVE: dict[str, Example] = {
    "peak": 1890,
    "peak_start": 1_403_965_800_000,
    "sum": 298_100,
    "windows": 288,
    "mean": 1035.1,
    "turnover": 5.03,
}
_PEOPLE: dict[str, Example] = {"people": 1240, "estimate": {"people": [3100, 2965, 3235]}}

DEFINITIONS = (
    Definition(
        name="occupancy",
        title="peak and turnover of a day",
        unit="devices; turnover: a ratio",
        windows=Windows.DAY,
        release=Release.DERIVED,
        switches=("indicators.occupancy",),
        shaped_by=CLOCK,
        meaning="The curve of the people of a zone over a local day, in its shortest windows: its peak and when that"
        " began, its mean, of how many published windows, and the turnover, how often the crowd was another one.",
        formula="peak = max(people), mean = sum(people) / windows, of the published shortest windows; turnover ="
        " people of the day / mean; sum is that of the people of these windows",
        source="The occupancy and turnover of a place as in the planning of events and parking: visitors of the day"
        " by mean occupancy.",
        key="foule:{LAYER}:occupancy:1d:START",
        value=_CURVE,
        topic=None,
        record=None,
        reading="At the peak, in the window that begins at peak_start, 1,890 were there; over the day five times as"
        " many as on the average. Where quiet windows are not published (fewer than 288), the mean is too high and"
        " the turnover too low. The turnover comes when the day is over. For several days add up sum and windows.",
    ),
    Definition(
        name="top_flows",
        title="largest flows",
        unit="devices",
        of=Of.PAIR,
        windows=Windows.EVERY,
        release=Release.DERIVED,
        shaped_by=CLOCK,
        meaning="The published flows of a window, the largest first.",
        formula="flows sorted by people, descending, equal ones by name",
        source="A ranking of the origin-destination matrix.",
        key="foule:{LAYER}:flows:WIDTH:START",
        field="FROM>TO",
        value=184,
        topic="topics.flows",
        record={key: value for key, value in pair_record("", AN_HOUR, people=184).items() if key != "indicator"},
        reading="Ranks of flows that differ by less than 10 mean nothing. Sort what is in the hash of flows: there is"
        " no key of its own.",
    ),
    Definition(
        name="flows_through",
        title="flows in and out",
        unit="devices, once for each flow",
        windows=Windows.EVERY,
        release=Release.DERIVED,
        shaped_by=CLOCK,
        meaning="The sums of the published flows into a zone and out of it.",
        formula="arriving = sum of people over the flows to the zone, leaving = over those from it",
        source="The margins of the origin-destination matrix, such as FlowKit's inflows and outflows.",
        key="foule:{LAYER}:flows:WIDTH:START",
        field="FROM>TO",
        value=184,
        topic="topics.flows",
        record={key: value for key, value in pair_record("", AN_HOUR, people=184).items() if key != "indicator"},
        reading="Lower than arrivals where small flows are not published, higher where devices went two ways: take"
        " arrivals and departures for the total. Add up what is in the hash of flows: there is no key of its own.",
    ),
    Definition(
        name="extrapolation",
        title="people",
        unit="people",
        windows=Windows.EVERY,
        release=Release.DERIVED,
        switches=("people.shares",),
        shaped_by=("people.confidence", "privacy.noise"),
        meaning="An estimate of the people of whom a released number of devices is, by the operator's share of the"
        " market, and the interval that holds the true number with the probability people.confidence.",
        formula="people = n / s; variance = (n (1 - s) + B (B + 1) / 3) / s^2; interval = people +- z sqrt(variance),"
        " with n devices released, s the share, B = privacy.noise",
        source="Horvitz and Thompson, A generalization of sampling without replacement from a finite universe, JASA"
        " 47, 1952.",
        key="foule:{LAYER}:WIDTH:START",
        value=_PEOPLE,
        topic="topics.presence",
        record={"layer": "communes", "zone": "17094", **AN_HOUR, **_PEOPLE, **ABOUT},
        reading="1,240 devices at a share of 40 % are some 3,100 people, and between 2,965 and 3,235 with 95 %, if"
        " the share is right and customers are as others are: the interval knows of neither. It is the field"
        " `estimate` of the numbers of zones, of segments and, in Kafka, of flows and trips.",
    ),
)
