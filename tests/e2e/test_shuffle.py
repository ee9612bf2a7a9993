"""A feed that is not keyed by subscriber, through workers that are killed: every number equals the oracle's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
import pytest
from kafka import KafkaProducer

from config.settings import Settings, load
from foule.oracle.oracle import Keys, Parameters, Record, Result, Rules, final_advances
from foule.proof.checks import prove
from foule.proof.tallies import TallyLog
from indicators.columns import Reader
from simulator.geography import SETTINGS
from streams import topics
from streams.checkpoint import Record as ChangelogRecord
from streams.checkpoint import Restorer
from streams.wire import Advance, encode_advance
from tests.chaos.stage import indicators
from tests.conftest import SettingsMaker
from tests.crowds import Crowd, interleave
from tests.damage import fuzz
from tests.e2e.festival import INDICATORS
from tests.e2e.results import dead_letters, due_letters, oracle_of
from tests.e2e.running import ROOT, Worker, foule, read_topic, wait_until, wait_until_released
from tests.generators import crowd
from tests.privacy.scan import find_identifiers
from zones import load as load_places

PARTITIONS = 4
EVENTS, DAMAGED = 60_000, 400
A_TURN = 100
"""Records that are sent each time that the test looks whether to go on: about 400 a second."""

PARAMETERS = Parameters(shuffle=True)
READ = "foule_records_read_total"


class Feed:
    """The logs of a crowd on their way to Kafka, in an order drawn from ``random``."""

    def __init__(self, settings: Settings, whole: Crowd, random: Random) -> None:
        self.ends = dict.fromkeys(range(PARTITIONS), 0)
        self._topics = settings.topics
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap, max_request_size=1 << 21)
        order = [partition for partition, log in whole.logs.items() for _ in log]
        random.shuffle(order)
        logs = {partition: iter(log) for partition, log in whole.logs.items()}
        self._records: Iterator[tuple[int, Record]] = ((at, next(logs[at])) for at in order)

    def send(self, most: int | None = A_TURN) -> None:
        """Send some of what is left; all without ``most``. It has no key, and is stamped with the time of sending."""
        for partition, record in islice(self._records, most):
            self._producer.send(self._topics.events, record.value, partition=partition, key=_KEYS[record.value is None])
            self.ends[partition] += 1
        self._producer.flush()

    def finish(self, watermark: int) -> None:
        """Send all that is left, and have every source advance to ``watermark``."""
        self.send(None)
        for partition, end in self.ends.items():
            advance = encode_advance(Advance(end, watermark))
            self._producer.send(self._topics.frontier, advance, partition=partition)
        self._producer.close()


_KEYS = {False: None, True: b""}
"""Kafka's clients refuse a record with neither key nor value."""


def unkeyed(seed: int) -> Crowd:
    """Events of the same devices in all partitions, some late, with damaged records between them."""
    whole = crowd(seed, events=EVENTS, devices=400, partitions=PARTITIONS, parameters=PARAMETERS, stamped=False)
    logs = {at: interleave(log, fuzz(at, DAMAGED), seed) for at, log in whole.logs.items()}
    where: dict[str, set[int]] = defaultdict(set)
    for partition, log in whole.logs.items():
        for record in log:
            where[msgspec.json.decode(record.value or b"")["subscriber"]].add(partition)
    assert sum(len(partitions) == PARTITIONS for partitions in where.values()) > 50
    return Crowd(whole.universe, logs)


@pytest.fixture
def settings_file(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    universe = crowd(1, events=1).universe
    cells = tmp_path / "cells.csv"
    cells.write_text(universe.catalogue(), encoding="utf-8")
    return settings_for(
        tmp_path,
        events={"shuffle": True},
        topics={"partitions": PARTITIONS},
        indicators=indicators(1),
        zones={"cells": cells, "layers": [{"name": layer, "column": layer} for layer in universe.layers]},
        privacy={"k": 10},
        stream={"seal_every": "1s", "checkpoint_every": "2s"},
    )


def counted(settings: Settings) -> Counter[str]:
    """What the newest checkpoints of all sources say that was read."""
    restorers: dict[int, Restorer] = defaultdict(Restorer)
    for record in read_topic(settings, settings.topics.sources):
        restorers[record.partition].take(ChangelogRecord(record.key, record.value, record.offset))
    total: Counter[str] = Counter()
    for restorer in restorers.values():
        read, accepted, late, rejected = Reader(restorer.result().snapshot or b"").value("verdicts")
        total.update({"read": read, "accepted": accepted, "late": late, **rejected})
    return total


def judged(expected: Result) -> Counter[str]:
    """What the oracle says of the same."""
    total = Counter({"read": expected.read, "accepted": expected.accepted, "late": expected.late})
    return total + expected.rejected


def assert_equal_to_the_oracle(settings: Settings, keys: Keys) -> Result:
    """All that was read, released and counted is what the oracle says, which is returned."""
    places = load_places(settings.zones)
    expected = oracle_of(settings, keys)
    assert counted(settings) == judged(expected)
    assert dead_letters(settings) == due_letters(expected)
    assert len(expected.released(Rules.of(settings, places.layers))) > 100
    with TallyLog(settings, keys) as tallies:
        tallies.read()
        proof = prove(settings, places.layers, expected, tallies)
    assert [check for check in proof.checks if not check.holds] == []
    return expected


@pytest.mark.real_kafka
def test_an_unkeyed_feed_equals_the_oracle_though_each_worker_is_killed_in_turn(
    settings_file: Path, keys: Keys
) -> None:
    settings, whole = load(settings_file), unkeyed(5)
    topics.create(settings)
    feed = Feed(settings, whole, Random(5))
    first, second = workers = Worker(settings_file), Worker(settings_file)
    parameters = Parameters.of(settings)
    watermark = final_advances(parameters, whole.logs, whole.universe.locate)[0][0][1]

    def wait_until_they_read(*reading: Worker) -> None:
        """Send, until each of these workers has read a thousand records more."""
        before = [worker.metrics()[READ] for worker in reading]

        def done() -> bool:
            feed.send()
            return all(worker.metrics()[READ] > then + 1_000 for worker, then in zip(reading, before, strict=True))

        wait_until(done, 120, "the workers read on", reading)

    with first, second:
        for victim, survivor in ((first, second), (second, first), (first, second)):
            wait_until_they_read(*workers)
            victim.kill()
            wait_until_they_read(survivor)
            victim.start()
        feed.finish(watermark)
        wait_until_released(settings, watermark, 180, workers)
    expected = assert_equal_to_the_oracle(settings, keys)
    assert expected.read == sum(len(log) for log in whole.logs.values())
    assert min(expected.accepted, expected.late, expected.rejected.total()) > DAMAGED
    ids = {f"imsi-{device:06d}" for device in range(400)}
    for topic in (settings.topics.shuffled, settings.topics.sources):
        assert find_identifiers([record.value or b"" for record in read_topic(settings, topic)], ids) == []


def test_the_doctor_recommends_the_shuffle_for_the_festival_without_keys_and_it_gives_the_oracles_numbers(
    settings_for: SettingsMaker, tmp_path: Path, keys: Keys
) -> None:
    given = load(SETTINGS)
    layers = [{"name": layer.name, "file": layer.file} for layer in given.zones.layers]
    files = {}
    for shuffle in (False, True):
        (tmp_path / str(shuffle)).mkdir()
        files[shuffle] = settings_for(
            tmp_path / str(shuffle),
            events={"not_before": "2014-06-27T00:00:00+02:00", "shuffle": shuffle},
            zones={"cells": given.zones.cells, "layers": layers},
            indicators=INDICATORS,
            stream={"checkpoint_every": "3s", "seal_every": "1s"},
        )
    shuffled = load(files[True])
    foule("topics", "--settings", files[True])
    with Worker(files[True]) as worker:
        sent = foule("simulate", "--settings", files[True], "--people", "500", "--unkeyed")
        wait_until_released(shuffled, sent["watermark"], 180, [worker])
    assert_equal_to_the_oracle(shuffled, keys)
    plain, well = (keying(files[shuffle]) for shuffle in (False, True))
    assert [finding["level"] for finding in plain][:2] == ["fail", "fail"]
    assert all("set events.shuffle = true" in finding["advice"] for finding in plain[:2])
    assert well[0]["level"] == "ok"
    assert "events.shuffle is on" in well[0]["text"]


def keying(settings_file: Path) -> list[dict[str, str]]:
    """What ``foule doctor`` says of the feed's keying."""
    command = [sys.executable, "-m", "foule", "doctor", "--settings", str(settings_file), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return [finding for finding in json.loads(done.stdout)["findings"] if finding["part"] == "keying"]
