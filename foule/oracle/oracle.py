"""From partition logs and the advances applied to them to every count, the plainest way (docs/indicators.md)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from foule.oracle.days import Days, Epoch
from foule.oracle.events import Event, Record, read_event
from foule.oracle.parameters import Fields, Parameters
from foule.oracle.publication import Keys, Rules, add_record_key, record_key
from foule.oracle.result import ALL, Result, StayedVisit, Tallies, WindowKey
from foule.oracle.visits import Cell, Visit, marks_of, visits_of

__all__ = ["Cell", "Fields", "Keys", "Locate", "Parameters", "Record", "Result", "Rules", "Tallies", "Visit"]
__all__ += ["WindowKey"]
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


def run(parameters: Parameters, logs: Logs, advances: Advances, locate: Locate, keys: Keys | None = None) -> Result:
    """All counts of the records in ``logs``, by partition and over the whole input.

    ``advances`` holds, by partition, the pairs (N, W) that were applied: "when the next offset is N, advance
    to W". ``keys``: of the epochs, by label, from which the errors of published numbers follow. Raises ValueError where
    a log's offsets do not increase.
    """
    days, result = Days(parameters), Result(parameters, keys=keys or {})
    everything: list[_Accepted] = []
    for partition, log in sorted(logs.items()):
        shard = _read(parameters, partition, log, advances.get(partition, ()), locate)
        result.watermarks[partition] = shard.watermark
        for offset, verdict in shard.verdicts.items():
            result.judge(partition, offset, verdict)
        if parameters.shuffle:
            everything += shard.accepted
        else:
            _count(result, days, partition, shard.accepted)
    if parameters.shuffle:
        _count(result, days, ALL, everything)
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


def _count(result: Result, days: Days, shard: int, accepted: list[_Accepted]) -> None:
    """Enter the tallies of the devices of these events, and their visits."""
    parameters = result.parameters
    devices: dict[tuple[str, int], list[_Accepted]] = defaultdict(list)
    epochs: dict[int, Epoch] = {}
    for event in sorted(accepted, key=lambda event: (event.ts, event.partition, event.offset)):
        epoch = days.epoch(event.ts)
        epochs[epoch.number] = epoch
        devices[event.subscriber, epoch.number].append(event)
    tallies = result.by_shard[shard] = {}
    sums: dict[str, Tallies] = {label: result.sums.setdefault(label, {}).setdefault(shard, {}) for label in result.keys}
    for (subscriber, number), events in devices.items():
        called = days.epoch_label(epochs[number].start)
        records = [
            (sums[label], record_key(key, subscriber))
            for label, key in result.keys.items()
            if label.partition(".")[0] == called
        ]
        for layer in events[0].zones:
            seen = [(event.ts, event.zones[layer]) for event in events]
            visits = list(visits_of(seen, parameters.linger, epochs[number].end))
            result.stays.setdefault(layer, []).extend(StayedVisit(epochs[number], visit) for visit in visits)
            for width in parameters.widths:
                for window, indicator, cell in _marks(layer, width, days, epochs[number], visits):
                    cells = tallies.setdefault(window, {}).setdefault(indicator, {})
                    cells[cell] = cells.get(cell, 0) + 1
                    for under, record in records:
                        add_record_key(under, window, indicator, cell, record)


def _marks(
    layer: str, width: int, days: Days, epoch: Epoch, visits: list[Visit]
) -> Iterator[tuple[WindowKey, str, Cell]]:
    """Each cell in which any of a device's visits is counted, once: there it adds 1."""
    for window, indicator, cell in {mark for visit in visits for mark in marks_of(visit, days, epoch, width)}:
        yield WindowKey(layer, width, window.start, window.end), indicator, cell
