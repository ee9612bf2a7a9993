"""``foule doctor`` finds what is wrong with each part, says what to do, and fails if anything fails."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaAdminClient, KafkaProducer

from config.settings import Settings, load
from foule import checks, dumps
from foule.cli import main
from foule.embedded import EmbeddedBroker
from foule.finding import Finding
from foule.server_process import free_port
from streams import counting, topics
from tests.conftest import SettingsMaker

SUBSCRIBER = "208011234567890"


@pytest.fixture
def zones(tmp_path: Path) -> Mapping[str, object]:
    (tmp_path / "cells.csv").write_text("cell,zone\na,beach\nb,port\n")
    return {"cells": "cells.csv", "layers": [{"name": "town", "column": "zone"}]}


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments, "--settings", str(file)])


def findings(result: Result) -> dict[str, list[Finding]]:
    """The findings of ``doctor --json`` by part."""
    found: dict[str, list[Finding]] = {}
    for row in json.loads(result.stdout)["findings"]:
        found.setdefault(row["part"], []).append(Finding(**row))
    return found


def send(file: Path, *records: tuple[bytes | None, bytes]) -> None:
    settings = load(file, environ={})
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    for key, value in records:
        producer.send(settings.topics.events, key=key, value=value)
    producer.flush()
    producer.close()


def event(subscriber: str) -> bytes:
    return json.dumps({"ts": 1, "subscriber": subscriber, "cell": "a"}).encode()


def test_all_is_well_with_keyed_events_and_fitting_servers(
    settings_for: SettingsMaker, zones: Mapping[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "swaps", lambda: 0)
    file = settings_for(tmp_path, zones=zones)
    topics.create(load(file, environ={}))
    send(file, *[(f"{number}".encode(), event(f"{number}")) for number in range(40)])
    result = run(file, "--json")
    found = findings(result)
    assert list(found) == [
        "zones",
        "broker",
        "topics",
        "keying",
        "indicators Redis",
        "key store",
        "retention",
        "clock",
        "swap",
    ]
    levels = {part: {finding.level for finding in lines} for part, lines in found.items()}
    assert set.union(*levels.values()) == {"ok"}
    assert "40 records of 40 subscribers" in found["keying"][0].text
    assert result.exit_code == 0


def test_the_terminal_gets_a_line_for_each_finding_advice_and_a_count(
    settings_for: SettingsMaker, zones: Mapping[str, object], tmp_path: Path
) -> None:
    result = run(settings_for(tmp_path, zones=zones))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert any(line.startswith("fail  topics ") and line.endswith("is missing") for line in lines)
    assert any(line.strip() == "-> create it with: foule topics" for line in lines)
    assert any(line.startswith("warn  keying           not checked") for line in lines)
    assert lines[-1].endswith(" 9 fail")


def test_unkeyed_events_fail_and_no_id_is_printed(
    settings_for: SettingsMaker, zones: Mapping[str, object], tmp_path: Path
) -> None:
    file = settings_for(tmp_path, zones=zones)
    topics.create(load(file, environ={}))
    send(file, *[(b"probe-%d" % number, event(SUBSCRIBER)) for number in range(20)], (None, event("another")))
    results = [run(file), run(file, "--json")]
    keying = findings(results[1])["keying"]
    assert [finding.level for finding in keying] == ["fail", "fail"]
    assert "1 of 21 sampled records have no key" in keying[0].text
    assert "1 of 2 subscribers are in more than one partition" in keying[1].text
    assert all("set the key of each record to the subscriber id" in finding.advice for finding in keying)
    for result in results:
        assert result.exit_code == 1
        assert SUBSCRIBER not in result.output
        assert "probe-" not in result.output


def test_a_key_store_that_writes_to_disk_and_serves_readers_too_fails(
    settings_for: SettingsMaker, zones: Mapping[str, object], redis_url: str, tmp_path: Path
) -> None:
    found = findings(run(settings_for(tmp_path, zones=zones, keys={"url": redis_url}), "--json"))
    (stored,) = found["key store"]
    assert stored.level == "fail"
    assert "writes every change to an append-only file" in stored.text
    assert stored.advice == 'set appendonly no, or accept it by its name: keys.accept_risks = ["append-only file"]'
    shared = [finding for finding in found["indicators Redis"] if finding.level == "fail"]
    assert [finding.text for finding in shared] == ["the key store (keys.url) is the same server"]


def test_a_risk_that_is_accepted_by_name_is_shown_as_accepted_and_no_other_is(
    settings_for: SettingsMaker, redis_url: str, tmp_path: Path
) -> None:
    for accepted, level in ((["append-only file", "unknown"], "warn"), (["snapshots", "replicas", "unknown"], "fail")):
        keys = {"url": redis_url, "accept_risks": accepted}
        [finding] = checks.check_key_store(load(settings_for(tmp_path, keys=keys), environ={}))
        assert finding.level == level
        assert "writes every change to an append-only file" in finding.text
        assert ("accepted (keys.accept_risks), and not safe" in finding.text) == (level == "warn")


def test_absent_servers_fail_with_their_addresses_and_the_rest_is_still_checked(
    settings_for: SettingsMaker, zones: Mapping[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = free_port()
    url = f"redis://:hidden@127.0.0.1:{closed}/0"
    sections = {"kafka": {"bootstrap": f"127.0.0.1:{closed}"}, "redis": {"url": url}, "keys": {"url": url}}
    monkeypatch.setattr(dumps, "swaps", lambda: None)
    result = run(settings_for(tmp_path, zones=zones, **sections), "--json")
    found = findings(result)
    assert result.exit_code == 1
    assert {part: lines[0].level for part, lines in found.items()} == {
        "zones": "ok",
        "broker": "fail",
        "topics": "warn",
        "keying": "warn",
        "indicators Redis": "fail",
        "key store": "fail",
        "retention": "warn",
        "clock": "warn",
        "swap": "warn",
    }
    for part in ("broker", "indicators Redis", "key store"):
        assert f"127.0.0.1:{closed}" in found[part][0].text
    assert "hidden" not in result.output


def test_zones_that_cannot_be_used_fail(settings_for: SettingsMaker, tmp_path: Path) -> None:
    nothing = findings(run(settings_for(tmp_path), "--json"))["zones"]
    assert [finding.level for finding in nothing] == ["fail"]
    assert "zones.layers is empty" in nothing[0].text
    absent = {"cells": "nowhere.csv", "layers": [{"name": "town", "column": "zone"}]}
    (missing,) = findings(run(settings_for(tmp_path, zones=absent), "--json"))["zones"]
    assert missing.level == "fail"
    assert "nowhere.csv" in missing.text


def test_more_zones_than_can_be_counted_fail(
    settings_for: SettingsMaker, tmp_path: Path, zones: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_ZONES", 1)
    [finding] = findings(run(settings_for(tmp_path, zones=zones), "--json"))["zones"]
    assert finding.level == "fail"
    assert finding.text.startswith("layer town: 2 zones; at most 1 are expected")


def test_events_that_tell_no_origin_are_a_warning_where_an_indicator_needs_it(
    settings_for: SettingsMaker, zones: Mapping[str, object], tmp_path: Path
) -> None:
    file = settings_for(tmp_path, zones=zones, indicators={"categories": True})
    topics.create(load(file, environ={}))
    send(file, *[(f"{number}".encode(), event(f"{number}")) for number in range(20)])
    found = findings(run(file, "--json"))["origins"]
    assert [finding.level for finding in found] == ["warn", "ok", "warn"]
    assert found[0].text == "no zone of any layer has a home area: nobody is local, and nobody a resident"
    assert found[2].text.startswith("of 20 sampled records none has a country ('mcc') or home area ('home')")


def test_settings_of_topics_that_the_broker_does_not_tell_are_a_warning(
    settings_for: SettingsMaker, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    file = settings_for(tmp_path, kafka={"bootstrap": embedded_broker.bootstrap})
    settings = load(file, environ={})
    with KafkaAdminClient(bootstrap_servers=embedded_broker.bootstrap) as admin:
        layout = {topic.name: topic.partitions for topic in topics.plan(settings)}
        admin.create_topics({name: {"num_partitions": n, "replication_factor": 1} for name, n in layout.items()})
    found = list(checks.check_topics(settings))
    assert [finding.level for finding in found] == ["ok", "warn"]
    assert "retention and compaction are not checked" in found[1].text


def test_more_replicas_than_brokers_fail(settings_for: SettingsMaker, tmp_path: Path) -> None:
    settings = load(settings_for(tmp_path, topics={"replication": 3}), environ={})
    (finding,) = checks.check_broker(settings)
    assert finding.level == "fail"
    assert finding.advice == "start more brokers, or set topics.replication to at most 1"


@pytest.mark.parametrize(
    ("areas", "level", "words"),
    [(0, "ok", "off on this machine"), (2, "warn", "swap is on (2 areas)"), (None, "warn", "not checked")],
)
def test_swap_is_a_warning(monkeypatch: pytest.MonkeyPatch, areas: int | None, level: str, words: str) -> None:
    monkeypatch.setattr(dumps, "swaps", lambda: areas)
    [finding] = checks.check_swap(Settings())
    assert finding.level == level
    assert words in finding.text


@pytest.mark.parametrize(("shift", "level", "words"), [(-60_000, "warn", "60.0 s behind"), (0, "ok", "agrees")])
def test_a_clock_that_differs_from_that_of_a_redis_is_a_warning(
    settings_for: SettingsMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int, level: str, words: str
) -> None:
    settings = load(settings_for(tmp_path), environ={})
    true_time = checks.now_ms
    monkeypatch.setattr(checks, "now_ms", lambda: true_time() + shift)
    (finding,) = checks.check_clock(settings)
    assert finding.level == level
    assert words in finding.text
