"""``foule replay`` sends a file to Kafka, closes it with frontier records, and counts as the worker will."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from config.settings import load
from foule.cli import main
from streams import topics
from tests.conftest import SettingsMaker
from tests.services.settings_file import FreshNames

NOON = 1_403_949_600_000  # 28 June 2014, 12:00 in Paris
END_OF_DAY = 1_404_007_200_000  # 29 June, 04:00 in Paris

PEOPLE = 40
ROWS = [f"{NOON + 1000 * row},imsi-{row % PEOPLE:02d},c{row % 3}" for row in range(400)]


@pytest.fixture
def settings_file(settings_for: SettingsMaker, tmp_path: Path) -> Path:
    """Settings with three cells in two zones, and the topics created."""
    (tmp_path / "cells.csv").write_text("cell,area\nc0,a\nc1,a\nc2,b\n")
    zones = {"cells": "cells.csv", "layers": [{"name": "areas", "column": "area"}]}
    path = settings_for(tmp_path, zones=zones, topics={"partitions": 3})
    topics.create(load(path))
    return path


def put(folder: Path, rows: list[str]) -> Path:
    path = folder / "events.csv"
    path.write_text("\n".join(["ts,subscriber,cell", *rows]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def outcome(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


def records(bootstrap: str, topic: str) -> Iterator[Any]:
    """All records of a topic, partition by partition."""
    with KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        for number in sorted(consumer.partitions_for_topic(topic)):
            partition = TopicPartition(topic, number)
            end = consumer.end_offsets([partition])[partition]
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            while consumer.position(partition) < end:
                for batch in consumer.poll(timeout_ms=1000).values():
                    yield from batch


def test_every_row_is_sent_to_the_partition_of_its_subscriber_with_one_timestamp(
    settings_file: Path, tmp_path: Path, kafka_bootstrap: str, fresh_names: FreshNames
) -> None:
    answer = outcome(put(tmp_path, ROWS), "--settings", settings_file, "--timestamp", str(NOON + 10_000_000))
    sent = list(records(kafka_bootstrap, fresh_names.topics["events"]))
    assert answer["read"] == answer["sent"] == len(sent) == len(ROWS)
    assert {record.timestamp for record in sent} == {NOON + 10_000_000}
    for record in sent:
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 3
        assert json.loads(record.value)["subscriber"].encode() == record.key
    lines = sorted(",".join(map(str, json.loads(record.value).values())) for record in sent)
    assert lines == sorted(ROWS)
    for number in range(3):
        moments = [json.loads(record.value)["ts"] for record in sent if record.partition == number]
        assert moments == sorted(moments)


def test_it_ends_with_a_frontier_record_for_each_partition(
    settings_file: Path, tmp_path: Path, kafka_bootstrap: str, fresh_names: FreshNames
) -> None:
    answer = outcome(put(tmp_path, ROWS), "--settings", settings_file)
    found = list(records(kafka_bootstrap, fresh_names.topics["frontier"]))
    advances = {str(record.partition): json.loads(record.value) for record in found}
    assert {number: advance["next"] for number, advance in advances.items()} == answer["frontier"]
    assert sum(answer["frontier"].values()) == len(ROWS)
    assert {advance["watermark"] for advance in advances.values()} == {answer["watermark"]} == {END_OF_DAY}
    assert len(found) == len(advances) == 3


def test_the_last_line_accounts_for_every_record(settings_file: Path, tmp_path: Path) -> None:
    century = NOON + 86 * 365 * 86_400_000
    bad = ["08:31.0,x,c0", "1,2", f"{NOON},,c0", f"{NOON},x,nowhere", f"{century},x,c0", f"{NOON - 10**7},imsi-00,c0"]
    answer = outcome(put(tmp_path, ROWS + bad), "--settings", settings_file)
    assert answer["rejected"] == {"malformed": 1, "missing_field": 1, "bad_time": 1, "future": 1, "unknown_cell": 1}
    assert (answer["read"], answer["accepted"], answer["late"]) == (len(ROWS) + 6, len(ROWS), 1)
    assert (answer["damaged"], answer["undated"]) == (1, 1)
    assert (answer["outliers"], answer["last"]) == (1, answer["outlier_examples"][0])
    # the damaged year does not decide where the file ends
    assert answer["watermark"] == END_OF_DAY
    assert answer["windows"] > 0


def test_sort_makes_late_events_of_an_unordered_file_count(settings_file: Path, tmp_path: Path) -> None:
    path = put(tmp_path, ROWS[::-1])
    assert outcome(path, "--settings", settings_file)["late"] > 0
    assert outcome(path, "--settings", settings_file, "--sort")["late"] == 0


def test_speed_paces_by_event_time(settings_file: Path, tmp_path: Path) -> None:
    # 399 s of events; a damaged time in the far future delays nothing
    rows = [*ROWS, f"{NOON + 10**12},x,c0"]
    answer = outcome(put(tmp_path, rows), "--settings", settings_file, "--speed", "400")
    assert answer["sent"] == len(rows)
    assert 1.0 <= answer["seconds"] < 20


def test_a_file_without_an_accepted_event_writes_no_frontier(
    settings_file: Path, tmp_path: Path, kafka_bootstrap: str, fresh_names: FreshNames
) -> None:
    result = run(put(tmp_path, ["damage"]), "--settings", settings_file)
    assert "no event time could be read" in result.stdout
    assert "no frontier record was written" in result.stdout
    assert list(records(kafka_bootstrap, fresh_names.topics["frontier"])) == []


def test_it_tells_in_words_what_was_sent_and_what_looks_odd(settings_file: Path, tmp_path: Path) -> None:
    result = run(put(tmp_path, [*ROWS, f"{NOON + 10**12},x,c0"]), "--settings", settings_file)
    assert "401 of 401 events sent" in result.stdout
    assert "accepted 400, late 0, rejected 1 (1 future)" in result.stdout
    assert "event times from 2014-06-28T10:00:00Z to 2046-" in result.stdout
    assert "1 event times lie far from the rest" in result.stdout
    assert "imsi" not in result.output


def test_missing_topics_are_named_before_anything_is_sent(settings_for: SettingsMaker, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("cell,area\nc0,a\n")
    zones = {"cells": "cells.csv", "layers": [{"name": "areas", "column": "area"}]}
    result = run(put(tmp_path, ROWS), "--settings", settings_for(tmp_path, zones=zones))
    assert result.exit_code == 1
    assert "is missing: create it with: foule topics" in result.stderr


def test_a_timestamp_that_is_none_is_refused(settings_file: Path, tmp_path: Path) -> None:
    result = run(put(tmp_path, ROWS), "--settings", settings_file, "--timestamp", "yesterday")
    assert result.exit_code == 2
    assert '--timestamp is "yesterday": expected' in result.stderr
