"""Results of the attack suite are read as they are, and none is taken for better than it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.errors import FouleError
from foule.report import attacks
from foule.report.attacks import Results, load

FOUND: dict[str, Any] = {
    "version": "0.1.0",
    "date": "2026-11-22",
    "seconds": 612,
    "settings": {"k": 20, "noise": 5},
    "later": "a field that this version does not know",
    "attacks": [
        {"id": "1a", "name": "brute force", "claim": "singling out", "knows": "", "off": 1.0, "on": 0, "target": "0",
         "holds": True, "promised": True, "new": 1},
        {"id": "3", "name": "linkage", "claim": "linking", "knows": "", "figure": "links", "without": "key life",
         "off": 40, "on": 0, "target": "0", "works": True, "fails": True, "skipped": "", "detail": "of 40"},
        {"id": "5c", "name": "the whole day", "claim": "inference", "knows": "all others", "off": 1.0, "on": 0.93,
         "target": "", "holds": True, "promised": False},
    ],
    "accuracy": [{"id": "accuracy a", "name": "counts of 25 to 49", "figure": "mean absolute error", "on": 2.71828,
                  "detail": "relative 0.08"}],
}  # fmt: skip


def read(tmp_path: Path, **changed: Any) -> Results:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(FOUND | changed), encoding="utf-8")
    found = load(path)
    assert found is not None
    return found


def one(tmp_path: Path, **attack: Any) -> attacks.Attack:
    entry = {"id": "9", "name": "n", "claim": "inference", **attack}
    [found] = read(tmp_path, attacks=[entry], accuracy=[]).attacks
    return found


def test_results_are_read_with_fields_that_are_not_known(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.version, found.date, found.seconds) == ("0.1.0", "2026-11-22", "612")
    assert [(attack.id, attack.criterion, attack.verdict) for attack in found.attacks] == [
        ("1a", "singling out", "holds"),
        ("3", "linkability", "holds"),
        ("5c", "inference", "reported, not promised"),
    ]
    assert [(cost.name, cost.on, cost.note) for cost in found.accuracy] == [
        ("counts of 25 to 49", "2.7183", "relative 0.08")
    ]


@pytest.mark.parametrize(
    ("attack", "verdict"),
    [
        ({"holds": True}, "holds"),
        ({"holds": False}, "does not hold"),
        ({"holds": "yes"}, "not said"),
        ({"works": True, "fails": False}, "does not hold"),
        ({"works": False, "fails": True}, "does not hold"),
        ({"works": True}, "not said"),
        ({"promised": True}, "not said"),
        ({"holds": True, "skipped": "no data"}, "not tried"),
        ({}, "reported, not promised"),
    ],
)
def test_an_attack_holds_only_if_it_says_so(tmp_path: Path, attack: dict[str, Any], verdict: str) -> None:
    found = one(tmp_path, **attack)
    assert found.verdict == verdict


def test_results_in_one_list_are_attacks_and_costs_by_their_claims(tmp_path: Path) -> None:
    outcomes = [
        {"id": "2", "name": "scan", "claim": "singling out", "works": True, "fails": True, "holds": True, "on": 0.0},
        {"id": "5", "name": "day", "claim": "inference", "works": None, "fails": None, "holds": None, "reported": True},
        {"id": "a", "name": "festival", "claim": "accuracy", "works": None, "fails": None, "holds": None, "on": 1234.5},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"version": "1", "date": "d", "seconds": 1.5, "full": False, "outcomes": outcomes}))
    found = load(path)
    assert found is not None
    assert [(attack.id, attack.on, attack.verdict) for attack in found.attacks] == [
        ("2", "0", "holds"),
        ("5", "-", "reported, not promised"),
    ]
    assert [(cost.id, cost.on) for cost in found.accuracy] == [("a", "1,234.5")]
    assert [attack.id for attack in found.promised] == ["2"]
    assert not found.full


def test_costs_among_the_attacks_are_no_attacks(tmp_path: Path) -> None:
    found = read(tmp_path, attacks=[{"id": "a", "name": "n", "claim": "accuracy", "on": 1}], accuracy=[])
    assert (found.attacks, [cost.id for cost in found.accuracy]) == ((), ["a"])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"attacks": {}}', '{"attacks": [1]}', '{"attacks": [], "accuracy": 3}']
)
def test_another_file_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FouleError, match=r"other\.json: not a results file .* make attack"):
        load(path)


def test_a_file_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FouleError, match="cannot be read: No such file"):
        load(tmp_path / "nowhere.json")


def test_without_a_shipped_file_there_are_no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "files", lambda package: tmp_path)
    assert load(None) is None
    (tmp_path / attacks.SHIPPED).write_text(json.dumps(FOUND), encoding="utf-8")
    shipped = load(None)
    assert shipped is not None
    assert shipped.date == "2026-11-22"
