"""Cells of tallies have the names that readers know, and each indicator the segments of its kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.times import DAY, HOUR
from indicators.cells import OF_PAIRS, OF_ZONES, PARTED, SHAPES, Cells, OneOrigin, Rule
from indicators.plan import Plan
from tests.indicators.told import LABELS, ORIGINS, SPOTS, plan

CELLS = Cells(SPOTS, plan(), ORIGINS)
BEACH, PORT, STATION, OUTSIDE = range(4)
ZONES, BINS = 4, 4


@pytest.mark.parametrize(
    ("indicator", "cell", "names"),
    [
        ("presence", PORT, ("port",)),
        ("usual", OUTSIDE, ("outside",)),
        ("flows", PORT * ZONES + OUTSIDE, ("port", "outside")),
        ("trips", OUTSIDE * ZONES + BEACH, ("outside", "beach")),
        ("dwell", PORT * BINS + 1, ("port", "15m-30m")),
        ("origins", STATION * 5 + 1, ("station", "national:17")),
        ("origins", BEACH * 5 + 1, ("beach", "local")),
        ("origins", BEACH * 5 + 3, ("beach", "foreign:DE")),
        ("flow_origins", (STATION * ZONES + BEACH) * 5 + 1, ("station", "beach", "local")),
        ("flow_origins", (BEACH * ZONES + STATION) * 5 + 1, ("beach", "station", "national:17")),
        ("flow_origins", (BEACH * ZONES + OUTSIDE) * 5 + 1, ("beach", "outside", "national:17")),
        ("dwell_origins", (BEACH * 5 + 1) * BINS + 3, ("beach", "local", "1h+")),
        ("categories", BEACH * 5 + 4, ("beach", "transit")),
        ("catchment", BEACH * ZONES + OUTSIDE, ("beach", "outside")),
        ("recurrence", BEACH * 5 + 3, ("beach", "4-7")),
        ("sojourns", STATION * 5 + 0, ("station", "1")),
    ],
)
def test_a_cell_is_called_by_its_zones_and_its_segment(indicator: str, cell: int, names: tuple[str, ...]) -> None:
    assert CELLS.names(indicator, cell) == names


def every_cell(indicator: str) -> Iterator[int]:
    ends = ZONES * ZONES if SHAPES[indicator].pairs else ZONES
    origins = ORIGINS.size if indicator == "dwell_origins" else 1
    yield from range(ends * origins * (CELLS.segments(indicator) if indicator in PARTED else 1))


@pytest.mark.parametrize("indicator", sorted(SHAPES))
def test_no_two_cells_of_an_indicator_have_the_same_name(indicator: str) -> None:
    names = [CELLS.names(indicator, cell) for cell in every_cell(indicator)]
    assert len(set(names)) == len(names)


def test_every_indicator_is_a_number_of_a_zone_or_of_a_pair_or_is_parted() -> None:
    assert sorted([*OF_ZONES, *OF_PAIRS, *PARTED]) == sorted(SHAPES)
    assert not set(PARTED) & {*OF_ZONES, *OF_PAIRS}
    assert {SHAPES[name].rule for name in PARTED} == set(Rule) - {Rule.THRESHOLD}


def test_small_origins_have_a_pool_of_their_class_but_local_and_unknown_have_none() -> None:
    names, pools = CELLS.pooled("origins")
    assert pools == [None, "national", "national", "foreign", "foreign"]
    assert names == [ORIGINS.label(code, None) for code in range(len(LABELS))]
    assert [CELLS.local("origins", zone) for zone in range(ZONES)] == [1, 1, -1, -1]
    assert CELLS.local("flow_origins", STATION * ZONES + BEACH) == 1
    assert CELLS.local("flow_origins", BEACH * ZONES + OUTSIDE) == -1


@pytest.mark.parametrize("indicator", ["categories", "catchment"])
def test_small_segments_that_are_no_origins_have_only_the_pool_of_all(indicator: str) -> None:
    names, pools = CELLS.pooled(indicator)
    assert list(names) == [CELLS.segment(indicator, BEACH, code) for code in range(CELLS.segments(indicator))]
    assert (set(pools), CELLS.local(indicator, BEACH)) == ({None}, -1)


def test_a_plan_says_which_indicators_windows_of_a_width_have() -> None:
    daily = Plan(dwell=frozenset([HOUR]), by_origin=frozenset([HOUR, DAY]), nights=True, trips=True)
    counted = {width: Cells(SPOTS, daily, OneOrigin()).counted(width)[6:] for width in (HOUR, DAY)}
    moves = ["origins", "arrival_origins", "departure_origins", "flow_origins"]
    assert counted == {HOUR: ["dwell", *moves, "dwell_origins"], DAY: [*moves, "nights", "trips", "night_origins"]}
