"""The key store is emptied: who holds the key puts it back; if nobody does, the epoch ends early and none counts
twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config.settings import Settings, load
from foule.oracle.events import Event, Record, read_event
from foule.oracle.oracle import Keys, Parameters, Result, Rules, Tallies, WindowKey, run
from foule.proof.checks import check_decisions, check_numbers, check_windows
from foule.proof.in_redis import of_redis
from foule.proof.on_kafka import of_topics
from foule.proof.tallies import TallyLog
from streams import wire
from streams.losses import Loss, Losses
from streams.wire import Seal
from tests.conftest import SettingsMaker
from tests.e2e.festival import festival_settings
from tests.e2e.results import applied_advances, event_logs, locator
from tests.e2e.running import Tail, Worker, foule, wait_until, wait_until_released
from tests.streams.memory import entry
from zones import load as load_places

pytestmark = pytest.mark.real_kafka

PEOPLE, START, HALF, END = "600", "2014-06-28T12:00", "2014-06-28T15:10", "2014-06-28T19:00"
DAY = "20140628"
DAY_END = 1_404_007_200_000
"""29 June 2014 04:00 in Paris."""

SHARDS = 4
LOST_KEYS, SPOILT = "foule_lost_keys_total", "foule_spoilt_windows_total"


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    return festival_settings(
        tmp_path,
        settings_for,
        kafka={"session_timeout": "6s"},
        keys={"lost_after": "5s"},
        stream={"checkpoint_every": "1s", "seal_every": "1s"},
        privacy={"k": 10},
    )


class KeyStore:
    """The Redis of the keys, of which no key is ever shown."""

    def __init__(self, settings: Settings) -> None:
        self._client = Redis.from_url(settings.keys.url.reveal())

    def empty(self) -> None:
        self._client.flushall()

    @property
    def names(self) -> set[str]:
        """The labels of the keys that are there; of one that was destroyed, only its place is left."""
        there = [name for name in self._client.scan_iter("foule:key:*") if self._client.strlen(name)]
        return {name.decode().removeprefix("foule:key:") for name in there}

    def digest(self, label: str) -> bytes:
        """Tells whether two keys are the same, and nothing of either."""
        key: Any = self._client.get(f"foule:key:{label}")
        return sha256(key).digest()

    def close(self) -> None:
        self._client.close()


class Checkpoints:
    """How far the shards' checkpoints are, as their seals say."""

    def __init__(self, settings: Settings, log: Tail) -> None:
        self._settings = settings
        self._log = log
        self._newest: dict[int, Seal] = {}

    def hold_all_that_was_sent(self) -> bool:
        ends = {partition: len(log) for partition, log in event_logs(self._settings).items()}
        for record in self._log.read():
            message = wire.decode(record.value or b"")
            if isinstance(message, Seal):
                self._newest[message.shard] = message
        return len(self._newest) == SHARDS and all(
            seal.next_offset == ends[shard] and seal.checkpointed == seal.watermark
            for shard, seal in self._newest.items()
        )


def simulate(path: Path, start: str, end: str, *options: str) -> None:
    """Send what is between the two times."""
    foule("simulate", "--settings", path, "--people", PEOPLE, "--start", start, "--end", end, *options)


def register(settings: Settings) -> list[str]:
    """What is said of keys, in order; two workers may both have offered a key."""
    with Tail(settings, settings.topics.epochs) as log:
        return list(dict.fromkeys(entry(record.key, b"") for record in log.read()))


def total(name: str, *workers: Worker) -> float:
    return sum(worker.metrics().get(name, 0) for worker in workers)


# --- what must be released


def after(loss: Loss, log: list[Record], full: Result, parameters: Parameters) -> list[Record]:
    """The accepted records above the watermark at which the shard lost what it knew."""
    accepted = [record for record in log if full.verdicts[loss.shard, record.offset] == "accepted"]
    return [record for record in accepted if time_of(record, parameters) > loss.watermark]


def time_of(record: Record, parameters: Parameters) -> int:
    event = read_event(parameters, record.value, record.timestamp)
    assert isinstance(event, Event)
    return event.ts


def with_losses(settings: Settings, losses: Mapping[int, Loss], keys: Keys, rules: Rules) -> tuple[Result, Tallies]:
    """What the oracle has if each shard has one loss, and what it would have had of the windows that these withhold."""
    places = load_places(settings.zones)
    parameters, locate = Parameters.of(settings), locator(places)
    logs, advances = event_logs(settings), applied_advances(settings)
    full = run(parameters, logs, advances, locate, keys, places.layers)
    rest = {shard: after(losses[shard], log, full, parameters) for shard, log in logs.items()}
    later = run(parameters, rest, advances, locate, keys, places.layers)
    assert later.accepted == later.read
    assert later.watermarks == full.watermarks
    withheld = Losses()
    for loss in losses.values():
        withheld.add(loss)

    def is_released(window: WindowKey) -> bool:
        return not withheld.spoil(window.start, window.end)

    expected, sums = dict[int, Tallies](), dict[str, dict[int, Tallies]]()
    for shard, loss in losses.items():
        reported = {
            window: full.by_shard[shard][window] for window in full.by_shard[shard] if window.end <= loss.reported
        }
        begun = {
            window: later.by_shard[shard][window] for window in later.by_shard[shard] if window.start > loss.watermark
        }
        together = begun | reported
        expected[shard] = {window: counts for window, counts in together.items() if is_released(window)}
        for label in keys:
            both = later.sums[label][shard] | {window: full.sums[label][shard][window] for window in reported}
            sums.setdefault(label, {})[shard] = both
    spoilt = {window: counts for window, counts in full.released(rules).items() if not is_released(window)}
    return replace(full, by_shard=expected, sums=sums), spoilt


def assert_released_but_for_the_loss(path: Path, keys: Keys) -> None:
    settings = load(path)
    rules = Rules.of(settings, load_places(settings.zones).layers)
    with TallyLog(settings, keys) as tallies:
        tallies.read()
        losses = {loss.shard: loss for loss in tallies.losses}
        assert len(losses) == len(tallies.losses) == SHARDS
        expected, spoilt = with_losses(settings, losses, keys, rules)
        released = expected.released(rules, tallies.label)
        first, last = min(loss.watermark for loss in losses.values()), max(loss.watermark for loss in losses.values())
        assert sum(window.end <= first for window in released) > 50
        assert sum(window.start > last for window in released) > 50
        assert {window.width for window in spoilt} == set(settings.time.windows)
        redis, topics = of_redis(settings), of_topics(settings)
        assert not redis.tallies.keys() & spoilt.keys()
        assert not topics.tallies.keys() & spoilt.keys()
        checks = [
            check_decisions(tallies, expected),
            check_windows("windows in Redis", redis, released),
            check_numbers("numbers in Redis", redis, released),
            check_numbers("numbers on the Kafka topics", topics, released),
        ]
        assert [check for check in checks if not check.holds] == []
        assert tallies.problems == []


# --- the tests


def test_an_emptied_key_store_gets_the_key_back_and_a_key_that_is_lost_ends_its_epoch_early(
    festival: Path, keys: Keys
) -> None:
    settings = load(festival)
    store = KeyStore(settings)
    first, second = workers = Worker(festival), Worker(festival)
    with first, second, Tail(settings, settings.topics.tallies) as log:
        simulate(festival, START, HALF, "--no-finish")
        checkpoints = Checkpoints(settings, log)
        wait_until(checkpoints.hold_all_that_was_sent, 60, "every checkpoint holds all that was sent", workers)

        before = store.digest(DAY)
        store.empty()
        wait_until(lambda: store.names == {DAY}, 15, "the key is back", workers)
        is_the_same = store.digest(DAY) == before
        assert is_the_same
        assert (total(LOST_KEYS, *workers), register(settings)) == (0, [f"made/{DAY}"])

        for worker in workers:
            worker.kill()
        store.empty()
        first.start()
        wait_until(lambda: f"{DAY}.1" in store.names, 60, "the epoch has its next key", [first])
        wait_until(lambda: total(LOST_KEYS, first) >= SHARDS, 10, "every shard has begun anew", [first])
        assert store.names == {f"{DAY}.1"}
        second.start()
        wait_until(lambda: len(first.shards) == len(second.shards) == 2, 60, "each has two shards", workers)
        simulate(festival, HALF, END)
        wait_until_released(settings, DAY_END, 60, workers)
        assert total(LOST_KEYS, *workers) == SHARDS
        assert total(SPOILT, *workers) > 0
        wait_until(lambda: store.names == set(), 30, "the keys of epochs that are over are destroyed", workers)
    store.close()
    said = ["made/20140628", "lost/20140628", "made/20140628.1", "ended/20140628"]
    assert register(settings) == said
    assert_released_but_for_the_loss(festival, keys)
