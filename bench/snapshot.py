"""What a snapshot of a large shard costs by itself, without Kafka: the copy, for which the flow stands still, and the
packing in a thread, while which an event loop should run on. Part of ``python -m bench.recovery``."""

import asyncio
import time
from typing import Any

from anonymizer.cipher import Cipher
from bench import workload
from bench.shard import shard_parts
from indicators.sealing import Sealer
from streams.fetch import contiguous
from streams.shard import Shard, ShardParts

_FETCH = 10_000
_TICK = 0.001


def filled(parts: ShardParts, devices: int, events: int) -> Shard:
    """A shard that has seen this many devices, each once before any of them again."""
    shard, start = Shard(0, parts), 0
    for batch in workload.batches(events, subscribers=range(devices), all_seen=True):
        for at in range(0, len(batch.values), _FETCH):
            values = list(batch.values[at : at + _FETCH])
            shard.take(contiguous(0, start, [*values], batch.stamps[at : at + _FETCH]))
            start += len(values)
        shard.closed()
    return shard


async def longest_wait(seconds: list[float]) -> None:
    """Measure, until cancelled, how long the loop lets a task wait that wants to run; appends to ``seconds``."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(_TICK)
        seconds.append(time.perf_counter() - begun - _TICK)


def sealing_cpu(data: list[bytes]) -> float:
    """What of a snapshot's processor time (s) is spent on sealing so many bytes."""
    begun = time.thread_time()
    for _ in Sealer(Cipher(bytes(32)), "").pieces(data):
        pass
    return time.thread_time() - begun


async def measure(layers: int, devices: int, events: int, rounds: int) -> dict[str, Any]:
    """Snapshots of one shard; of each figure the worst."""
    parts = shard_parts(layers)
    shard = filled(parts, devices, events)
    copies, copies_cpu, cpu, waits, data = list[float](), list[float](), list[float](), list[float](), list[bytes]()
    for _ in range(rounds):
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        snapshot = shard.snapshot()
        copies.append(time.perf_counter() - begun)
        copies_cpu.append(time.thread_time() - begun_cpu)
        watching = asyncio.create_task(longest_wait(waits))
        begun_cpu = time.process_time()
        data = await asyncio.to_thread(list, snapshot.pieces())
        cpu.append(time.process_time() - begun_cpu + copies_cpu[-1])
        watching.cancel()
    begun = time.perf_counter()
    Shard.restored(0, parts, b"".join(data))
    return {
        "bench": "snapshot",
        "layers": layers,
        "devices": shard.devices,
        "events": events,
        "stall_ms": round(max(copies) * 1000, 1),
        "stall_cpu_ms": round(max(copies_cpu) * 1000, 1),
        "loop_wait_ms": round(max(waits, default=0.0) * 1000, 1),
        "cpu_s": round(max(cpu), 3),
        "sealing_cpu_s": round(sealing_cpu(data), 3),
        "megabytes": round(sum(map(len, data)) / 1e6, 1),
        "restore_s": round(time.perf_counter() - begun, 2),
    }
