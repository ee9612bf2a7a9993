"""All indicators together: they part what they should, however events are cut into calls and whatever is copied."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from config.times import DAY, HOUR, MINUTE, SECOND
from indicators.cells import PARTED, SHAPES, Cells
from indicators.counts import FLOWS, ZONE_INDICATORS
from tests.indicators.told import DAY_START, LABELS, LINGER, ORIGINS, SPOTS, Seen, Story, at, plan, seen

ALL = plan(
    dwell=frozenset([HOUR, DAY]),
    by_origin=frozenset([HOUR, DAY]),
    nights=True,
    categories=True,
    catchment=True,
    trips=True,
    recurrence=True,
    sojourns=True,
    usual=True,
    usual_nights=1,
    habitual_days=1,
    epoch_days=2,
)
GAPS = [0, 1, SECOND, 10 * MINUTE, LINGER, LINGER + 1, HOUR, 5 * HOUR, 11 * HOUR]
VISIT = st.tuples(
    st.sampled_from([*SPOTS.ids, "outside"]),
    st.sampled_from(GAPS),
    st.integers(1, 3),
    st.sampled_from([0, 20 * MINUTE, LINGER]),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Visits of a few phones: short ones and stops, exactly after linger, in the night, around the end of a day."""
    events = list[Seen]()
    for phone in "ABC":
        ts = DAY_START + draw(st.sampled_from([0, 1, 16 * HOUR, DAY - LINGER]))
        for zone, gap, number, step in draw(st.lists(VISIT, max_size=6)):
            ts += gap
            events += [Seen(phone, ts + one * step, zone) for one in range(number)]
            ts += (number - 1) * step
    within = [event for event in events if event.ts < DAY_START + 2 * DAY]
    return Story(within, ALL, {phone: draw(st.sampled_from(LABELS)) for phone in "ABC"})


def shown(story: Story, cuts: list[int], copied_at: list[int]) -> list[object]:
    """All that is in the tallies, cells and sums of record keys included."""
    return [
        (
            tally.layer,
            tally.width,
            tally.start,
            {name: (counts.as_dict(), counts.keys.tolist()) for name, counts in tally.counts.items()},
        )
        for tally in story.tallies(cuts, copied_at)
    ]


INSTANTS = st.lists(
    st.builds(
        lambda minutes, off: DAY_START + minutes * MINUTE + off, st.integers(0, 48 * 60), st.sampled_from([0, -1])
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(stories(), INSTANTS, INSTANTS)
def test_neither_cuts_nor_snapshots_change_a_tally(story: Story, cuts: list[int], copied_at: list[int]) -> None:
    assert shown(story, cuts, copied_at) == shown(story, [], [])


def sums(cells: Cells, indicator: str, counts: dict[int, int]) -> Counter[tuple[str, ...]]:
    """Devices by zone, or pair of zones, whatever the segment."""
    found: Counter[tuple[str, ...]] = Counter()
    for cell, number in counts.items():
        names = cells.names(indicator, cell)
        ends = 2 if SHAPES[indicator].pairs else 1
        if names[:ends] != ("outside",):
            found[names[:ends]] += number
    return found


@settings(max_examples=60, deadline=None)
@given(stories())
def test_segments_part_the_devices_of_their_whole(story: Story) -> None:
    wholes = {
        "origins": "presence",
        "arrival_origins": "arrivals",
        "departure_origins": "departures",
        "flow_origins": FLOWS,
        "categories": "presence",
        "catchment": "presence",
        "recurrence": "presence",
        "night_origins": "nights",
        "sojourns": "nights",
        "dwell_origins": "dwell",
    }
    assert set(wholes) == {*PARTED} - {"dwell"}
    cells = Cells(SPOTS, ALL, ORIGINS)
    for tally in story.tallies():
        of = {name: sums(cells, name, counts.as_dict()) for name, counts in tally.counts.items()}
        for part, whole in wholes.items():
            if part in cells.counted(tally.width):
                assert of.get(part, Counter()) == of.get(whole, Counter()), part


@settings(max_examples=40, deadline=None)
@given(stories())
def test_the_other_counts_are_the_same_whatever_else_is_counted(story: Story) -> None:
    alone = story._replace(plan=plan(epoch_days=2)).tallies()
    together = story.tallies()
    names = {*ZONE_INDICATORS, FLOWS}
    assert [
        {name: counts.as_dict() for name, counts in tally.counts.items() if name in names} for tally in together
    ] == [{name: counts.as_dict() for name, counts in tally.counts.items()} for tally in alone]


def test_each_width_has_the_indicators_of_its_plan_and_no_other() -> None:
    events = [*seen("A", "22:00 beach", "22:30 port", "23:00 beach", "23:30 beach"), *seen("A", "2 0:00 port")]
    story = Story(events, ALL)
    assert set(story.counts(DAY, "4:00")) <= set(Cells(SPOTS, ALL, ORIGINS).counted(DAY))
    assert "nights" in story.counts(DAY, "4:00")
    assert set(story.counts(HOUR, "23:00")) & {"nights", "trips", "catchment", "usual"} == set()


def test_the_origin_of_its_first_event_is_a_devices_for_the_whole_epoch() -> None:
    events = [Seen("A", at("10:05"), "beach", "foreign:DE"), Seen("A", at("10:05"), "beach", "foreign:IT")]
    story = Story([*events, Seen("A", at("12:05"), "port", "national:17")], plan(by_origin=frozenset([HOUR])))
    assert story.of_hour("origins", "10:00") == {("beach", "foreign:DE"): 1}
    assert story.of_hour("origins", "12:00") == {("port", "foreign:DE"): 1}
