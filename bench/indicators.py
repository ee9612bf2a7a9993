"""``make bench-indicators``: what all indicators cost on the path of an event, beside presence and flows, in one run.

The path: fetches taken by a shard, the tallies of all windows that close, those of the day among them, as bytes for the
log, and a snapshot. The rounds of both alternate. The memory is what a shard holds after the last fetch.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc
from dataclasses import replace
from statistics import median

from anonymizer.keys import EpochKeys, MemoryKeyStore
from bench.privacy import carry
from bench.shard import fetches, shard_parts
from bench.verdict import Bar, emit, verdict
from bench.workload import BEGIN
from config.sections import IndicatorsSettings
from config.times import DAY, HOUR, Duration
from indicators.calendar import DAY_MS
from streams.fetch import Fetch
from streams.shard import Shard, ShardParts

_MOST = 1.5
_WIDTHS = (Duration(HOUR), Duration(DAY))
EVERYTHING = IndicatorsSettings(
    dwell=_WIDTHS, origins=_WIDTHS, nights=True, categories=True, catchment=True, trips=True, occupancy=True
)
COUNTINGS = {"presence_and_flows": IndicatorsSettings(), "everything": EVERYTHING}

# where a subscriber is from, by the last digits of its id: seven of eight are at home
_HOMES = [f'"mcc":208,"home":"{area}"'.encode() for area in (17, 17, 33, 79, 86, 75, 69)] + [b'"mcc":262']


def from_somewhere(fetch: Fetch) -> Fetch:
    """The same events with the origins of their subscribers."""
    values = [
        None if value is None else value.replace(b'"mcc":208', _HOMES[sum(value[35:50]) % len(_HOMES)])
        for value in fetch.values
    ]
    return replace(fetch, values=values)


def fresh(parts: ShardParts) -> ShardParts:
    """The same with a key of its own."""
    return replace(parts, keys=EpochKeys(MemoryKeyStore(), 1 << 40, lambda: 0))


def seconds(parts: ShardParts, fed: list[Fetch]) -> float:
    """Processor time of one shard's way through all fetches, a snapshot, and the end of the day."""
    parts = fresh(parts)
    shard = Shard(0, parts)
    gc.collect()
    begun = time.process_time()
    for fetch in fed:
        shard.take(fetch)
        carry(shard, parts)
    for _ in shard.snapshot().pieces():
        pass
    shard.advance(shard.next_offset, BEGIN + DAY_MS)
    carry(shard, parts)
    return time.process_time() - begun


def memory(parts: ShardParts, fed: list[Fetch]) -> tuple[int, int]:
    """Bytes that a shard holds after all fetches, and its devices."""
    gc.collect()
    tracemalloc.start()
    shard = Shard(0, fresh(parts))
    for fetch in fed:
        shard.take(fetch)
        shard.closed()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held, shard.devices


def main() -> int:
    """Command line; the exit status says whether the target is reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.indicators", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="of all partitions; the shard gets a quarter")
    parser.add_argument("--records", type=int, default=8_000, help="records of a fetch")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    fed = [from_somewhere(fetch) for fetch in fetches(arguments.events, arguments.records)]
    events = sum(len(fetch) for fetch in fed)
    parts = {name: shard_parts(arguments.layers, indicators) for name, indicators in COUNTINGS.items()}
    taken: dict[str, list[float]] = {name: [] for name in parts}
    for number in range(arguments.rounds):
        for name in sorted(parts, reverse=bool(number % 2)):
            taken[name].append(seconds(parts[name], fed))
    each = {name: round(median(times) / events * 1e6, 4) for name, times in taken.items()}
    held = {name: memory(each_parts, fed) for name, each_parts in parts.items()}
    bytes_each = {name: round(size / devices) for name, (size, devices) in held.items()}
    about = {"events": events, "devices": held["everything"][1], "layers": arguments.layers}
    emit({"bench": "indicators", **about, "cpu_us_per_event": each, "bytes_per_device": bytes_each})
    pairs = zip(taken["presence_and_flows"], taken["everything"], strict=True)
    ratio = median(all_of_it / few for few, all_of_it in pairs)
    return 0 if verdict("indicators", {"everything_over_presence_and_flows": Bar(ratio, _MOST)}) else 1


if __name__ == "__main__":
    sys.exit(main())
