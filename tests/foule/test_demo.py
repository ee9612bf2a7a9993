"""``foule demo`` proves its numbers, shows them live, fails where they are wrong, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from redis import Redis

import zones
from config.settings import Settings
from foule.demo.accuracy import errors, overall
from foule.demo.feed import Feed
from foule.demo.play import await_release
from foule.demo.screen import programme_at, titled
from foule.demo.services import Services, WorkerFigures
from foule.demo.verdict import Verdict, judge
from foule.oracle.oracle import Keys, Tallies, WindowKey
from foule.proof.in_redis import of_redis
from foule.proof.released import Released
from foule.proof.tallies import TallyLog
from foule.proof.topics import read_topic
from indicators.calendar import DAY_MS, label_of_width
from simulator.geography import SETTINGS
from simulator.programme import EVENING, HOUR, MINUTE
from simulator.stream import Festival
from simulator.truth import Truth
from sinks.contract import Header, window_key
from sinks.reader import LayerView, ZoneView
from tests.foule.test_embedded import wait_until
from tests.foule.test_watch_command import Terminal
from zones import Places

ROOT = Path(__file__).resolve().parents[2]
FIVE = 5 * MINUTE


class Played(NamedTuple):
    """A demo that was played to its end, and whose services still run."""

    settings: Settings
    places: Places
    sent: int
    figures: WorkerFigures
    tallies: TallyLog
    keys: Keys

    def verdict(self, **changes: object) -> Verdict:
        """The verdict on it, or on what it would be with these changes."""
        played = self._replace(**changes)  # type: ignore[arg-type]
        return judge(played.settings, played.places, played.sent, played.figures, played.tallies, played.keys)


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    with Services(SETTINGS) as services:
        services.start_servers()
        services.start_worker()
        settings = services.settings
        places = zones.load(settings.zones)
        with Feed(settings, Festival(start=EVENING), 900, EVENING + HOUR) as feed:
            while not feed.wait(1):
                services.worker.require_running()
        keys = services.witness.keys
        with TallyLog(settings, keys) as tallies:
            figures = await_release(settings, tallies, services.worker, feed.watermark)
            yield Played(settings, places, feed.sent, figures, tallies, keys)


def wrong(verdict: Verdict) -> dict[str, str]:
    """Name and detail of the checks that do not hold."""
    return {check.name: check.detail for check in verdict.checks if not check.holds}


def test_all_that_is_published_equals_the_oracle(played: Played) -> None:
    verdict = played.verdict()
    assert wrong(verdict) == {}
    assert verdict.holds
    assert {window.width for window in verdict.released.tallies} == {FIVE, HOUR, DAY_MS}
    assert verdict.oracle.read == played.sent > 20_000
    assert verdict.oracle.late > 0 and len(verdict.oracle.rejected) >= 4


def test_a_number_changed_in_redis_is_found(played: Played) -> None:
    window = min(of_redis(played.settings).tallies)
    key = window_key(window.layer, label_of_width(window.width), window.start)
    with Redis.from_url(played.settings.redis.url.reveal(), decode_responses=True) as client:
        fields = client.hgetall(key)
        zone = min(name for name in fields if name != "_")
        try:
            client.hset(key, zone, json.dumps({**json.loads(fields[zone]), "people": 20_000}))
            detail = wrong(played.verdict())["numbers in Redis"]
            assert detail.startswith("1 with another value (") and f"presence {zone}: 20000 instead of " in detail
            assert "1 contradictory or not as the contract says (foule:{" in detail  # the series has the old number
            client.delete(key)
            assert wrong(played.verdict()).keys() == {"windows in Redis", "numbers in Redis"}
        finally:
            client.hset(key, mapping=fields)
    assert played.verdict().holds


def test_a_number_changed_on_the_topic_is_found(played: Played) -> None:
    settings, topics = played.settings, played.settings.topics
    records = read_topic(settings, topics.presence)
    values = [json.loads(record.value or b"") for record in records]
    one, other = [at for at, value in enumerate(values) if "people" in value][:2]
    values[one]["people"] = 20_000
    values.append({**values[other], "people": 20_000})
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    admin.create_topics([NewTopic("changed", 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    for record, value in zip([*records, records[other]], values, strict=True):
        producer.send("changed", json.dumps(value).encode(), record.key, list(record.headers), partition=0)
    producer.close()
    changed = msgspec.structs.replace(settings, topics=msgspec.structs.replace(topics, presence="changed"))
    found = wrong(played.verdict(settings=changed))
    assert found.keys() == {"numbers on the Kafka topics"}
    assert re.fullmatch(
        r"1 with another value \(.*: 20000 instead of \d+\);"
        r" 1 contradictory or not as the contract says \(offset \d+ of changed, partition 0: 20000 came again .*\)",
        found["numbers on the Kafka topics"],
    )


def test_an_event_that_was_lost_or_judged_otherwise_is_found(played: Played) -> None:
    assert wrong(played.verdict(sent=played.sent + 1)).keys() == {
        "events on the log",
        "accepted + late + rejected = sent",
    }
    otherwise = played.figures._replace(accepted=played.figures.accepted - 1, late=played.figures.late + 1)
    assert wrong(played.verdict(figures=otherwise)).keys() == {"judged as by the oracle"}


def test_where_nothing_was_released_the_verdict_is_no(played: Played) -> None:
    verdict = played.verdict()
    assert not verdict._replace(released=Released()).holds


@pytest.fixture(scope="module")
def truth(played: Played) -> Truth:
    return Festival(start=EVENING, end=EVENING + HOUR).truth(played.places)


def people(truth: Truth, start: int, zone: str, more: int = 0) -> Tallies:
    there = truth.people("festival", start, start + FIVE)[zone].people
    return {WindowKey("festival", FIVE, start, start + FIVE): {"presence": {zone: there + more}}}


def test_what_equals_the_truth_has_no_error(truth: Truth) -> None:
    [zone] = errors(people(truth, EVENING, "beach"), truth, FIVE, EVENING, EVENING + HOUR)
    assert (zone.layer, zone.zone, zone.windows, zone.error, zone.relative) == ("festival", "beach", 1, 0.0, 0.0)
    assert zone.published == zone.truly > 0


def test_the_error_is_the_mean_of_the_absolute_differences(truth: Truth) -> None:
    released = people(truth, EVENING, "beach", 30) | people(truth, EVENING + FIVE, "beach", -10)
    [(window, indicators)] = people(truth, EVENING, "town", 4).items()
    released[window]["presence"] |= indicators["presence"]
    beach, town = errors(released, truth, FIVE, EVENING, EVENING + HOUR)
    assert (beach.error, town.error, beach.windows, town.windows) == (20.0, 4.0, 2, 1)
    assert beach.relative == 20 / beach.truly
    error, share = overall([beach, town])["festival"]
    assert error == 44 / 3
    assert share == 44 / (2 * beach.truly + town.truly)


def test_only_people_of_whole_windows_of_the_width_within_the_span_are_set_against_the_truth(truth: Truth) -> None:
    [(window, beach)] = people(truth, EVENING, "beach").items()
    others: Tallies = {
        window: {"arrivals": {"beach": 1}, "flows": {("beach", "town"): 1}},
        window._replace(end=EVENING + HOUR, width=HOUR): beach,
        window._replace(width=2 * FIVE): beach,
        window._replace(end=EVENING + MINUTE): beach,
        window._replace(start=EVENING - FIVE, end=EVENING): beach,
        window._replace(start=EVENING + HOUR, end=EVENING + HOUR + FIVE): beach,
    }
    assert errors(others, truth, FIVE, EVENING, EVENING + HOUR) == []


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("19:00", "supper and the first concerts"),
        ("23:00", "fireworks over the beach"),
        ("00:30", "last trains, last dances"),
        ("02:00", "the town sleeps"),
        ("04:00", "the town sleeps"),
        ("09:00", "market in the centre"),
    ],
)
def test_the_screen_says_what_goes_on(clock: str, said: str) -> None:
    assert programme_at(datetime.fromisoformat(f"2014-06-28T{clock}")) == said


def test_zones_are_shown_by_their_titles() -> None:
    header = Header(start=0, end=FIVE, width="5m", version=1, coverage=1.0, k=20)
    seen = (ZoneView("17094", {"people": 40}, None, (40,)), ZoneView("other", {}, None, ()))
    view = LayerView("communes", header, 0.0, seen, 2, (("17094", "beach", 30),))
    named = titled(view, {"17094": "Châtelaillon-Plage", "beach": "The beach"})
    assert [zone.zone for zone in named.zones] == ["Châtelaillon-Plage", "other"]
    assert named.flows == (("Châtelaillon-Plage", "beach", 30),)


def environment(folder: Path) -> Mapping[str, str]:
    """Everything the demo leaves in the folder of temporary files is found there."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    # of another installation: the demo must not touch it
    other = {"FOULE_KAFKA__BOOTSTRAP": "127.0.0.1:1", "FOULE_REDIS__URL": "redis://127.0.0.1:1/0"}
    return {**kept, **other, "TMPDIR": str(folder), "TERM": "xterm-256color"}


def processes_of(folder: Path) -> list[int]:
    """The running processes that have this folder in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and os.fsencode(folder) in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def is_clean(folder: Path) -> bool:
    return not processes_of(folder) and not list(folder.iterdir())


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "foule", "demo", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_ends_by_itself_with_one_line_of_json_and_leaves_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, "--seconds", "4", "--speed", "900", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["ok"] and all(check["holds"] for check in answer["checks"])
    assert answer["accepted"] + answer["late"] + sum(answer["rejected"].values()) == answer["sent"] > 20_000
    assert answer["windows"].keys() == {"5m", "1h", "1d"}
    assert 0 < answer["error"]["festival"]["relative"] < 0.5
    assert "beach" in answer["error"]["festival"]["zones"]
    assert "outside" not in answer["error"]["festival"]["zones"]
    assert is_clean(tmp_path)


def test_a_crowd_too_small_to_publish_ends_with_status_1(tmp_path: Path) -> None:
    result = run(tmp_path, "--seconds", "1", "--people", "15")
    assert result.returncode == 1, result.stderr
    assert "No window was released" in result.stdout
    assert "WRONG" not in result.stdout
    assert is_clean(tmp_path)


def test_a_worker_that_ends_ends_the_demo_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "foule", "demo", "--seconds", "60"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            assert any(line.startswith("sending") for line in process.stdout)
            [worker] = [
                pid for pid in processes_of(tmp_path) if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
            os.kill(worker, signal.SIGKILL)
            said = process.stderr.read()
            assert process.wait(30) == 1
        finally:
            process.kill()
    assert said.startswith("foule: the worker has ended; the end of its log:")
    assert "layer festival: 14 zones" in said
    assert is_clean(tmp_path)


def test_settings_that_cannot_be_used_end_it_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    file = tmp_path / "foule.toml"
    file.write_text("[topics]\npartitions = 0\n")
    result = run(tmp_path / "temporary", "--settings", str(file), "--seconds", "1")
    assert result.returncode == 2
    assert "topics.partitions" in result.stderr
    assert is_clean(tmp_path / "temporary")


@pytest.mark.parametrize(
    ("number", "shown", "status"),
    [(signal.SIGINT, "Casino and seafront", 0), (signal.SIGKILL, "joining Kafka", -signal.SIGKILL)],
)
def test_however_the_live_table_ends_every_process_ends_with_it(
    tmp_path: Path, number: signal.Signals, shown: str, status: int
) -> None:
    terminal = Terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "foule", "demo"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=terminal.program_side,
        stdout=terminal.program_side,
        stderr=terminal.program_side,
    )
    try:
        terminal.wait_for(shown)
        assert len(processes_of(tmp_path)) > 4
        process.send_signal(number)
        assert process.wait(30) == status
        assert wait_until(lambda: is_clean(tmp_path))
    finally:
        process.kill()
        process.wait()
