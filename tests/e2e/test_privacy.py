"""No subscriber id is anywhere but in the events and the dead letters; one that is planted is found, wherever it is."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from prometheus_client import CollectorRegistry, generate_latest
from redis import Redis

from config.errors import FouleError
from config.settings import Settings, load
from foule.proof.topics import read_topic
from indicators.columns import Writer
from simulator.geography import SETTINGS
from sinks.prometheus import Metrics
from streams import checkpoint
from streams.checkpoint import Cut, Record, Restorer
from streams.watermark import BEGINNING
from tests.conftest import SettingsMaker
from tests.e2e.festival import INDICATORS
from tests.e2e.running import ROOT, Worker, wait_until, wait_until_released
from tests.privacy.scan import find_identifiers
from tests.services.settings_file import FreshNames

DAY_AFTER = 1_404_093_600_000
"""30 June 2014 04:00 in Paris: the end of the last epoch of the festival."""

PLANTED = "208019876543210"
Places = dict[str, list[bytes]]


def command(*arguments: str | Path) -> bytes:
    """Run a command of foule; all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "foule", *map(str, arguments)], cwd=ROOT, capture_output=True, check=False
    )
    return done.stdout + done.stderr


def in_redis(url: str) -> Iterator[bytes]:
    """Every key and every value of a Redis."""
    client: Any = Redis.from_url(url)
    with client:
        read: dict[bytes, Callable[[bytes], Iterable[bytes]]] = {
            b"string": lambda key: [client.get(key)],
            b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
            b"stream": lambda key: [
                part for _, fields in client.xrange(key) for pair in fields.items() for part in pair
            ],
        }
        for key in client.scan_iter():
            yield key
            yield from read[client.type(key)](key)


def in_topic(settings: Settings, topic: str) -> Iterator[bytes]:
    """Every key, value and header of a topic; of the changelog also what its snapshots hold, which are compressed."""
    restorers: dict[int, Restorer] = {}
    for record in read_topic(settings, topic):
        yield record.key or b""
        yield record.value or b""
        for name, value in record.headers:
            yield from (name.encode(), value)
        if topic == settings.topics.checkpoints:
            restorers.setdefault(record.partition, Restorer()).take(Record(record.key, record.value, record.offset))
            if record.key is not None and record.key.startswith(b"manifest"):
                yield restorers[record.partition].result().snapshot or b""


def topics_of(settings: Settings, names: FreshNames) -> list[str]:
    """All topics that this run made, those included that nobody planned."""
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        return sorted(topic for topic in admin.list_topics() if names.prefix in topic or names.group in topic)


def left_behind(settings: Settings, names: FreshNames) -> Places:
    """What the run left in both Redis and on Kafka, by place."""
    places = {
        "redis": list(in_redis(settings.redis.url.reveal())),
        "key store": list(in_redis(settings.keys.url.reveal())),
    }
    personal = (settings.topics.events, settings.topics.rejected)
    for topic in topics_of(settings, names):
        if topic not in personal:
            places[topic.removeprefix(f"{names.prefix}.")] = list(in_topic(settings, topic))
    return places


def found_in(places: Places, ids: set[str]) -> dict[str, list[Any]]:
    found = {place: find_identifiers(pieces, ids) for place, pieces in places.items()}
    return {place: findings for place, findings in found.items() if findings}


def error_text(act: Callable[[], object]) -> bytes:
    with pytest.raises(FouleError) as caught:
        act()
    return "".join(traceback.format_exception(caught.value)).encode()


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    """A settings file for the festival, with all that can be logged in the log."""
    given = load(SETTINGS)
    layers = [{"name": layer.name, "file": layer.file} for layer in given.zones.layers]
    return settings_for(
        tmp_path,
        events={"not_before": "2014-06-27T00:00:00+02:00"},
        zones={"cells": given.zones.cells, "layers": layers},
        indicators=INDICATORS,
        stream={"checkpoint_every": "1s", "seal_every": "1s"},
        log={"level": "debug"},
    )


def test_subscriber_ids_are_nowhere_and_planted_ones_are_found(festival: Path, fresh_names: FreshNames) -> None:
    settings = load(festival)
    printed = [command("topics", "--settings", festival)]
    with Worker(festival) as worker:
        simulate = ("simulate", "--settings", festival, "--people", "400", "--timestamps", "now")
        printed.append(command(*simulate, "--end", "2014-06-28T16:00", "--no-finish"))
        key_store = settings.keys.url.reveal()
        wait_until(lambda: any(in_redis(key_store)), 60, "the epoch has its key", [worker])
        while_counting = list(in_redis(key_store))
        printed.append(command(*simulate, "--start", "2014-06-28T16:00"))
        wait_until_released(settings, DAY_AFTER, 120, [worker])
        metrics = worker.metrics_text().encode()
    printed.append(command("doctor", "--settings", festival))

    ids = {record.key.decode() for record in read_topic(settings, settings.topics.events) if record.key}
    assert len(ids) > 300
    assert find_identifiers([record.value or b"" for record in read_topic(settings, settings.topics.rejected)], ids)
    places = left_behind(settings, fresh_names)
    written = {"redis", "tallies", "checkpoints", "frontier", "presence", "flows", "indicators"}
    assert set(places) >= {"key store", *written}
    assert all(places[name] for name in written)
    places |= {"log": [worker.log_text.encode()], "printed": printed, "metrics": [metrics], "keys then": while_counting}
    assert b"shard 0 goes on at offset" in places["log"][0] and b"foule_records_read_total" in metrics
    assert found_in(places, ids) == {}

    plant(settings, fresh_names)
    planted = left_behind(settings, fresh_names)
    assert found_in(planted, {PLANTED}).keys() == planted.keys()


def plant(settings: Settings, names: FreshNames) -> None:
    """Put the id in every place, in a key, a value, a header or a snapshot."""
    for url in (settings.redis.url, settings.keys.url):
        with Redis.from_url(url.reveal()) as client:
            client.hset("planted", mapping={"field": f"a {PLANTED} z"})
    raw, as_header = PLANTED.encode(), [("seen", PLANTED.encode())]
    writer = Writer()
    writer.value("devices", [PLANTED])
    parts, manifest = checkpoint.encode(writer, 10**12, 1, Cut(0, 0, BEGINNING, -1))
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    for record in [*parts, manifest]:
        producer.send(settings.topics.checkpoints, key=record.key, value=record.value, partition=0)
    for topic in topics_of(settings, names):
        if topic in (settings.topics.tallies, settings.topics.epochs):
            producer.send(topic, key=raw, value=b"")
        elif topic == settings.topics.frontier:
            producer.send(topic, value=b"", headers=as_header)
        elif topic != settings.topics.checkpoints:
            producer.send(topic, value=b'{"subscriber":"%b"}' % raw)
    producer.flush()
    producer.close()


@pytest.mark.parametrize("place", ["log", "metrics", "error"])
def test_an_id_planted_in_text_is_found(place: str) -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.lag_records.labels(PLANTED).set(1)

    def fail() -> None:
        raise FouleError(f"subscriber {PLANTED} cannot be read")

    text = {
        "log": f"2014-06-28 INFO streams.crowd: device {PLANTED} is new".encode(),
        "metrics": generate_latest(metrics.lag_records),
        "error": error_text(fail),
    }[place]
    assert found_in({place: [b"", text]}, {PLANTED}).keys() == {place}


@pytest.mark.parametrize(
    "lines",
    [
        f"ts,cell\n1,{PLANTED}",
        f'ts,subscriber,cell\n1,{PLANTED},"open',
        f"ts,subscriber,cell\n1,{PLANTED}\n",
        f"ts,subscriber,cell\n1,{PLANTED},beach,{PLANTED}\n",
        f"ts,subscriber,cell\n{PLANTED}x,{PLANTED},beach\n",
        f'{{"ts":1,"subscriber":"{PLANTED}"',
    ],
)
@pytest.mark.parametrize("name", ["batch", "replay"])
def test_what_is_wrong_with_a_file_is_said_without_an_id(festival: Path, tmp_path: Path, lines: str, name: str) -> None:
    file = tmp_path / ("events.jsonl" if lines.startswith("{") else "events.csv")
    file.write_text(lines)
    out = ("--out", tmp_path / "out") if name == "batch" else ()
    printed = command(name, file, "--settings", festival, *out)
    assert printed
    assert found_in({"printed": [printed]}, {PLANTED}) == {}
