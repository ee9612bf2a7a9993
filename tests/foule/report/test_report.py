"""The report says the same in both formats, shows every setting that matters, and holds no secret."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from foule.report import html, markdown
from foule.report.attacks import Results, load
from foule.report.report import build
from foule.report.rule import CRITERIA
from foule.report.rules import rules
from indicators.definitions import DEFINITIONS
from tests.documents import ROOT
from tests.foule.report.facts import FESTIVAL, NESTED, facts_of, festival, settings_with
from tests.foule.report.reading import addresses_of, of_html, of_markdown, tags_of
from tests.foule.report.test_concerns import results, shown

FINGERPRINT = re.compile(r"[0-9a-f]{64}")
DATA: dict[str, dict[str, Any]] = {
    "privacy": {"k": 31, "noise": 7},
    "keys": {"max_age": "11h", "lost_after": "3m", "accept_risks": ["snapshots"]},
    "time": {"epoch_days": 2, "windows": ["10m", "2h"], "linger": "31m", "lateness": "1m"},
    "zones": {"min_difference": 4},
    "events": {"rejected_payload": True, "shuffle": True, "max_skew": "4m"},
    "topics": {
        "events_retention": "23h",
        "rejected_retention": "22h",
        "tallies_retention": "6d",
        "output_retention": "5d",
        "shuffled_retention": "50m",
    },
    "redis": {"window_ttl": "3d", "series_length": 999},
    "origins": {"home_mcc": ["208", "647"]},
    "indicators": {
        "dwell": ["2h"],
        "dwell_edges": ["10m", "1h"],
        "origins": ["10m"],
        "night_from": "21:00",
    },
    "people": {"confidence": 0.9},
    "stream": {"checkpoint_every": "20s", "max_wait": "4m"},
    "metrics": {"host": "10.0.0.7", "port": 9999},
    "log": {"level": "warning"},
}


@pytest.fixture
def proved(tmp_path: Path) -> Results:
    return results(tmp_path)


def test_both_formats_say_the_same(proved: Results) -> None:
    for found in (None, proved):
        document = build(festival(found))
        assert of_markdown(markdown.render(document)) == of_html(html.render(document))


def test_the_page_needs_nothing_else_and_runs_nothing(proved: Results) -> None:
    page = html.render(build(festival(proved)))
    assert not {"script", "link", "img", "iframe", "object", "form"} & tags_of(page)
    assert addresses_of(page) == []
    assert "url(" not in page
    assert "@import" not in page


@pytest.mark.parametrize(
    ("key", "value"), [(f"{section}.{key}", value) for section, keys in DATA.items() for key, value in keys.items()]
)
def test_every_setting_that_matters_is_shown_with_its_value(tmp_path: Path, key: str, value: object) -> None:
    settings = settings_with(tmp_path, **DATA)
    rows = {row[0]: row[1] for row in of_markdown(markdown.render(build(facts_of(settings)))) if len(row) == 3}
    assert rows[key] == json.dumps(value)


def test_the_settings_of_every_rule_exist() -> None:
    keys = [key for rule in rules(festival()) for key in (*rule.settings, *rule.about)]
    assert [key for key in keys if not hasattr(getattr(Settings(), key.partition(".")[0]), key.partition(".")[2])] == []


def test_the_modules_of_every_rule_exist() -> None:
    modules = [module for rule in rules(festival()) for module in rule.modules]
    assert [module for module in modules if not (ROOT / module).exists()] == []


def test_every_rule_serves_a_criterion_and_every_criterion_is_served() -> None:
    served = {criterion for rule in rules(festival()) for criterion in rule.serves}
    assert served == set(CRITERIA)
    assert all(rule.serves for rule in rules(festival()))


def test_what_is_published_is_what_is_on_and_the_rest_is_said_to_be_off(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, indicators={"dwell": ["1h"], "trips": True})
    rows = of_markdown(markdown.render(build(facts_of(settings))))
    on = [one.name for one in DEFINITIONS if one.is_on(settings)]
    assert {"dwell", "trips"} < set(on) < {one.name for one in DEFINITIONS}
    of_indicators = rows.index(("Indicator", "Is", "Of each", "Parted by", "Windows", "Released by the rule")) + 1
    assert [row[0] for row in rows[of_indicators : of_indicators + len(on)]] == on
    assert rows[of_indicators + on.index("dwell")][3:] == ("length of stay", "1h", "merged")
    [off] = [row[0] for row in rows if row[0].startswith("Off, and so not published: ")]
    assert off.removeprefix("Off, and so not published: ").rstrip(".").split(", ") == [
        one.name for one in DEFINITIONS if one.name not in on
    ]


@pytest.mark.parametrize(
    ("sections", "kind"),
    [
        ({}, "checked for their form and not used: no indicator that is on needs them"),
        ({"indicators": {"categories": True}}, "become one number, the origin, which is kept with the pseudonym"),
    ],
)
def test_country_and_home_area_are_used_where_an_indicator_needs_them(
    tmp_path: Path, sections: dict[str, dict[str, Any]], kind: str
) -> None:
    rows = of_markdown(markdown.render(build(facts_of(settings_with(tmp_path, **sections)))))
    assert ("mcc, home", "country of the SIM, home area of the contract, where the feed has them", kind) in rows


def test_rules_on_segments_say_the_threshold_in_force(tmp_path: Path) -> None:
    facts = facts_of(settings_with(tmp_path, privacy={"k": 31, "noise": 7}))
    rules_of = {rule.name: rule for rule in rules(facts)}
    for name in (
        "Segments: those that are too small are put together",
        "Lengths of stay, numbers of days: bins are put together",
        "Lengths of stay by origin: both, and held against those of all",
    ):
        text = shown(rules_of[name].does)
        assert "38" in text
        assert "25" not in text


def test_epochs_of_several_days_are_longer_than_the_24_hours_of_cnil(tmp_path: Path) -> None:
    of_days = {}
    for days in (1, 7):
        settings = settings_with(tmp_path, time={"epoch_days": days})
        rows = {row[0]: row for row in of_markdown(markdown.render(build(facts_of(settings)))) if len(row) == 4}
        of_days[days] = rows["CNIL, footfall, 2020"][3]
    assert "The second as far as the key" in of_days[1]
    assert "normally 24 hours after the first event, at worst 37" in of_days[1]
    assert "Nor the second" in of_days[7]
    assert "normally 168 hours after the first event, at worst 181" in of_days[7]


def test_sections_that_are_referred_to_have_their_numbers() -> None:
    rows = of_markdown(markdown.render(build(festival())))
    zones = [row[0] for row in rows if row[0].endswith("Zones that nearly coincide are refused")]
    assert any(row[3].endswith(f"the zones in {zones[0].split()[0]}") for row in rows if len(row) == 4)


def test_it_holds_no_secret(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path,
        kafka={"username": "the-user", "password": "pass-of-kafka"},
        redis={"url": "redis://me:pass-of-numbers@numbers:6379/0?x=y"},
        keys={"url": "rediss://me:pass-of-keys@keys:6379/0"},
    )
    document = build(facts_of(settings))
    for text in (markdown.render(document), html.render(document)):
        assert not re.search(r"pass-of|the-user|me:", text)
        assert "***@keys:6379" in text.replace("\\", "")


def test_it_names_no_folder_of_the_machine() -> None:
    document = build(festival())
    for text in (markdown.render(document), html.render(document)):
        assert str(FESTIVAL.parent) not in text
        assert "cells.csv" in text
        assert "zones.geojson" in text


def test_it_names_version_date_and_fingerprint_of_the_settings() -> None:
    facts = festival()
    text = markdown.render(build(facts))
    assert "2026-11-22T12:00:00Z" in text
    assert facts.version in text
    assert FINGERPRINT.fullmatch(facts.fingerprint)
    assert facts.fingerprint in text


def test_the_same_facts_give_the_same_report() -> None:
    assert markdown.render(build(festival())) == markdown.render(build(festival()))


def test_results_that_are_missing_are_a_warning() -> None:
    lines = [row[0] for row in of_markdown(markdown.render(build(festival())))]
    [warning] = [line for line in lines if line.startswith("Warning.")]
    assert "has not been run" in warning


def test_every_attack_of_the_results_is_shown_with_what_it_found(proved: Results) -> None:
    rows = of_markdown(markdown.render(build(festival(proved))))
    shown = {row[0]: row for row in rows if len(row) == 8}
    for attack in proved.attacks:
        assert shown[attack.id][5:] == (attack.on, attack.target, attack.verdict)
    assert ("counts of 25 to 49", "mean absolute error", "2.7183", "relative 0.08") in rows
    assert ("Reported, not promised: 5c. These attacks may succeed; see section 6.",) in rows
    assert not [row for row in rows if row[0].startswith("Warning.")]


def test_an_attack_that_succeeds_is_a_warning(tmp_path: Path) -> None:
    bad = {"id": "6", "name": "own SIMs", "claim": "inference", "holds": False, "promised": True}
    rows = of_markdown(markdown.render(build(festival(results(tmp_path, attacks=[bad])))))
    assert ("Warning. What was promised is not shown by: 6.",) in rows


def test_criteria_count_only_attacks_that_were_promised(proved: Results) -> None:
    rows = {row[0]: row for row in of_markdown(markdown.render(build(festival(proved)))) if len(row) == 5}
    assert rows["singling out"][3] == "1 of 1 hold (1a)"
    assert rows["inference"][3] == "0 of 0 hold (none); 1 more reported, not promised"


def test_a_rule_with_a_weak_setting_refers_to_its_line(tmp_path: Path, proved: Results) -> None:
    settings = settings_with(tmp_path, zones={"min_difference": 0})
    rows = of_markdown(markdown.render(build(facts_of(settings, NESTED, proved))))
    verdicts = [row[0] for row in rows if row[0].startswith("Verdict: to be approved")]
    assert verdicts == ["Verdict: to be approved, section 1, no. 1. Code: zones/differences.py, zones/nesting.py."]
    assert any(row[:3] == ("1", "zones.min_difference", "zones.min_difference = 0 (default 3)") for row in rows)


def test_shipped_results_if_there_are_any_are_of_the_suite() -> None:
    found = load(None)
    assert found is None or found.attacks
