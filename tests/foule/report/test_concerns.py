"""What is weaker than the default, accepted or not proved is under what a DPO must approve, and nothing else is."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.checks import KEY_RISKS
from foule.report.attacks import Results, load
from foule.report.concerns import concerns
from foule.report.detail import MANY_AREAS
from foule.report.document import Code, Text
from foule.report.facts import gather
from foule.several_days import consequences
from tests.foule.report.facts import COMMUNES, MADE, NESTED, QUARTERS, facts_of, festival, settings_with
from tests.foule.report.test_attacks import FOUND
from zones import Layer


def shown(text: Text) -> str:
    return "".join(piece.text if isinstance(piece, Code) else piece for piece in text)


def results(tmp_path: Path, **changed: Any) -> Results:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(FOUND | changed), encoding="utf-8")
    found = load(path)
    assert found is not None
    return found


def found(
    tmp_path: Path, sections: dict[str, dict[str, Any]], layers: tuple[Layer, ...] = NESTED
) -> list[tuple[str, str]]:
    """About what, and what was found, with the attack suite run under the default k and noise, as in the results."""
    settings = settings_with(tmp_path, **sections)
    return [(each.about, shown(each.found)) for each in concerns(facts_of(settings, layers, results(tmp_path)))]


def test_guarded_settings_leave_nothing_to_approve(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("time", "epoch_days", 2),
        ("keys", "max_age", "13h"),
        ("zones", "min_difference", 0),
        ("zones", "min_difference", 2),
        ("topics", "events_retention", "2d"),
        ("topics", "rejected_retention", "25h"),
        ("topics", "tallies_retention", "8d"),
        ("time", "windows", ["1m", "1h"]),
        ("metrics", "host", "0.0.0.0"),
    ],
)
def test_a_setting_weaker_than_its_default_is_to_be_approved(
    tmp_path: Path, section: str, key: str, value: object
) -> None:
    [(about, text)] = found(tmp_path, {section: {key: value}})
    assert about == f"{section}.{key}"
    assert text.startswith(f"{about} = {json.dumps(value)} (default ")


@pytest.mark.parametrize(("key", "value"), [("k", 19), ("noise", 4)])
def test_a_smaller_k_or_noise_is_to_be_approved_and_results_of_others_do_not_count(
    tmp_path: Path, key: str, value: int
) -> None:
    assert found(tmp_path, {"privacy": {key: value}}) == [
        (f"privacy.{key}", f"privacy.{key} = {value} (default {20 if key == 'k' else 5})"),
        ("attack suite", f"Its results were made under another privacy.{key}."),
    ]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("keys", "max_age", "1h"),
        ("zones", "min_difference", 5),
        ("topics", "events_retention", "1h"),
        ("topics", "output_retention", "30d"),
        ("topics", "shuffled_retention", "2h"),  # not in use without events.shuffle
        ("time", "windows", ["10m"]),
        ("metrics", "host", "localhost"),
    ],
)
def test_a_stricter_setting_is_not(tmp_path: Path, section: str, key: str, value: object) -> None:
    assert found(tmp_path, {section: {key: value}}) == []


def test_longer_retention_of_a_shuffled_feed_is_to_be_approved(tmp_path: Path) -> None:
    sections: dict[str, dict[str, Any]] = {"topics": {"shuffled_retention": "2h"}, "events": {"shuffle": True}}
    assert [about for about, _ in found(tmp_path, sections)] == ["topics.shuffled_retention"]


@pytest.mark.parametrize("risk", KEY_RISKS)
def test_each_risk_of_the_key_store_that_is_accepted_is_named(tmp_path: Path, risk: str) -> None:
    expected = [("keys.accept_risks", f"The risk {risk} is accepted by its name.")]
    assert found(tmp_path, {"keys": {"accept_risks": [risk]}}) == expected


def test_defaults_that_leave_a_risk_are_named_as_defaults() -> None:
    by_default = {each.about for each in concerns(festival()) if each.by_default}
    assert by_default == {"events.rejected_payload", "kafka.security_protocol", "keys.url"}


def test_keys_and_numbers_in_one_server_are_to_be_approved(tmp_path: Path) -> None:
    [(about, text)] = found(tmp_path, {"redis": {"url": "rediss://:other@keys:6379/3"}})
    assert about == "keys.url"
    assert "hidden" not in text
    assert "other" not in text


def test_an_epoch_of_several_days_says_all_that_is_to_be_approved(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, time={"epoch_days": 7}, indicators={"sojourns": True})
    [concern] = concerns(facts_of(settings, NESTED, results(tmp_path)))
    risk = shown(concern.risk)
    assert consequences(settings)
    assert all(sentence[1:] in risk for sentence in consequences(settings))
    assert concerns(facts_of(settings_with(tmp_path), NESTED, results(tmp_path))) == []


def test_a_table_of_many_home_areas_is_to_be_approved_where_it_is_used(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, origins={"areas": "areas.csv"}, indicators={"categories": True})
    for areas, named in ((0, []), (MANY_AREAS, []), (MANY_AREAS + 1, ["origins.areas"])):
        facts = facts_of(settings, NESTED, results(tmp_path))._replace(areas=areas)
        assert [each.about for each in concerns(facts)] == named
    of_france = facts_of(settings_with(tmp_path), NESTED, results(tmp_path))._replace(areas=MANY_AREAS + 1)
    assert concerns(of_france) == []


def test_stays_of_a_few_minutes_are_to_be_approved_where_they_are_published(tmp_path: Path) -> None:
    edges = {"dwell_edges": ["2m", "1h"]}
    [(about, text)] = found(tmp_path, {"indicators": edges | {"dwell": ["1h"]}})
    assert about == "indicators.dwell_edges"
    assert text.startswith('indicators.dwell_edges = ["2m", "1h"] (default ')
    assert found(tmp_path, {"indicators": edges}) == []
    assert found(tmp_path, {"indicators": {"dwell": ["1h"], "dwell_edges": ["5m"]}}) == []


def test_parting_the_devices_of_many_small_zones_is_to_be_approved(tmp_path: Path) -> None:
    told = settings_with(tmp_path, indicators={"catchment": True})
    for settings, small, named in ((told, (1, 1), 0), (told, (1, 2), 1), (settings_with(tmp_path), (2, 3), 0)):
        facts = facts_of(settings, NESTED, results(tmp_path))._replace(small_zones=small)
        assert len(concerns(facts)) == named
    [concern] = concerns(facts_of(told, NESTED, results(tmp_path))._replace(small_zones=(1, 2)))
    assert shown(concern.found) == (
        "Layer quarters: 2 of 3 zones have fewer than 3 cells, and devices are parted there: catchment."
    )


def test_small_zones_and_home_areas_are_counted_as_they_are_loaded(tmp_path: Path) -> None:
    rows = [f"{name}{number},{name}" for name, cells in (("a", 1), ("b", 2), ("c", 3)) for number in range(cells)]
    (tmp_path / "cells.csv").write_text("\n".join(["cell,zone", *rows, ""]), encoding="utf-8")
    (tmp_path / "areas.csv").write_text("code,name\n17,Charente-Maritime\n79,Deux-Sevres\n", encoding="utf-8")
    zones = {"cells": "cells.csv", "layers": [{"name": "town", "column": "zone"}]}
    for indicators, areas in (({}, 0), ({"categories": True}, 2)):
        settings = settings_with(tmp_path, zones=zones, origins={"areas": "areas.csv"}, indicators=indicators)
        facts = gather(settings, "0.1.0", MADE, None)
        assert (facts.small_zones, facts.areas) == ((2,), areas)


def test_layers_of_which_none_is_the_parent_of_the_other_are_to_be_approved(tmp_path: Path) -> None:
    loose = Layer(QUARTERS.name, QUARTERS.ids, QUARTERS.titles, QUARTERS.areas)
    assert [about for about, _ in found(tmp_path, {}, (COMMUNES, loose))] == ["zones.layers"]


def test_a_grandparent_is_above_a_layer(tmp_path: Path) -> None:
    streets = Layer("streets", ("x",), ("X",), (None,), 1, (0,))
    assert found(tmp_path, {}, (*NESTED, streets)) == []


def test_zones_without_a_catalogue_are_to_be_approved(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    settings = msgspec.structs.replace(settings, zones=msgspec.structs.replace(settings.zones, cells=None))
    named = [each.about for each in concerns(facts_of(settings, NESTED, results(tmp_path)))]
    assert named == ["zones.cells"]


def test_a_few_people_outside_the_parts_of_a_zone_are_to_be_approved() -> None:
    [of_zones] = [shown(each.found) for each in concerns(festival()) if each.about == "zones.layers"]
    assert of_zones.startswith("Layer festival: of 1 of 5 zones of layer communes fewer than 3 cells")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"version": "0.0.9"}, "Its results are of version 0.0.9; this is 0.1.0."),
        ({"settings": {"privacy": {"k": 10}}}, "Its results were made under another privacy.k."),
        (
            {"attacks": [{"id": "6", "name": "own SIMs", "claim": "inference", "holds": False, "promised": True}]},
            "Attack 6, own SIMs: does not hold.",
        ),
        ({"attacks": [*FOUND["attacks"], {"id": "7", "claim": "inference", "skipped": "no data"}]}, "Not tried: 7."),
        ({"full": False}, "Its results are of a part of the suite."),
        ({"attacks": []}, "Its results hold no attack."),
    ],
)
def test_results_that_do_not_prove_what_is_promised_are_to_be_approved(
    tmp_path: Path, changed: dict[str, Any], text: str
) -> None:
    facts = facts_of(settings_with(tmp_path), NESTED, results(tmp_path, **changed))
    assert [(each.about, shown(each.found)) for each in concerns(facts)] == [("attack suite", text)]


def test_results_that_do_not_say_their_settings_are_of_the_defaults(tmp_path: Path) -> None:
    found = results(tmp_path, settings=None)
    settings = settings_with(tmp_path, privacy={"k": 30})
    assert concerns(facts_of(settings_with(tmp_path), NESTED, found)) == []
    [other] = concerns(facts_of(settings, NESTED, found))
    assert shown(other.found) == "Its results were made under another privacy.k."


def test_results_that_are_missing_are_to_be_approved(tmp_path: Path) -> None:
    [missing] = concerns(facts_of(settings_with(tmp_path)))
    assert missing.about == "attack suite"
    assert "has not been run" in shown(missing.found)
