"""``foule batch`` counts a file without Kafka, accounts for every record, and marks what it writes as a trial."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from foule.cli import main

NOON = 1_403_949_600_000  # 28 June 2014, 12:00 in Paris
MORNING = 1_403_920_800_000  # 28 June 2014, 04:00 in Paris
DAY = 86_400_000

PEOPLE = 40
ROWS = [f"{NOON + 1000 * row},imsi-{row % PEOPLE:09d},c{row % 3}" for row in range(400)]

# no Kafka and no Redis listens there
SETTINGS = """\
[kafka]
bootstrap = "127.0.0.1:9"
[redis]
url = "redis://127.0.0.1:9/0"
[zones]
cells = "cells.csv"
[[zones.layers]]
name = "areas"
column = "area"
[privacy]
k = 10
"""


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Settings with three cells in two zones, on a machine without servers."""
    (tmp_path / "cells.csv").write_text("cell,area\nc0,a\nc1,a\nc2,b\n")
    (tmp_path / "foule.toml").write_text(SETTINGS)
    return tmp_path / "foule.toml"


@pytest.fixture
def same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run makes the same key for an epoch, so that its numbers have the same errors."""
    monkeypatch.setattr("anonymizer.keys.secrets.token_bytes", lambda length: bytes(range(length)))


def put(folder: Path, rows: list[str]) -> Path:
    path = folder / "events.csv"
    path.write_text("\n".join(["ts,subscriber,cell", *rows]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["batch", *map(str, arguments)])


def outcome(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_numbers_of_a_file_are_written_without_any_server(settings_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = outcome(put(tmp_path, ROWS), "--settings", settings_file, "--out", out)
    assert (answer["read"], answer["accepted"], answer["late"], answer["rejected"]) == (len(ROWS), len(ROWS), 0, {})
    days = [value for value in lines(out / "presence.jsonl") if value["end"] - value["start"] == DAY]
    assert {(value["zone"], value["start"]) for value in days} == {("a", MORNING), ("b", MORNING)}
    assert all(abs(value["people"] - PEOPLE) <= 5 for value in days)
    flows = [value for value in lines(out / "flows.jsonl") if value["end"] - value["start"] == DAY]
    assert {(value["from"], value["to"]) for value in flows} == {("a", "b"), ("b", "a")}
    assert all(abs(value["people"] - PEOPLE) <= 5 for value in flows)
    starts = {
        (value["start"], value["end"]) for kind in ("presence", "flows") for value in lines(out / f"{kind}.jsonl")
    }
    assert answer["windows"] == len(starts)


def test_every_record_is_accounted_for(settings_file: Path, tmp_path: Path) -> None:
    century = NOON + 86 * 365 * DAY
    bad = ["08:31.0,x,c0", "1,2", f"{NOON},,c0", f"{NOON},x,nowhere", f"{century},x,c0"]
    late = [f"{NOON - 10**7},imsi-{0:09d},c0"]
    answer = outcome(put(tmp_path, ROWS + bad + late), "--settings", settings_file, "--out", tmp_path / "out")
    assert answer["rejected"] == {"malformed": 1, "missing_field": 1, "bad_time": 1, "future": 1, "unknown_cell": 1}
    assert (answer["read"], answer["accepted"], answer["late"]) == (len(ROWS) + 6, len(ROWS), 1)


def test_the_manifest_says_what_the_numbers_rest_on_and_nobodys_times(settings_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stamp = "2014-07-01T00:00:00Z"
    answer = outcome(put(tmp_path, ROWS), "--settings", settings_file, "--out", out, "--timestamp", stamp)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["not_for_publication"] is True
    assert (manifest["k"], manifest["layers"], manifest["partitions"]) == (10, {"areas": 2}, 4)
    assert manifest["time"]["windows"] == ["5m", "1h", "1d"]
    assert manifest["kafka_timestamp"].startswith("2014-07-01T00:00:00")
    assert len(manifest["settings_fingerprint"]) == 64
    for name in ("read", "accepted", "late", "rejected", "windows"):
        assert manifest[name] == answer[name]
    assert str(answer["first"]) not in json.dumps(manifest)


def test_sort_makes_an_unordered_file_count_as_the_ordered_one(
    settings_file: Path, tmp_path: Path, same_key: None
) -> None:
    shuffled = random.Random(3).sample(ROWS, len(ROWS))
    ordered = outcome(put(tmp_path, ROWS), "--settings", settings_file, "--out", tmp_path / "ordered")
    unsorted = outcome(put(tmp_path, shuffled), "--settings", settings_file, "--out", tmp_path / "unsorted")
    sorted_ = outcome(put(tmp_path, shuffled), "--settings", settings_file, "--out", tmp_path / "sorted", "--sort")
    assert unsorted["late"] > 0
    assert sorted_["windows"] == ordered["windows"]
    for kind in ("presence", "flows"):
        one, other = ((tmp_path / name / f"{kind}.jsonl").read_bytes() for name in ("ordered", "sorted"))
        assert one == other != b""


def test_it_tells_in_words_what_came_of_it_and_no_ids(settings_file: Path, tmp_path: Path) -> None:
    shuffled = put(tmp_path, ROWS[::-1])
    result = run(shuffled, "--settings", settings_file, "--out", tmp_path / "out")
    assert "400 events counted in" in result.stdout
    assert "Then use --sort" in result.stdout
    assert f"written to {tmp_path / 'out'}: a trial, not for publication" in result.stdout
    left = "".join(path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix != ".parquet")
    assert "imsi" not in result.output + left


def test_a_second_release_into_the_same_folder_is_refused(settings_file: Path, tmp_path: Path) -> None:
    path = put(tmp_path, ROWS)
    outcome(path, "--settings", settings_file, "--out", tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    result = run(path, "--settings", settings_file, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "holds a release already" in result.stderr
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("rows", "arguments", "said"),
    [
        (None, [], "there is no such file"),
        (ROWS, ["--timestamp", "yesterday"], '--timestamp is "yesterday": expected'),
    ],
)
def test_a_run_that_cannot_begin_leaves_nothing(
    settings_file: Path, tmp_path: Path, rows: list[str] | None, arguments: list[str], said: str
) -> None:
    path = tmp_path / "none.csv" if rows is None else put(tmp_path, rows)
    before = sorted(tmp_path.iterdir())
    result = run(path, "--settings", settings_file, "--out", tmp_path / "out", *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_settings_without_a_layer_are_refused(tmp_path: Path) -> None:
    (tmp_path / "foule.toml").write_text("")
    result = run(put(tmp_path, ROWS), "--settings", tmp_path / "foule.toml", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "zones.layers is empty" in result.stderr
