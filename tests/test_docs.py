"""The documents agree with the program: links, modules, settings, contracts, metrics and the worked example."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from anonymizer.gate import PUBLISHED_NAMES
from anonymizer.segments import OTHER
from config.settings import EventsSettings, Settings
from foule.history import mitma, observatory, tables
from foule.history.values import CELLS
from foule.oracle.oracle import Parameters, Record, run
from foule.oracle.parameters import HOUR, MINUTE
from indicators.bins import DAYS
from indicators.categories import CATEGORIES
from indicators.cells import OF_PAIRS, PARTED, SHAPES, Rule
from indicators.counts import ZONE_INDICATORS
from indicators.definitions import DEFINITIONS
from sinks import contract
from sinks.kafka import records
from sinks.prometheus import REASONS, Metrics
from streams.topics import plan
from tests.documents import DOCUMENTS, ROOT, anchors, blocks, links, quoted, section, settings_named, table, text_of
from tests.sinks.released import publication

ARCHITECTURE, CONTRACTS, HISTORY, INDICATORS = (
    text_of(ROOT / "docs" / name) for name in ("architecture.md", "contracts.md", "history.md", "indicators.md")
)
PACKAGES = ("config", "zones", "anonymizer", "indicators", "streams", "sinks", "simulator", "foule")
# Of these folders the table has one line for all modules.
AS_A_WHOLE = (
    "simulator",
    "indicators/definitions",
    "foule/commands",
    "foule/eventfiles",
    "foule/oracle",
    "foule/proof",
    "foule/demo",
    "foule/history",
    "foule/report",
)
# 28 June 2014, midnight in Paris.
MIDNIGHT = 1_403_906_400_000

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@documents
def test_every_link_leads_somewhere(path: Path) -> None:
    for target, anchor in links(text_of(path)):
        found = path if not target else (path.parent / target).resolve()
        assert found.exists(), target
        assert not anchor or anchor in anchors(text_of(found)), anchor


@documents
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = [*settings_named(text_of(path))]
    assert [f"{part}.{key}" for part, key in named if not hasattr(getattr(Settings(), part), key)] == []


@documents
def test_every_file_that_is_named_exists(path: Path) -> None:
    folders = "|".join((*PACKAGES, "tests", "bench", "docs", "deploy", "examples"))
    named = [name for name in quoted(text_of(path)) if re.fullmatch(rf"({folders})/[\w./]*", name)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@documents
def test_every_test_that_is_named_exists(path: Path) -> None:
    written = "\n".join(module.read_text() for module in (ROOT / "tests").rglob("test_*.py"))
    named = {name for name in quoted(text_of(path)) if re.fullmatch(r"test_\w+", name)}
    assert [name for name in sorted(named) if f"def {name}(" not in written] == []


def test_every_module_has_its_line_in_the_house() -> None:
    house = " ".join(row["module"] for row in table(ARCHITECTURE, "module"))
    modules = {
        module.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
        if not module.name.startswith("__")
    }
    whole = {module for module in modules if module.startswith(tuple(f"{folder}/" for folder in AS_A_WHOLE))}
    assert sorted(module for module in modules - whole if f"`{module}`" not in house) == []
    folders = [folder for folder in AS_A_WHOLE if (ROOT / folder).is_dir()]
    assert [folder for folder in folders if f"{folder}/" not in house] == []


def test_every_metric_is_in_the_contract() -> None:
    exposed = generate_latest(Metrics().registry).decode()
    kinds = dict(re.findall(r"^# TYPE (foule_\w+) (\w+)$", exposed, re.MULTILINE))
    expected = {
        name: kind
        for name, kind in kinds.items()
        if not name.startswith("foule_process_") and not name.endswith("_created")
    }
    assert {row["metric"].strip("`"): row["type"] for row in table(CONTRACTS, "metric")} == expected


def test_every_reason_is_in_the_contract_in_its_order() -> None:
    assert tuple(row["reason"].strip("`") for row in table(CONTRACTS, "reason")) == REASONS


def test_the_topics_are_those_that_foule_makes() -> None:
    made = [topic.name for topic in plan(Settings(events=EventsSettings(shuffle=True)))]
    assert [row["topic"].strip("`") for row in table(CONTRACTS, "topic")] == made


def test_the_redis_keys_are_those_that_foule_writes() -> None:
    start = 1_403_949_600_000
    keys = [
        contract.live_key("LAYER"),
        contract.window_key("LAYER", "WIDTH", start),
        contract.indicator_key("LAYER", "INDICATOR", "WIDTH", start),
        contract.occupancy_key("LAYER", start),
        contract.series_key("LAYER", "WIDTH", "ZONE"),
        contract.CHANGES,
    ]
    assert [row["key"].strip("`") for row in table(CONTRACTS, "key")] == [
        key.replace("20140628T1000Z", "START") for key in keys
    ]


def test_the_examples_of_redis_are_what_foule_writes() -> None:
    numbers, header, change, *others = (block.strip() for block in blocks(section(CONTRACTS, "## Redis"), "json"))
    assert contract.zone_value(json.loads(numbers)).decode() == numbers
    released = publication({}, layer="communes", version=88123)
    written = json.loads(contract.header_of(released))
    assert json.loads(header) == written | {"k": 20, "noise": 5}
    assert list(json.loads(header)) == list(written)
    announced = contract.change_of(released)
    assert json.loads(change) == {name: getattr(announced, name) for name in announced.__struct_fields__}
    # these are held against the sinks by tests/sinks/test_examples.py
    shown = {definition.name: definition.value_text for definition in DEFINITIONS}
    assert others == [shown["dwell"], shown["occupancy"], shown["extrapolation"]]


def test_every_indicator_of_the_contract_has_the_field_and_the_value_that_foule_writes() -> None:
    values = {Rule.THRESHOLD: "people"}
    shown = {definition.name: definition for definition in DEFINITIONS}
    stays = {name for name in PARTED if "quartiles" in shown[name].value_text}
    assert [tuple(cell.strip("`") for cell in row.values()) for row in table(CONTRACTS, "indicator")] == [
        (
            name,
            shown[name].field,
            values.get(SHAPES[name].rule, "segments with quartiles" if name in stays else "segments"),
        )
        for name in (*OF_PAIRS, *PARTED)
    ]


def test_the_fields_of_occupancy_are_all_explained() -> None:
    named = [row["name"].strip("`") for row in table(CONTRACTS, "name")]
    assert named == list(contract.OccupancyValue.__struct_fields__)


def test_the_names_of_segments_are_those_that_are_released() -> None:
    listed = {
        line.partition(":")[0]: quoted(line) for line in section(CONTRACTS, "### Indicators besides").split("\n- ")
    }
    assert listed["of categories"][: len(CATEGORIES) + 1] == [*CATEGORIES, OTHER]
    assert listed["of numbers of days or nights"] == ["1", "4-7", "8+"]
    assert {DAYS.name(0, 0), DAYS.name(3, 3), DAYS.name(4, 4)} == {"1", "4-7", "8+"}


def test_the_examples_of_kafka_are_what_foule_writes() -> None:
    presence, flow, dwell = (
        block.strip() for block in blocks(section(CONTRACTS, "## Kafka: what readers take"), "json")
    )
    zone = publication({"17094": {"people": 1240, "arrivals": 310}}, layer="communes", version=88123)
    assert [record.value.decode() for record in records(zone)] == [presence]
    hour = publication(
        {}, {("17300", "17094"): 184}, layer="communes", width="1h", start=1_403_946_000_000, version=88120
    )
    assert [record.value.decode() for record in records(hour)] == [flow]
    stays = {"0-15m": 120, "15m-30m": 80, "30m-1h": 60, "1h-2h": 31}
    of_stays = publication({}, parts={"dwell": {("17094",): stays}}, layer="communes", width="1h", version=88123)
    assert [record.value.decode() for record in records(of_stays)] == [dwell]


def test_the_forms_of_records_of_indicators_are_those_that_foule_writes() -> None:
    forms = {
        name: tuple(quoted(row["fields of the cell"]))
        for row in table(CONTRACTS, "form")
        for name in quoted(row["indicators"])
    }
    assert forms == CELLS


def test_the_columns_of_exported_files_are_those_that_foule_writes() -> None:
    written = {name: schema.names for name, schema in tables.SCHEMAS.items()}
    assert {row["table"].strip("`"): quoted(row["columns"]) for row in table(HISTORY, "table")} == written
    families = {
        row["family"].strip("`"): tuple(row["columns"].strip("`").split(";")) for row in table(HISTORY, "family")
    }
    assert families == observatory.COLUMNS
    assert tuple(row["column"].strip("`") for row in table(HISTORY, "column")) == mitma.COLUMNS


def test_the_fields_of_a_zone_are_all_explained() -> None:
    fields = [row["field"].strip("`") for row in table(INDICATORS, "field")]
    assert fields == [*PUBLISHED_NAMES, "flows"]


def test_the_worked_example_of_the_indicators_is_right() -> None:
    events = [(_moment(row["time"]), row["phone"], row["zone"]) for row in table(INDICATORS, "phone")]
    log = [
        Record(offset, -1, json.dumps({"ts": ts, "subscriber": phone, "cell": zone}).encode())
        for offset, (ts, phone, zone) in enumerate(sorted(events))
    ]
    parameters = Parameters(widths=(HOUR,))
    result = run(parameters, {0: log}, {0: [(len(log), MIDNIGHT + 28 * HOUR)]}, lambda cell, lat, lon: {"": str(cell)})
    counted: dict[tuple[int, str, object], int] = {
        (window.start, indicator, cell): number
        for window, indicators in result.complete().items()
        for indicator, cells in indicators.items()
        for cell, number in cells.items()
        if cell != "outside"
    }
    assert counted == _of_zones() | _of_flows()


def _of_zones() -> dict[tuple[int, str, object], int]:
    return {
        (_moment(row["window"]), indicator, row["zone"]): int(row[field])
        for row in table(section(INDICATORS, "## An example"), "window | zone")
        for field, indicator in zip(["people", *ZONE_INDICATORS[1:]], ZONE_INDICATORS, strict=True)
        if int(row[field])
    }


def _of_flows() -> dict[tuple[int, str, object], int]:
    rows = table(section(INDICATORS, "## An example"), "window | from")
    return {(_moment(row["window"]), "flows", (row["from"], row["to"])): int(row["people"]) for row in rows}


def _moment(clock: str) -> int:
    hours, minutes = clock.split(":")
    return MIDNIGHT + int(hours) * HOUR + int(minutes) * MINUTE
