"""docs/indicators.md says what ``foule explain`` says, its examples are what is counted, and its proofs exist."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from config.times import DAY, HOUR
from foule.cli import main
from indicators.counts import FLOWS, ZONE_INDICATORS
from indicators.definitions import DEFINITIONS, Definition
from indicators.plan import Plan
from tests.documents import ROOT, blocks, section, table, text_of
from tests.indicators.told import Seen, Story, at, local_codes, plan
from zones import Layer

INDICATORS = text_of(ROOT / "docs" / "indicators.md")
PLACES = Layer("places", ("beach", "station"), ("", ""), ("17", "17"))
EXAMPLE = section(INDICATORS, "## An example")
DAYS = section(INDICATORS, "## An example of days")
PRODUCTS = ("Flux Vision", "multimno", "FlowKit", "CAMARA", "Marseille")


def explained() -> dict[str, dict[str, Any]]:
    """What ``foule explain --json`` says, by indicator."""
    done = CliRunner().invoke(main, ["explain", "--json"])
    return {one["name"]: one for one in json.loads(done.stdout)["indicators"]}


def plain(text: str) -> str:
    """A cell of a table without its marks."""
    return re.sub(r"\[\^\w+\]", "", text).replace("`", "").strip()


# --- what foule explain says


def test_the_table_of_all_indicators_is_what_foule_explain_says() -> None:
    written = {
        plain(row["indicator"]): {name: plain(cell) for name, cell in row.items() if name != "indicator"}
        for row in table(section(INDICATORS, "## All indicators"), "indicator")
    }
    told = {
        name: {
            "unit": one["unit"],
            "of": one["of"],
            "parted by": one["segments"].replace("none", "-"),
            "windows": one["windows"],
            "released": one["release"]["rule"],
            "turned on by": ", ".join(one["settings"]["switches"]) or "always on",
        }
        for name, one in explained().items()
    }
    assert list(written) == list(told)
    assert written == told


def test_every_indicator_has_a_section_and_every_section_an_indicator() -> None:
    headings = re.findall(r"^### `(\w+)`$", section(INDICATORS, "## All indicators"), re.MULTILINE)
    assert headings == list(explained())


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name)
def test_a_section_says_what_the_definition_says_with_its_examples(definition: Definition) -> None:
    text = section(INDICATORS, f"### `{definition.name}`")
    words = " ".join(text.split()).replace("`", "")
    for said in (definition.meaning, definition.formula, definition.source, definition.reading):
        assert said.replace("`", "") in words
    assert definition.key in words and f"field {definition.field}" in words
    examples = [definition.value_text, *([definition.record_text] if definition.record_text else [])]
    assert [block.strip() for block in blocks(text, "json")] == ["\n".join(examples)]
    assert ("not in Kafka" in words) == (definition.topic is None) == (definition.record is None)


# --- the examples


def _events(text: str) -> list[Seen]:
    return [Seen(row["phone"], at(f"{row.get('day', '1')} {row['time']}"), row["zone"]) for row in table(text, "phone")]


def _origins(text: str) -> dict[str, str]:
    return {row["SIM"]: row["origin"] for row in table(text, "SIM")}


def _story(text: str, counted: Plan) -> Story:
    return Story(_events(text), counted, _origins(text), PLACES)


def _rows(text: str, first: str) -> dict[tuple[str, str, str], dict[str, int]]:
    """Window or day, indicator and cell to the devices of each segment ("" where there are none)."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in table(text, f"{first} | indicator"):
        parts = [part.strip().rpartition(": ") for part in row["devices"].split(",")]
        found[row[first], plain(row["indicator"]), row["of"]] = {name: int(number) for name, _, number in parts}
    return found


def _counted(story: Story, width: int, starts: dict[str, str]) -> dict[tuple[str, str, str], dict[str, int]]:
    """What is counted besides presence and flows, in the same form."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for shown, start in starts.items():
        for name, cells in story.counts(width, start).items():
            if name not in (*ZONE_INDICATORS, FLOWS):
                for names, number in cells.items():
                    segment = "" if name in ("nights", "usual", "trips") else names[-1]
                    of = " > ".join(names if not segment else names[:-1])
                    found.setdefault((shown, name, of), {})[segment] = number
    return found


def test_lengths_of_stay_and_origins_of_the_example_are_what_is_counted() -> None:
    hour = frozenset([HOUR])
    counted = plan(dwell=hour, by_origin=hour, local=(local_codes(PLACES),))
    story = _story(EXAMPLE, counted)
    assert _rows(EXAMPLE, "window") == _counted(story, HOUR, {clock: clock for clock in ("10:00", "11:00")})


def test_the_days_of_the_example_are_what_is_counted() -> None:
    daily = ("nights", "categories", "catchment", "trips", "recurrence", "sojourns", "usual")
    changes: dict[str, object] = dict.fromkeys(daily, True)
    counted = plan(**changes, by_origin=frozenset([DAY]), epoch_days=3, local=(local_codes(PLACES),))
    counts = _counted(_story(DAYS, counted), DAY, {day: f"{day} 04:00" for day in "123"})
    moves = ("origins", "arrival_origins", "departure_origins", "flow_origins")
    assert _rows(DAYS, "day") == {cell: found for cell, found in counts.items() if cell[1] not in moves}
    assert {name for _, name, _ in counts} - set(moves) == {*daily, "night_origins"}


def test_the_flows_in_and_out_of_the_example_are_the_sums_of_its_flows() -> None:
    flows = {
        (row["from"], row["to"]): int(row["people"])
        for row in table(EXAMPLE, "window | from")
        if row["window"] == "10:00"
    }
    through = {row["zone"]: (int(row["arriving"]), int(row["leaving"])) for row in table(EXAMPLE, "zone")}
    assert through == {
        zone: tuple(sum(number for pair, number in flows.items() if pair[end] == zone) for end in (1, 0))
        for zone in PLACES.ids
    }
    largest = [(row["from"], row["to"]) for row in table(EXAMPLE, "rank")]
    assert largest == sorted(flows, key=lambda pair: (-flows[pair], pair))


def test_every_quartile_of_the_examples_is_a_whole_second() -> None:
    values = [json.loads(definition.value_text) for definition in DEFINITIONS]
    found = [one for value in values if isinstance(value, dict) for one in value.get("quartiles", [])]
    assert found and all(one is None or np.issubdtype(type(one), np.integer) for one in found)


# --- other products


def _comparison() -> list[dict[str, str]]:
    return table(section(INDICATORS, "## Beside other products"), "indicator")


def test_every_indicator_is_compared_with_every_product() -> None:
    rows = _comparison()
    assert [plain(row["indicator"]) for row in rows] == list(explained())
    for row in rows:
        assert list(row) == ["indicator", *PRODUCTS, "foule"]
        for product in PRODUCTS:
            assert re.fullmatch(r"(yes|partly: .+|no|not found)", plain(row[product])), row[product]


def test_what_is_said_of_a_product_has_a_source() -> None:
    text = section(INDICATORS, "## Beside other products")
    sources = set(re.findall(r"^\[\^(\w+)\]: ", text, re.MULTILINE))
    named = {name for row in _comparison() for cell in row.values() for name in re.findall(r"\[\^(\w+)\]", cell)}
    for row in _comparison():
        for product in PRODUCTS:
            if plain(row[product]).startswith(("yes", "partly")):
                assert re.search(r"\[\^\w+\]", row[product]), (row["indicator"], product)
    assert named <= sources
    cited = set(re.findall(r"\[\^(\w+)\](?!:)", text))
    assert sources == cited


def test_what_foule_publishes_is_proven_by_a_test_that_exists() -> None:
    for row in _comparison():
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row["foule"])
        assert row["foule"].startswith("yes") and tests, row["indicator"]
        for path, name in tests:
            assert (ROOT / path).exists(), path
            assert f"def {name}(" in text_of(ROOT / path), (path, name)
