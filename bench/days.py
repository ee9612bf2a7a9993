"""``python -m bench.days``: days in which a shard counts every indicator of a million devices.

Each day a shard takes events of every device until the day's end, is copied for a snapshot, and closes the day. One
JSON line a day: for how long the event loop stands still while the shard is copied, and while the day closes with all
windows that end with it; and the memory of a device.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple

import msgspec
import psutil

from bench import workload
from bench.indicators import EVERYTHING, from_somewhere
from bench.shard import shard_parts
from bench.verdict import Bar, emit, verdict
from config.sections import TimeSettings
from config.times import HOUR, Duration
from indicators.calendar import DAY_MS
from streams.fetch import contiguous
from streams.shard import Shard

_FETCH = 10_000
_FIRST_DAY = date(2014, 6, 28)
_END_OF_FIRST_DAY = workload.BEGIN + 18 * HOUR  # four in the morning
_LINGER = Duration(6 * HOUR)  # so that devices that are seen seldom have stays, nights and trips
_LONGEST_COPY = 0.1  # s of processor time, and so the other
_LONGEST_CLOSE = 4.0
OF_DAYS = msgspec.structs.replace(EVERYTHING, recurrence=True, sojourns=True, usual=True)


class Seconds(NamedTuple):
    """How long something took, and the processor time of it."""

    wall: float
    cpu: float


def taken(what: Callable[[], object]) -> Seconds:
    """How long it takes."""
    begun, begun_cpu = time.perf_counter(), time.thread_time()
    what()
    return Seconds(time.perf_counter() - begun, time.thread_time() - begun_cpu)


class DayOf(NamedTuple):
    """What a day cost: seconds in which the shard was copied, and in which the day closed; bytes of a device before."""

    copied: Seconds
    closed: Seconds
    device_bytes: float


def days(layers: int, devices: int, sightings: int, number: int) -> Iterator[DayOf]:
    """Let a shard take so many days of an epoch, each device seen ``sightings`` times a day."""
    before = psutil.Process().memory_info().rss
    clock = TimeSettings(epoch_days=number, epoch_start=_FIRST_DAY, linger=_LINGER)
    shard = Shard(0, shard_parts(layers, OF_DAYS, clock))
    for day in range(number):
        begin, end = workload.BEGIN + day * DAY_MS, _END_OF_FIRST_DAY + day * DAY_MS
        batches = workload.batches(
            devices * sightings, seed=day, subscribers=range(devices), begin=begin, span=end - begin, all_seen=True
        )
        for batch in batches:
            for at in range(0, len(batch.values), _FETCH):
                rows = slice(at, at + _FETCH)
                fetch = contiguous(0, shard.next_offset, list(batch.values[rows]), batch.stamps[rows])
                shard.take(from_somewhere(fetch))
            shard.closed()
        copied = taken(shard.snapshot)
        each = (psutil.Process().memory_info().rss - before) / shard.devices
        shard.advance(shard.next_offset, end - 1)
        closed = taken(partial(shard.advance, shard.next_offset, end))
        shard.closed()
        yield DayOf(copied, closed, each)


def main() -> int:
    """Command line; the exit status says whether the bars are reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.days", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--sightings", type=int, default=3, help="of each device a day")
    parser.add_argument("--layers", type=int, default=3, choices=[1, 2, 3], help="of zones")
    parser.add_argument("--days", type=int, default=3, help="of an epoch")
    arguments = parser.parse_args()
    about = {"bench": "days", "layers": arguments.layers, "devices": arguments.devices}
    found = []
    for number, day in enumerate(days(arguments.layers, arguments.devices, arguments.sightings, arguments.days), 1):
        found.append(day)
        shown = {
            "copy_ms": round(day.copied.wall * 1000, 1),
            "copy_cpu_ms": round(day.copied.cpu * 1000, 1),
            "close_s": round(day.closed.wall, 2),
            "close_cpu_s": round(day.closed.cpu, 2),
            "bytes_per_device": round(day.device_bytes),
        }
        emit({**about, "day": number, **shown})
    bars = {
        "copy_cpu_s": Bar(max(day.copied.cpu for day in found), _LONGEST_COPY),
        "close_cpu_s": Bar(max(day.closed.cpu for day in found), _LONGEST_CLOSE),
    }
    return 0 if verdict("days", bars) else 1


if __name__ == "__main__":
    sys.exit(main())
