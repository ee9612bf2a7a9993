"""What a shard costs by itself: ``Shard.take`` over fetches in memory, without Kafka; one JSON line a run."""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import zones
from anonymizer.keys import EpochKeys, MemoryKeyStore
from bench import workload
from config.sections import IndicatorsSettings, LayerSettings, TimeSettings, ZonesSettings
from config.settings import Settings
from foule.partitioner import Partitioner
from indicators.calendar import DAY_MS
from streams.fetch import Fetch, contiguous
from streams.shard import Shard, ShardParts

PARTITIONS = 4


def shard_parts(
    layers: int, indicators: IndicatorsSettings | None = None, clock: TimeSettings | None = None
) -> ShardParts:
    """What a worker's shards share, for the bench's town in this many layers."""
    with tempfile.TemporaryDirectory(prefix="foule-bench-") as folder:
        cells = workload.write_cells(Path(folder) / "cells.csv")
        columns = tuple(LayerSettings(name=name, column=name) for name in workload.LAYERS[:layers])
        settings = Settings(
            zones=ZonesSettings(cells=cells, layers=columns),
            indicators=indicators or IndicatorsSettings(),
            time=clock or TimeSettings(),
        )
        return ShardParts.of(settings, zones.load(settings.zones), EpochKeys(MemoryKeyStore(), 0, lambda: 0))


def fetches(events: int, records: int, *, damaged: float = workload.DAMAGED) -> Iterator[Fetch]:
    """What partition 0 gets of this many events, in fetches of ``records`` records."""
    partitions = Partitioner(PARTITIONS).of([workload.key_of(each) for each in range(workload.SUBSCRIBERS)])
    values: list[bytes | None] = []
    stamps: list[int] = []
    start = 0
    for batch in workload.batches(events, damaged=damaged):
        mine = np.flatnonzero(partitions[batch.subscribers] == 0)
        values += [batch.values[row] for row in mine.tolist()]
        stamps += batch.stamps[mine].tolist()
        while len(values) >= records:
            yield contiguous(0, start, values[:records], np.array(stamps[:records], np.int64))
            start += records
            del values[:records], stamps[:records]
    if values:
        yield contiguous(0, start, values, np.array(stamps, np.int64))


def measure(layers: int, fed: list[Fetch]) -> dict[str, object]:
    """Let one shard take all fetches; returns what it cost, and what it counted, which no gain in speed may change."""
    shard = Shard(0, shard_parts(layers))
    begun = time.process_time()
    for fetch in fed:
        shard.take(fetch)
    cpu = time.process_time() - begun
    events, devices = shard.verdicts.read, shard.devices
    shard.advance(shard.next_offset, workload.BEGIN + DAY_MS)
    counted = sum(int(counts.counts.sum()) for tally in shard.closed() for counts in tally.counts.values())
    return {
        "system": "shard",
        "layers": layers,
        "events": events,
        "rejected": sum(shard.verdicts.rejected.values()),
        "devices": devices,
        "moves": shard.moves.tolist(),
        "counted": counted,
        "events_per_s": round(events / cpu),
        "cpu_us_per_event": round(cpu / events * 1e6, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of all partitions; the shard gets a quarter")
    parser.add_argument("--records", type=int, default=8_000, help="records of a fetch")
    parser.add_argument("--damaged", type=float, default=workload.DAMAGED, help="share of records to be rejected")
    parser.add_argument("--layers", type=int, nargs="*", default=[1, 2, 3])
    arguments = parser.parse_args()
    fed = list(fetches(arguments.events, arguments.records, damaged=arguments.damaged))
    for layers in arguments.layers:
        print(json.dumps(measure(layers, fed)))


if __name__ == "__main__":
    main()
