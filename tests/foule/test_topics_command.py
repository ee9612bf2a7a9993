"""``foule topics`` creates what is missing, shows what is there and fails when something is not as planned."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from kafka import KafkaAdminClient

from foule.cli import main
from tests.conftest import SettingsMaker
from tests.services.settings_file import FreshNames


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["topics", *arguments], env={"COLUMNS": "120"})


def test_check_says_what_is_missing_and_creates_nothing(settings_for: SettingsMaker, tmp_path: Path) -> None:
    file = str(settings_for(tmp_path))
    for _ in range(2):
        result = run("--check", "--settings", file)
        assert result.exit_code == 1
        assert result.stdout.count("missing") == 9
        assert result.stderr.count("is missing: create it with: foule topics") == 9


def test_missing_topics_are_created_and_shown(
    settings_for: SettingsMaker, fresh_names: FreshNames, tmp_path: Path
) -> None:
    file = str(settings_for(tmp_path, topics={"partitions": 2, "events_retention": "1d", "rejected_retention": "36h"}))
    result = run("--settings", file)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()[1:]}
    topics = fresh_names.topics
    assert lines[topics["events"]] == ["2", "1", "1d", "created"]
    assert lines[topics["rejected"]] == ["2", "1", "36h", "created"]
    assert lines[topics["tallies"]] == ["1", "1", "7d", "created"]
    assert lines[topics["checkpoints"]] == ["2", "1", "newest", "of", "each", "key", "created"]
    assert "created" not in run("--settings", file).stdout


def test_json_names_what_was_created_and_what_differs(
    settings_for: SettingsMaker, fresh_names: FreshNames, kafka_bootstrap: str, tmp_path: Path
) -> None:
    events = fresh_names.topics["events"]
    made = {name for key, name in fresh_names.topics.items() if key not in ("shuffled", "sources")}
    with KafkaAdminClient(bootstrap_servers=kafka_bootstrap) as admin:
        admin.create_topics({events: {"num_partitions": 3, "replication_factor": 1}})
    result = run("--json", "--settings", str(settings_for(tmp_path)))
    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert sorted(shown["created"]) == sorted(made - {events})
    assert {row["name"]: row["state"] for row in shown["topics"] if row["state"] != "created"} == {events: "differs"}
    (problem,) = shown["problems"]
    assert "has 3 partitions, expected 4: set topics.partitions = 3" in problem
