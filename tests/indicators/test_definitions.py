"""Definitions of indicators agree with what is counted, with the settings, and with their own examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, replace

import pytest
from msgspec.structs import replace as changed

from anonymizer.gate import PUBLISHED_NAMES
from config.sections import IndicatorsSettings, Settings, TimeSettings
from config.times import DAY, HOUR, MINUTE, Duration
from indicators.cells import SHAPES, Cells
from indicators.counts import FLOWS, ZONE_INDICATORS
from indicators.definitions import DEFINITIONS, Definition, Of, Release, Segments, Windows
from indicators.dwell import quartiles
from indicators.plan import Plan
from tests.indicators.told import ORIGINS, SPOTS

COUNTED = [definition for definition in DEFINITIONS if definition.release is not Release.DERIVED]
ALL_ON = Settings(
    time=TimeSettings(windows=(Duration(5 * MINUTE), Duration(HOUR), Duration(DAY)), epoch_days=3),
    indicators=IndicatorsSettings(
        dwell=(Duration(5 * MINUTE), Duration(HOUR)),
        origins=(Duration(HOUR), Duration(DAY)),
        nights=True,
        categories=True,
        catchment=True,
        trips=True,
        occupancy=True,
        recurrence=True,
        sojourns=True,
        usual=True,
    ),
)
each = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name)


def test_every_indicator_that_is_counted_is_defined_once_and_no_other() -> None:
    assert sorted(definition.name for definition in COUNTED) == sorted(SHAPES)
    names = [definition.name for definition in DEFINITIONS]
    assert len(set(names)) == len(names)
    assert {definition.name for definition in DEFINITIONS} - set(SHAPES) == {
        "occupancy",
        "top_flows",
        "flows_through",
        "extrapolation",
    }


@pytest.mark.parametrize("definition", COUNTED, ids=lambda definition: definition.name)
def test_a_definition_has_the_rule_and_the_cells_that_are_counted(definition: Definition) -> None:
    shape = SHAPES[definition.name]
    assert definition.release.value == shape.rule.value
    assert (definition.of is Of.PAIR) == shape.pairs
    assert (definition.of is Of.ZONE_AND_ORIGIN) == (definition.release is Release.POOLED_THEN_MERGED)
    assert (definition.segments is Segments.NONE) == (definition.release is Release.THRESHOLD)
    cells = Cells(SPOTS, Plan(edges=(MINUTE, HOUR), origins=ORIGINS.size), ORIGINS)
    number = {
        Segments.NONE: 1,
        Segments.ORIGIN: ORIGINS.size,
        Segments.LENGTH: 3,
        Segments.CATEGORY: 5,
        Segments.ZONE: 4,
        Segments.DAYS: 5,
    }
    assert cells.segments(definition.name) == number[definition.segments]


@pytest.mark.parametrize(
    "chosen",
    [
        ALL_ON.indicators,
        IndicatorsSettings(),
        IndicatorsSettings(nights=True),
        IndicatorsSettings(nights=True, origins=(Duration(HOUR),)),
        IndicatorsSettings(dwell=(Duration(DAY),), origins=(Duration(HOUR),), trips=True),
    ],
)
def test_an_indicator_is_in_the_windows_that_the_plan_counts_it_in(chosen: IndicatorsSettings) -> None:
    settings = changed(ALL_ON, indicators=chosen)
    plan = Plan.of(chosen, settings.time)
    for width in settings.time.windows:
        told = {definition.name for definition in COUNTED if width in definition.widths(settings)}
        assert told == {*ZONE_INDICATORS, FLOWS, *plan.counted(width)}
    for definition in DEFINITIONS:
        assert definition.is_on(settings) == bool(definition.widths(settings))


def test_derived_ones_are_on_with_their_switch() -> None:
    on = {definition.name for definition in DEFINITIONS if definition.is_on(ALL_ON)}
    assert {definition.name for definition in DEFINITIONS} - on == {"extrapolation"}
    assert "occupancy" not in {definition.name for definition in DEFINITIONS if definition.is_on(Settings())}


def test_every_switch_and_every_rule_of_the_settings_is_in_a_definition() -> None:
    switches = {name for definition in DEFINITIONS for name in definition.switches}
    shaped = {name for definition in DEFINITIONS for name in definition.shaped_by}
    named = {f"indicators.{key}" for key in IndicatorsSettings.__struct_fields__}
    named |= {"people.shares", "people.confidence", "origins.home_mcc", "origins.areas"}
    assert {name for name in named if name not in switches | shaped} == set()
    on_or_off = {f"indicators.{key}" for key, value in _defaults() if value is False or value == ()}
    assert switches == on_or_off | {"people.shares"}


def _defaults() -> Iterator[tuple[str, object]]:
    return ((key, getattr(IndicatorsSettings(), key)) for key in IndicatorsSettings.__struct_fields__)


@each
def test_the_settings_that_a_definition_names_exist_and_are_named_once(definition: Definition) -> None:
    names = [*definition.switches, *definition.shaped_by, *([definition.topic] if definition.topic else [])]
    assert len(set(names)) == len(names)
    for name in names:
        section, _, key = name.partition(".")
        assert hasattr(getattr(Settings(), section), key), name


@each
def test_a_definition_says_everything(definition: Definition) -> None:
    for text in (definition.title, definition.unit, definition.meaning, definition.formula, definition.source):
        assert text.strip() == text != ""
    assert definition.reading.endswith(".") and definition.meaning.endswith(".")
    said = definition.release.sentence(20, 5)
    assert "{" not in said and "25" in said


@each
def test_every_number_of_an_example_could_have_been_published(definition: Definition) -> None:
    value, record = json.loads(definition.value_text), json.loads(definition.record_text or "{}")
    people = [*_people(value), *_people(record)]
    assert people and all(isinstance(number, int) and number >= 25 for number in people)


def _people(value: object) -> Iterator[object]:
    """All numbers of devices in an example."""
    if not isinstance(value, dict):
        yield value
        return
    for name, inner in value.items():
        if name == "people" and isinstance(inner, dict):
            yield from inner.values()
        elif name in {*PUBLISHED_NAMES, "peak"}:
            yield inner


@each
def test_an_example_says_the_same_in_redis_and_in_kafka(definition: Definition) -> None:
    value = json.loads(definition.value_text)
    if definition.record_text is not None:
        record = json.loads(definition.record_text)
        told = value if isinstance(value, dict) else {"people": value}
        assert {name: record[name] for name in told} == told
        length = record["end"] - record["start"]
        assert length == DAY if definition.windows in (Windows.DAY, Windows.DAY_OF_ORIGINS) else length < DAY
    if definition.segments is Segments.LENGTH:
        assert value["quartiles"] == quartiles(value["people"])
    if definition.segments is not Segments.NONE:
        assert isinstance(value["people"], Mapping)


def test_what_an_extrapolation_and_a_turnover_show_is_right() -> None:
    by_name = {definition.name: json.loads(definition.value_text) for definition in DEFINITIONS}
    n, share, bound = by_name["extrapolation"]["people"], 0.4, 5
    reach = 1.959964 * ((n * (1 - share) + bound * (bound + 1) / 3) / share**2) ** 0.5
    people, low, high = by_name["extrapolation"]["estimate"]["people"]
    assert people == n / share
    assert low <= n / share - reach < low + 1
    assert high - 1 < n / share + reach <= high
    day = by_name["occupancy"]
    assert day["mean"] == round(day["sum"] / day["windows"], 1)
    assert day["turnover"] == round(by_name["nights"]["people"] * day["windows"] / day["sum"], 2)


def test_a_definition_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFINITIONS[0].unit = "people"  # type: ignore[misc]
    assert replace(DEFINITIONS[0], unit="people") != DEFINITIONS[0]
