"""foule explain tells every indicator, with the settings in force, and nothing of one that there is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.settings import load
from foule.cli import main
from indicators.definitions import DEFINITIONS, Definition


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments], env={"COLUMNS": "200", **environment})


def told(*arguments: str, **environment: str) -> dict[str, Any]:
    done = run(*arguments, "--json", **environment)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def one(name: str, **environment: str) -> dict[str, Any]:
    [found] = told(name, **environment)["indicators"]
    assert isinstance(found, dict)
    return found


def test_all_indicators_are_listed_with_title_state_and_windows() -> None:
    lines = run(FOULE_INDICATORS__DWELL='["1h"]').output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [definition.name for definition in DEFINITIONS]
    by_name = {line.split()[0]: line for line in lines[1:]}
    assert "people present" in by_name["presence"] and "on   5m, 1h, 1d  always on" in by_name["presence"]
    assert "on   1h          indicators.dwell" in by_name["dwell"]
    assert "off  -           indicators.nights" in by_name["nights"]


@pytest.mark.parametrize("name", [definition.name for definition in DEFINITIONS])
def test_an_indicator_is_told_with_all_that_is_known_of_it(name: str) -> None:
    [definition] = [each for each in DEFINITIONS if each.name == name]
    words = run(name).output.split()
    text = " ".join(words)
    parts = (definition.meaning, definition.formula, definition.source, definition.reading, definition.windows.value)
    for part in (*parts, definition.release.sentence(20, 5), definition.key):
        assert part in text
    for setting in (*definition.switches, *definition.shaped_by):
        assert f"{setting} = " in text


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name)
def test_an_example_is_a_line_of_its_own_however_narrow_the_terminal(definition: Definition) -> None:
    lines = run(definition.name, COLUMNS="40").output.splitlines()
    assert lines[lines.index("example in Redis") + 1] == definition.value_text
    assert ("example in Kafka" in lines) == (definition.record_text is not None)
    if definition.record_text is not None:
        assert lines[lines.index("example in Kafka") + 1] == definition.record_text


def test_brackets_of_an_example_are_not_taken_for_markup() -> None:
    assert '"quartiles":[546,1187,2348]' in run("dwell").output


def test_the_settings_in_force_are_told(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text('[privacy]\nk = 30\nnoise = 7\n[indicators]\nnights = true\nnight_from = "22:00"\n')
    [nights] = told("nights", "--settings", str(file))["indicators"]
    assert (nights["on"], nights["widths"]) == (True, ["1d"])
    assert nights["settings"]["values"]["indicators.night_from"] == "22:00"
    assert "at least 37" in nights["release"]["sentence"] and "30 devices" in nights["release"]["sentence"]
    assert "now: 1d" in run("nights", "--settings", str(file)).output


def test_what_is_off_says_how_to_turn_it_on() -> None:
    assert "off: set indicators.nights and indicators.origins" in run("night_origins").output
    assert one("night_origins", FOULE_INDICATORS__NIGHTS="true")["on"] is False
    both = one("night_origins", FOULE_INDICATORS__NIGHTS="true", FOULE_INDICATORS__ORIGINS='["1d"]')
    assert (both["on"], both["widths"]) == (True, ["1d"])


def test_topics_are_those_of_the_settings() -> None:
    assert one("dwell", FOULE_TOPICS__INDICATORS="crowd.more")["kafka"]["topic"] == "crowd.more"
    assert one("occupancy")["kafka"] is None
    assert "Kafka not there" in " ".join(run("occupancy").output.split())


def test_json_has_every_indicator_with_unit_windows_rule_and_settings() -> None:
    found = told()
    assert (found["k"], found["noise"]) == (20, 5)
    assert [each["name"] for each in found["indicators"]] == [definition.name for definition in DEFINITIONS]
    for each, definition in zip(found["indicators"], DEFINITIONS, strict=True):
        assert each["unit"] == definition.unit
        assert each["windows"] == definition.windows.value
        assert each["release"]["rule"] == definition.release.value
        assert each["settings"]["switches"] == list(definition.switches)
        assert set(each["settings"]["values"]) == {*definition.switches, *definition.shaped_by}
        assert each["redis"]["value"] == json.loads(definition.value_text)


@pytest.mark.parametrize(
    ("name", "near"), [("dwel", "dwell"), ("Nights", "nights"), ("night", "nights"), ("origin", "origins")]
)
def test_an_unknown_indicator_is_an_error_with_near_names(name: str, near: str) -> None:
    done = run(name)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"foule: there is no indicator {name!r}: did you mean ") and near in done.stderr


def test_a_name_that_is_like_no_other_leads_to_the_list() -> None:
    assert run("xyz").stderr == "foule: there is no indicator 'xyz': \"foule explain\" lists all of them\n"


def test_a_broken_settings_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text("[indicators]\nnights = 3\n")
    done = run("--settings", str(file))
    assert done.exit_code == 2 and "indicators.nights" in done.stderr


def test_the_example_settings_have_all_always_on_indicators() -> None:
    settings = load(Path(__file__).resolve().parents[2] / "examples" / "unicom.toml", {})
    assert all(definition.is_on(settings) for definition in DEFINITIONS if not definition.switches)
