"""A month of real sessions through Kafka into Redis, and by ``foule batch``: every number equals the oracle's."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zones
from anonymizer.gate import pair_of
from anonymizer.keys import MemoryKeyStore
from config.settings import Settings, load
from foule.oracle.oracle import Keys, Parameters, Record, Result, Rules, final_advances, run
from foule.partitioner import Partitioner, by_partition
from foule.recording import Recording
from indicators.counts import FLOWS
from sinks.kafka import records
from streams import topics
from tests.conftest import SettingsMaker
from tests.e2e.results import (
    dead_letters,
    due_letters,
    oracle_of,
    raw_tallies,
    released_in_kafka,
    released_in_redis,
    released_of_values,
)
from tests.e2e.running import ROOT, Worker, foule, wait_until_released
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import write_settings
from tests.streams.shards import as_oracle

FILE = ROOT.parent / "shared/data/unicom_xdr_201508.csv.gz"
EXAMPLE = ROOT / "examples/unicom.toml"
RECORDS, BAD_TIMES = 293_768, 6_258
LONG = {"linger": "32d", "epoch_days": 32, "epoch_start": "2015-07-31", "windows": ["1d"]}
SEVERAL_DAYS = {"linger": "3h", "epoch_days": 32, "epoch_start": "2015-07-31", "windows": ["1h", "1d"]}
OF_A_DAY = {"dwell": ["1h", "1d"], "origins": ["1h", "1d"], **dict.fromkeys(["nights", "catchment", "trips"], True)}
"""Subscribers are hashes and events tell no MCC: every origin is unknown."""
OF_DAYS = {
    **OF_A_DAY,
    "dwell": ["1d"],
    "origins": ["1d"],
    **dict.fromkeys(["categories", "recurrence", "sojourns", "usual"], True),
}

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not in ../shared/data")


def example(**sections: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """The sections of the example's settings; those given add to and replace them."""
    given = tomllib.loads(EXAMPLE.read_text())
    given["zones"]["cells"] = str(FILE)
    return {name: {**given.get(name, {}), **sections.get(name, {})} for name in {**given, **sections}}


def area(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
    """The location area of a cell of the file, told from its name alone."""
    return None if cell is None else {"lac": cell.partition("-")[0]}


def recorded(settings: Settings) -> Iterator[tuple[int, list[bytes], Recording]]:
    """The sorted file partition by partition, in pieces, without Kafka; and what counts it."""
    partitioner = Partitioner(settings.topics.partitions)
    with Recording(FILE, settings, sort=True, timestamp=None) as recording:
        for batch in recording.batches(lambda done, note: None):
            for partition, rows in by_partition(partitioner.of(batch.keys)):
                yield partition, [batch.values[row] for row in rows.tolist()], recording


def oracle_without_kafka(settings: Settings) -> Result:
    """The oracle on the partition logs that the sorted file makes, each record stamped with one time."""
    logs: dict[int, list[Record]] = {partition: [] for partition in range(settings.topics.partitions)}
    for partition, values, recording in recorded(settings):
        log = logs[partition]
        log += [Record(len(log) + at, recording.kafka_timestamp, value) for at, value in enumerate(values)]
    parameters, layers = Parameters.of(settings), zones.load(settings.zones).layers
    return run(parameters, logs, final_advances(parameters, logs, area), area, layers=layers)


@pytest.mark.real_kafka
def test_every_number_of_the_stream_equals_the_oracle(
    settings_for: SettingsMaker, tmp_path: Path, real_kafka: RealKafka, keys: Keys
) -> None:
    sections = example(privacy={"k": 10}, redis={"series_length": 20_000}, indicators=OF_A_DAY)
    path = settings_for(tmp_path, **sections)
    settings = load(path)
    topics.create(settings)
    with Worker(path) as worker:
        sent = foule("replay", FILE, "--settings", path, "--sort")
        wait_until_released(settings, sent["watermark"], within=300, workers=[worker])
        metrics = worker.metrics()

    layers = zones.load(settings.zones).layers
    expected = oracle_of(settings, keys, area, layers)
    released = expected.released(Rules.of(settings, layers))
    assert expected.read == expected.accepted + expected.late + sum(expected.rejected.values()) == RECORDS
    assert expected.rejected == sent["rejected"] == {"bad_time": BAD_TIMES}
    assert dead_letters(settings) == due_letters(expected)
    assert set(expected.watermarks.values()) == {sent["watermark"]}
    assert raw_tallies(settings, layers, keys) == expected.by_shard
    assert released_in_kafka(settings) == released != {}
    assert released_in_redis(settings) == released
    counted = {name for tallies in expected.by_shard.values() for counts in tallies.values() for name in counts}
    assert counted >= {"dwell", "nights", "trips", "catchment", "origins"}
    assert {name for counts in released.values() for name in counts} >= {"dwell", "catchment"}
    for name in ("read", "accepted", "late"):
        assert metrics[f"foule_records_{name}_total"] == sent[name] == getattr(expected, name)
    assert metrics['foule_records_rejected_total{reason="bad_time"}'] == BAD_TIMES
    assert sent["windows"] > 10  # under keys of its own

    batch = foule("batch", FILE, "--settings", path, "--sort", "--out", tmp_path / "out")
    for name in ("read", "accepted", "late", "rejected"):
        assert batch[name] == sent[name]
    assert released_of_values(settings, under_keys(settings, keys)) == released


def quietly(done: float, what: str) -> None:
    """No report."""


def under_keys(settings: Settings, keys: Keys) -> Iterator[dict[str, Any]]:
    """What ``batch`` would have released of the file with these keys."""
    store = MemoryKeyStore()
    for label, key in keys.items():
        store.put_if_absent(label, key, 1)
    with Recording(FILE, settings, True, None, store) as recording:
        partitioner = Partitioner(settings.topics.partitions)
        for events in recording.batches(quietly):
            for publication in recording.count(partitioner.of(events.keys), events.values, quietly):
                yield from (msgspec.json.decode(record.value) for record in records(publication))
        for publication in recording.finish():
            yield from (msgspec.json.decode(record.value) for record in records(publication))


@pytest.mark.parametrize(
    ("time", "indicators"),
    [({}, OF_A_DAY), (SEVERAL_DAYS, OF_DAYS), (LONG, OF_DAYS)],
    ids=["as in the example", "one epoch", "one epoch without silence"],
)
def test_the_core_counts_what_the_oracle_counts(
    tmp_path: Path, time: dict[str, object], indicators: dict[str, object]
) -> None:
    settings = load(write_settings(tmp_path / "foule.toml", example(time=time, indicators=indicators)))
    closed = []
    for partition, values, recording in recorded(settings):
        closed += recording.core.take(partition, values, recording.stamps(len(values)))
    core, layers = recording.core, recording.places.layers
    closed += core.finish()
    expected = oracle_without_kafka(settings)
    for partition, tallies in expected.by_shard.items():
        assert as_oracle([tally for shard, tally in closed if shard == partition], core.cells) == tallies
    summary = core.summary()
    assert (summary["accepted"], summary["late"]) == (expected.accepted, expected.late)
    assert (summary["read"], summary["rejected"]) == (RECORDS, {"bad_time": BAD_TIMES})
    assert sum(int(shard.moves[0]) for shard in core.shards) == expected.moves["lac"].total()
    if time == LONG:
        flows = [tally.counts[FLOWS] for _, tally in closed if FLOWS in tally.counts]
        pairs = {pair for counts in flows for pair in counts.cells.tolist()}
        named = {pair_of(layers[0], pair) for pair in pairs}
        assert named == set(expected.moves["lac"])
        assert (expected.moves["lac"].total(), len(named)) == (7_563, 3_892)
