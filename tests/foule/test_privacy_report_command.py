"""``foule privacy-report`` prints the report or writes it in both formats, and asks no server."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foule.cli import main
from foule.report import attacks
from tests.foule.report.facts import FESTIVAL
from tests.foule.report.test_attacks import FOUND


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["privacy-report", "--settings", str(FESTIVAL), *arguments])


def results(tmp_path: Path) -> str:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(FOUND), encoding="utf-8")
    return str(path)


def test_markdown_is_printed(tmp_path: Path) -> None:
    result = run("--attacks", results(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("# foule: privacy report\n")


def test_html_is_printed_if_that_is_asked_for(tmp_path: Path) -> None:
    result = run("--format", "html", "--attacks", results(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.startswith("<!DOCTYPE html>\n")


def test_both_are_written_into_a_folder_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    result = run("--out", str(folder), "--attacks", results(tmp_path))
    assert result.exit_code == 0
    written = [folder / "privacy-report.md", folder / "privacy-report.html"]
    assert result.stdout.splitlines() == [str(path) for path in written]
    assert sorted(folder.iterdir()) == sorted(written)
    assert "brute force" in written[0].read_text(encoding="utf-8")
    assert "brute force" in written[1].read_text(encoding="utf-8")


def test_a_folder_and_a_format_together_are_refused(tmp_path: Path) -> None:
    result = run("--out", str(tmp_path), "--format", "md")
    assert result.exit_code == 2
    assert "leave --format away" in result.stderr


def test_missing_results_are_said_beside_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "files", lambda package: tmp_path)
    result = run()
    assert result.exit_code == 0
    assert "no results of the attack suite" in result.stderr
    assert "has not been run" in result.stdout


def test_results_that_cannot_be_read_end_it_with_what_to_do(tmp_path: Path) -> None:
    result = run("--attacks", str(tmp_path / "nowhere.json"))
    assert result.exit_code == 1
    assert "give the file that make attack writes" in result.stderr
    assert result.stdout == ""


def test_settings_without_a_layer_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "foule.toml"
    empty.write_text("", encoding="utf-8")
    result = CliRunner().invoke(main, ["privacy-report", "--settings", str(empty)])
    assert result.exit_code == 2
    assert "zones.layers is empty" in result.stderr
