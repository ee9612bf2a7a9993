"""The verdict: every number that was released, every record that was counted, and every dead letter, by the oracle."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import msgspec

import zones
from config.settings import Settings
from foule.proof.checks import Check, prove
from foule.proof.tallies import TallyLog
from foule.proof.topics import read_topic
from indicators.columns import Reader
from streams.checkpoint import Record, Restorer
from streams.decode import MACHINE
from tests.chaos.expected import Expected, Shard


class Counted(NamedTuple):
    """How many records a shard has counted, by its last checkpoint; ``rejected`` by reason."""

    read: int
    accepted: int
    late: int
    rejected: dict[str, int]


class Verdict(NamedTuple):
    """``lost`` and ``twice``: records counted too rarely and too often; ``windows``: how many were decided;
    ``published``: with something in them; ``lowest``: the lowest coverage."""

    checks: list[Check]
    records: int
    lost: int
    twice: int
    windows: int
    published: int
    lowest: float

    @property
    def holds(self) -> bool:
        """Whether all is as it must be."""
        return all(check.holds for check in self.checks)


def judge(settings: Settings, found: Expected) -> Verdict:
    """Compare what the stream has left with the oracle; every worker has stopped and written its last checkpoint."""
    counted = last_counts(settings)
    lost, twice = _lost_and_twice(found.shards, counted)
    with TallyLog(settings, found.result.keys) as tallies:
        tallies.read()
        checks = prove(settings, zones.load(settings.zones).layers, found.result, tallies).checks
        coverages = [window.coverage for window in tallies.decisions.values()]
        published = tallies.released
    checks += [
        _check_counts(found.shards, counted),
        Check("no record lost, none counted twice", not lost and not twice, f"{lost:,} lost, {twice:,} twice"),
        _check_dead_letters(settings, found.shards),
        _check_repetitions(settings),
        Check("coverage", min(coverages, default=0.0) == 1, f"at least {min(coverages, default=0.0):g}"),
    ]
    return Verdict(checks, found.records, lost, twice, len(coverages), published, min(coverages, default=0.0))


def last_counts(settings: Settings) -> dict[int, Counted]:
    """What each shard has counted, by the newest checkpoint of its changelog."""
    restorers: dict[int, Restorer] = {}
    for record in read_topic(settings, settings.topics.checkpoints):
        restorer = restorers.setdefault(record.partition, Restorer())
        restorer.take(Record(record.key, record.value, record.offset))
    snapshots = {partition: restorer.result().snapshot for partition, restorer in restorers.items()}
    return {
        partition: Counted(*Reader(snapshot).value("verdicts"))
        for partition, snapshot in snapshots.items()
        if snapshot is not None
    }


def _lost_and_twice(shards: dict[int, Shard], counted: dict[int, Counted]) -> tuple[int, int]:
    off = [
        (counted[partition].accepted if partition in counted else 0) - shard.accepted
        for partition, shard in shards.items()
    ]
    return -sum(by for by in off if by < 0), sum(by for by in off if by > 0)


def _check_counts(shards: dict[int, Shard], counted: dict[int, Counted]) -> Check:
    """Whether each shard has read, accepted, rejected and found late what the oracle says."""
    wrong = []
    for partition, shard in shards.items():
        rejected: dict[str, int] = defaultdict(int)
        for reason in shard.rejected.values():
            rejected[reason] += 1
        must = Counted(shard.read, shard.accepted, shard.late, dict(rejected))
        if counted.get(partition) != must:
            wrong.append(f"shard {partition} has {counted.get(partition)} instead of {must}")
    total = [sum(getattr(shard, name) for shard in shards.values()) for name in ("read", "accepted", "late")]
    words = (
        f"{total[0]:,} read = {total[1]:,} accepted + {total[2]:,} late + {total[0] - total[1] - total[2]:,} rejected"
    )
    return Check("records counted by every shard", not wrong, "; ".join(wrong) or words)


def _check_dead_letters(settings: Settings, shards: dict[int, Shard]) -> Check:
    """Whether the rejected records but those of machines, and no others, are on their topic with the right reason; one
    may come again."""
    must = {
        (at, offset, reason)
        for at, shard in shards.items()
        for offset, reason in shard.rejected.items()
        if reason != MACHINE
    }
    found = []
    for record in read_topic(settings, settings.topics.rejected):
        headers = {name: value.decode() for name, value in record.headers}
        found.append((int(headers["partition"]), int(headers["offset"]), headers["reason"]))
    letters = set(found)
    repeated = len(found) - len(letters)
    words = f"{len(letters):,}, of which {repeated:,} came again"
    if letters != must:
        words = f"{len(must - letters):,} missing, {len(letters - must):,} that must not be there"
    return Check("dead letters", letters == must, words)


class _Named(msgspec.Struct, frozen=True):
    """What tells published values of a key apart."""

    start: int
    end: int
    indicator: str = ""
    origin: str = ""
    to: str = ""


def _check_repetitions(settings: Settings) -> Check:
    """Whether what was published again is the same, byte by byte, version included."""
    seen: dict[tuple[str, bytes, _Named], bytes] = {}
    repeated = different = 0
    for topic in (settings.topics.presence, settings.topics.flows, settings.topics.indicators):
        for record in read_topic(settings, topic):
            value = record.value or b""
            key = (topic, record.key or b"", msgspec.json.decode(value, type=_Named))
            first = seen.setdefault(key, value)
            repeated += first is not value
            different += first != value
    words = f"{repeated:,} of {len(seen) + repeated:,} records came again, {different:,} of them with other bytes"
    return Check("what was published again is the same", not different, words)
