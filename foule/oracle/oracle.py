"""From partition logs and the advances applied to them to every count, the plainest way (docs/indicators.md)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from foule.oracle.catchment import catchment_marks
from foule.oracle.categories import category_marks
from foule.oracle.days import Days, Epoch
from foule.oracle.dwell import dwell_marks
from foule.oracle.events import Event, Record, read_event
from foule.oracle.origins import by_origin, origin_of
from foule.oracle.parameters import DAY, Fields, Parameters
from foule.oracle.publication import Keys, Rules, add_record_key, record_key
from foule.oracle.result import ALL, Result, StayedVisit, Tallies, WindowKey
from foule.oracle.several_days import recurrence_marks, sojourn_marks, usual_marks
from foule.oracle.stays import night_marks
from foule.oracle.track import Mark, Track, Zoning
from foule.oracle.trips import trip_marks
from foule.oracle.visits import Cell, Visit, marks_of
from zones import Layer

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
    mcc: str | None
    home: str | None


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


def run(
    parameters: Parameters,
    logs: Logs,
    advances: Advances,
    locate: Locate,
    keys: Keys | None = None,
    layers: Sequence[Layer] = (),
) -> Result:
    """All counts of the records in ``logs``, by partition and over the whole input.

    ``advances`` holds, by partition, the pairs (N, W) that were applied: "when the next offset is N, advance
    to W". ``keys``: of the epochs, by label, from which the errors of published numbers follow. ``layers``: the order
    of their zones, which decides between nights of the same length, and their home areas; zones of a layer that is not
    here are in the order of their names, and have no area. Raises ValueError where a log's offsets do not increase.
    """
    zonings = {layer.name: Zoning.of(layer) for layer in layers}
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
            _count(result, days, zonings, partition, shard.accepted)
    if parameters.shuffle:
        _count(result, days, zonings, ALL, everything)
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
    if event.machine:
        return "machine"
    if shard.watermark is not None and event.ts <= shard.watermark:
        return "late"
    person = event.subscriber, zones, event.mcc, event.home
    shard.accepted.append(_Accepted(event.ts, partition, record.offset, *person))
    seen = event.ts if record.timestamp < 0 else min(event.ts, record.timestamp)
    shard.latest = seen if shard.latest is None else max(shard.latest, seen)
    shard.advance((shard.latest - parameters.lateness) // 1_000 * 1_000)
    return "accepted"


def _count(result: Result, days: Days, zonings: Mapping[str, Zoning], shard: int, accepted: list[_Accepted]) -> None:
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
        origin = origin_of(parameters, subscriber, events[0].mcc, events[0].home)
        for layer in events[0].zones:
            seen = [(event.ts, event.zones[layer]) for event in events]
            track = Track(parameters, days, epochs[number], zonings.get(layer, Zoning()), seen, origin)
            result.stays.setdefault(layer, []).extend(StayedVisit(track.epoch, visit) for visit in track.visits)
            for width in parameters.widths:
                for span, indicator, cell in _marks(track, width):
                    window = WindowKey(layer, width, span.start, span.end)
                    cells = tallies.setdefault(window, {}).setdefault(indicator, {})
                    cells[cell] = cells.get(cell, 0) + 1
                    for under, record in records:
                        add_record_key(under, window, indicator, cell, record)


def _marks(track: Track, width: int) -> set[Mark]:
    """Each cell of a window of ``width`` ms in which a device is counted, once: there it adds 1."""
    wanted = track.parameters
    marks = {mark for visit in track.visits for mark in marks_of(visit, track.days, track.epoch, width)}
    if width in wanted.dwell:
        marks.update(dwell_marks(track, width))
    if width == DAY:
        for daily, is_wanted in (
            (night_marks, wanted.nights),
            (category_marks, wanted.categories),
            (catchment_marks, wanted.catchment),
            (trip_marks, wanted.trips),
            (recurrence_marks, wanted.recurrence),
            (sojourn_marks, wanted.sojourns),
            (usual_marks, wanted.usual),
        ):
            if is_wanted:
                marks.update(daily(track))
    if width in wanted.origins:
        marks.update(by_origin(track.zoning, track.origin, list(marks)))
    return marks
