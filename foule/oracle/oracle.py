"""From partition logs and the advances applied to them to every count, the plainest way (docs/indicators.md)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from foule.oracle.days import Days, Epoch
from foule.oracle.events import Event, Record, read_event
from foule.oracle.parameters import Fields, Parameters
from foule.oracle.result import ALL, Result, StayedVisit, Tallies, WindowKey
from foule.oracle.visits import Cell, Visit, marks_of, visits_of

__all__ = ["Cell", "Fields", "Locate", "Parameters", "Record", "Result", "Tallies", "Visit", "WindowKey"]
__all__ += ["final_advances", "run"]

Locate = Callable[[str | None, float | None, float | None], dict[str, str] | None]
"""Zone by layer of a cell (then the point is None) or of a point; None for a cell that is unknown."""

Logs = Mapping[int, Sequence[Record]]
Advances = Mapping[int, Sequence[tuple[int, int]]]


class _Accepted(NamedTuple):
    ts: int
    partition: int
    offset: int
    subscriber: str
    zones: dict[str, str]


@dataclass
class _Shard:
    """What reading one partition leaves: a verdict by offset, the accepted records, the watermark."""

    verdicts: dict[int, str] = field(default_factory=dict)
    accepted: list[_Accepted] = field(default_factory=list)
    latest: int | None = None
    watermark: int | None = None

    def advance(self, to: int) -> None:
        if self.watermark is None or to > self.watermark:
            self.watermark = to


def run(parameters: Parameters, logs: Logs, advances: Advances, locate: Locate) -> Result:
    """All counts of the records in ``logs``, by partition and over the whole input.

    ``advances`` holds, by partition, the pairs (N, W) that were applied: "when the next offset is N, advance
    to W". Raises ValueError where a log's offsets do not increase.
    """
    days, result = Days(parameters), Result(parameters)
    everything: list[_Accepted] = []
    for partition, log in sorted(logs.items()):
        shard = _read(parameters, partition, log, advances.get(partition, ()), locate)
        result.watermarks[partition] = shard.watermark
        for offset, verdict in shard.verdicts.items():
            result.judge(partition, offset, verdict)
        if parameters.shuffle:
            everything += shard.accepted
        else:
            result.by_shard[partition] = _count(parameters, days, shard.accepted, result.stays)
    if parameters.shuffle:
        result.by_shard[ALL] = _count(parameters, days, everything, result.stays)
    return result


def final_advances(parameters: Parameters, logs: Logs, locate: Locate) -> dict[int, list[tuple[int, int]]]:
    """The advances that end a replay of these logs: each partition to the end of the last accepted epoch."""
    shards = {partition: _read(parameters, partition, log, (), locate) for partition, log in logs.items()}
    times = [event.ts for shard in shards.values() for event in shard.accepted]
    if not times:
        return {}
    end = Days(parameters).epoch(max(times)).end
    return {partition: [(1 + max(shard.verdicts, default=-1), end)] for partition, shard in shards.items()}


def _read(
    parameters: Parameters,
    partition: int,
    log: Sequence[Record],
    advances: Sequence[tuple[int, int]],
    locate: Locate,
) -> _Shard:
    shard, before = _Shard(), -1
    waiting = sorted(advances, key=lambda advance: advance[0])
    for record in log:
        if record.offset <= before:
            raise ValueError(f"offset {record.offset} does not come after {before}: sort the log by offset")
        while waiting and waiting[0][0] <= record.offset:
            shard.advance(waiting.pop(0)[1])
        shard.verdicts[record.offset] = _take(parameters, shard, partition, record, locate)
        before = record.offset
    for _, watermark in waiting:
        shard.advance(watermark)
    return shard


def _take(parameters: Parameters, shard: _Shard, partition: int, record: Record, locate: Locate) -> str:
    """Judge one record by the watermark that those before it left; an accepted one may advance it."""
    event = read_event(parameters, record.value, record.timestamp)
    if not isinstance(event, Event):
        return event
    zones = locate(event.cell, event.lat, event.lon)
    if zones is None:
        return "unknown_cell"
    if shard.watermark is not None and event.ts <= shard.watermark:
        return "late"
    shard.accepted.append(_Accepted(event.ts, partition, record.offset, event.subscriber, zones))
    seen = event.ts if record.timestamp < 0 else min(event.ts, record.timestamp)
    shard.latest = seen if shard.latest is None else max(shard.latest, seen)
    shard.advance((shard.latest - parameters.lateness) // 1_000 * 1_000)
    return "accepted"


def _count(
    parameters: Parameters, days: Days, accepted: list[_Accepted], stays: dict[str, list[StayedVisit]]
) -> Tallies:
    """The tallies of the devices of these events; their visits are appended to ``stays``, by layer."""
    devices: dict[tuple[str, int], list[_Accepted]] = defaultdict(list)
    epochs: dict[int, Epoch] = {}
    for event in sorted(accepted, key=lambda event: (event.ts, event.partition, event.offset)):
        epoch = days.epoch(event.ts)
        epochs[epoch.number] = epoch
        devices[event.subscriber, epoch.number].append(event)
    tallies: Tallies = {}
    for (_, number), events in devices.items():
        for layer in events[0].zones:
            seen = [(event.ts, event.zones[layer]) for event in events]
            visits = list(visits_of(seen, parameters.linger, epochs[number].end))
            stays.setdefault(layer, []).extend(StayedVisit(epochs[number], visit) for visit in visits)
            for width in parameters.widths:
                _count_device(tallies, layer, width, days, epochs[number], visits)
    return tallies


def _count_device(tallies: Tallies, layer: str, width: int, days: Days, epoch: Epoch, visits: list[Visit]) -> None:
    """Add one device: 1 to each cell in which any of its visits is counted."""
    marks = {mark for visit in visits for mark in marks_of(visit, days, epoch, width)}
    for window, indicator, cell in marks:
        key = WindowKey(layer, width, window.start, window.end)
        cells = tallies.setdefault(key, {}).setdefault(indicator, {})
        cells[cell] = cells.get(cell, 0) + 1
