"""``foule simulate`` sends the festival to Kafka or writes it to a file; the same seed, the same crowd."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.settings import load
from foule.cli import main
from simulator.stream import Festival
from streams import topics
from tests.conftest import SettingsMaker
from tests.foule.test_replay import records
from tests.services.settings_file import FreshNames

SPAN = ("--start", "2014-06-28T19:00", "--end", "2014-06-28T19:30", "--people", "400")
FIRST = 1_403_974_800_000


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


def outcome(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def expected() -> list[tuple[int, bytes, bytes]]:
    festival = Festival(people=400, start=FIRST, end=FIRST + 30 * 60_000)
    rows: list[tuple[int, bytes, bytes]] = []
    for batch in festival.batches():
        rows += zip(batch.arrival_ms.tolist(), batch.keys, batch.values, strict=True)
    return rows


@pytest.fixture
def settings_file(settings_for: SettingsMaker, tmp_path: Path) -> Path:
    path = settings_for(tmp_path)
    topics.create(load(path))
    return path


def test_what_is_sent_is_the_festival_with_its_arrival_times(
    settings_file: Path, kafka_bootstrap: str, fresh_names: FreshNames
) -> None:
    answer = outcome("--settings", settings_file, *SPAN, "--timestamps", "arrival")
    sent = [(each.timestamp, each.key, each.value) for each in records(kafka_bootstrap, fresh_names.topics["events"])]
    assert answer["sent"] == len(sent) > 0
    assert sorted(sent) == sorted(expected())
    frontier = [json.loads(each.value) for each in records(kafka_bootstrap, fresh_names.topics["frontier"])]
    assert sorted(advance["next"] for advance in frontier) == sorted(answer["frontier"].values())
    assert {advance["watermark"] for advance in frontier} == {1_404_007_200_000}


def test_it_can_leave_the_feed_open_and_stamp_records_when_they_are_sent(
    settings_file: Path, kafka_bootstrap: str, fresh_names: FreshNames
) -> None:
    answer = outcome("--settings", settings_file, *SPAN, "--no-finish")
    stamps = [each.timestamp for each in records(kafka_bootstrap, fresh_names.topics["events"])]
    assert min(stamps) > 1_700_000_000_000
    assert answer["frontier"] == {}
    assert list(records(kafka_bootstrap, fresh_names.topics["frontier"])) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_file_has_a_line_for_each_record_and_needs_no_kafka(tmp_path: Path, name: str) -> None:
    answer = outcome("--out", tmp_path / name, *SPAN)
    content = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(content) if name.endswith(".gz") else content).splitlines()
    assert answer["sent"] == len(lines)
    assert lines == [value.replace(b"\n", b" ") for _, _, value in expected()]


def test_speed_paces_by_arrival(tmp_path: Path) -> None:
    answer = outcome("--out", tmp_path / "out.jsonl", *SPAN, "--speed", "1500")
    assert 1.1 <= answer["seconds"] < 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "noon"], '--start is "noon": expected a time'),
        (["--start", "2014-06-27T19:00"], "28 June 2014"),
    ],
)
def test_a_span_outside_the_festival_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = run("--out", tmp_path / "out.jsonl", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    result = run("--out", tmp_path / "none" / "out.jsonl", *SPAN)
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr


def test_other_field_names_in_the_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "foule.toml").write_text('[events]\nts = "time"\n')
    result = run("--settings", tmp_path / "foule.toml", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert 'events.ts = "time": simulated events have the default names' in result.stderr
