"""Whether what the demo published is what the oracle computes from the events that were sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from config.settings import Settings
from foule.demo.logs import LogRecord, read_topic
from foule.demo.published import Numbers, Published, of_oracle, of_redis, of_topics
from foule.demo.services import WorkerFigures
from foule.demo.tallies import TallyLog
from foule.oracle.oracle import Locate, Parameters, Record, run
from foule.oracle.result import Result, Tallies
from streams.checkpoint import Record as ChangelogRecord
from streams.checkpoint import Restorer
from zones import Places

_Key = TypeVar("_Key")


class Check(NamedTuple):
    """One thing that must hold: what, whether it does, and the figures that show it."""

    name: str
    holds: bool
    detail: str


class Verdict(NamedTuple):
    """The checks, what the oracle found, and what was published."""

    checks: list[Check]
    oracle: Result
    published: Published

    @property
    def holds(self) -> bool:
        """Whether windows were released and every check holds."""
        return bool(self.published.windows) and all(check.holds for check in self.checks)


def judge(settings: Settings, places: Places, sent: int, figures: WorkerFigures, tallies: TallyLog) -> Verdict:
    """Read everything back and compare it; the release must have caught up.

    ``sent``: records that Kafka acknowledged; ``tallies``: read to its end.
    """
    logs = _logs(read_topic(settings.kafka, settings.topics.events), settings.topics.partitions)
    oracle = run(Parameters.of(settings), logs, _advances(settings), locator(places))
    expected = of_oracle(oracle.released(settings.privacy.k))
    redis, topics = of_redis(settings), of_topics(settings)
    windows = Check(
        "windows in Redis",
        redis.windows == expected.windows,
        f"{len(redis.windows):,}; {len(expected.windows):,} must be released",
    )
    checks = [
        *_check_events(sent, figures, oracle),
        _check_tallies(tallies, oracle),
        _check_decisions(tallies, oracle),
        windows,
        _check_numbers("numbers in Redis", redis, expected.numbers),
        _check_numbers("numbers on the Kafka topics", topics, expected.numbers),
    ]
    return Verdict(checks, oracle, redis)


def locator(places: Places) -> Locate:
    """The zone in each layer of a cell or a point, as the oracle asks for it."""

    @cache
    def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
        if cell is None:
            place = int(places.of_points(np.array([lat]), np.array([lon]))[0])
        else:
            place = int(places.of_cells([cell])[0])
        if place < 0:
            return None
        zones = places.zones[place].tolist()
        return {layer.name: layer.zone_name(zone) for layer, zone in zip(places.layers, zones, strict=True)}

    return locate


def compare(expected: Mapping[_Key, int], found: Mapping[_Key, int]) -> str:
    """What differs between two sets of numbers, in words; empty if nothing does."""
    missing = len(expected.keys() - found.keys())
    unexpected = len(found.keys() - expected.keys())
    different = sum(found[key] != value for key, value in expected.items() if key in found)
    counts = {"missing": missing, "that must not be there": unexpected, "with another value": different}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def _logs(records: Iterable[LogRecord], partitions: int) -> dict[int, list[Record]]:
    logs: dict[int, list[Record]] = {partition: [] for partition in range(partitions)}
    for record in records:
        logs[record.partition].append(Record(record.offset, record.timestamp, record.value))
    return logs


def _advances(settings: Settings) -> dict[int, list[tuple[int, int]]]:
    """The advances that each shard noted on its changelog as applied."""
    restorers: dict[int, Restorer] = {}
    for record in read_topic(settings.kafka, settings.topics.checkpoints):
        restorer = restorers.setdefault(record.partition, Restorer())
        restorer.take(ChangelogRecord(record.key or b"", record.value))
    return {
        partition: [(note.next, note.watermark) for note in restorer.result().advances if note.applied]
        for partition, restorer in restorers.items()
    }


def _check_events(sent: int, figures: WorkerFigures, oracle: Result) -> list[Check]:
    rejected = {reason: count for reason, count in figures.rejected.items() if count}
    total = figures.accepted + figures.late + sum(rejected.values())
    counted = (figures.accepted, figures.late, rejected)
    return [
        Check("events on the log", oracle.read == sent, f"{oracle.read:,} of {sent:,} sent"),
        Check(
            "accepted + late + rejected = sent",
            total == figures.read == sent,
            f"{figures.accepted:,} + {figures.late:,} + {sum(rejected.values()):,} = {total:,}",
        ),
        Check(
            "judged as by the oracle",
            counted == (oracle.accepted, oracle.late, dict(oracle.rejected)),
            f"{oracle.accepted:,} accepted, {oracle.late:,} late, {oracle.rejected.total():,} rejected by it",
        ),
    ]


def _check_tallies(tallies: TallyLog, oracle: Result) -> Check:
    expected = _flat({shard: oracle.complete(shard) for shard in oracle.by_shard})
    differences = compare(expected, _flat(tallies.by_shard()))
    if tallies.contradictions:
        differences += f"; {tallies.contradictions:,} came again with other numbers"
    return Check(
        "raw tallies of every shard", not differences, differences or f"{len(expected):,} counts, all as the oracle's"
    )


def _check_decisions(tallies: TallyLog, oracle: Result) -> Check:
    expected = oracle.complete().keys()
    wrong = expected ^ tallies.decisions.keys()
    detail = f"{len(tallies.decisions):,}, with something to publish in {tallies.released:,}"
    if wrong:
        detail += f"; {len(wrong):,} are not those that were complete"
    if tallies.incomplete:
        detail += f"; {tallies.incomplete:,} without every shard"
    return Check("complete windows decided", not wrong and not tallies.incomplete, detail)


def _check_numbers(name: str, published: Published, expected: Numbers) -> Check:
    differences = compare(expected, published.numbers)
    if published.contradictions:
        differences += f"; {published.contradictions:,} came again with other values"
    return Check(name, not differences, differences or f"{len(expected):,}, all as the oracle's")


def _flat(shards: Mapping[int, Tallies]) -> dict[object, int]:
    return {
        (shard, window, indicator, cell): count
        for shard, tallies in shards.items()
        for window, indicators in tallies.items()
        for indicator, cells in indicators.items()
        for cell, count in cells.items()
    }
