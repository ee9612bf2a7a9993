"""The report of a run: each fault and how long the flow stood still because of it, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

import msgspec

from tests.chaos.expected import Expected
from tests.chaos.faults import Done
from tests.chaos.stage import SEAL_EVERY
from tests.chaos.verdict import Verdict
from tests.chaos.watch import Watch, longest, standstills

STOPS_WITHIN = 10.0
_RECOVERY = 60.0


class FaultReport(msgspec.Struct, frozen=True):
    """A fault: ``at`` in seconds after the first event; for how many seconds from then on some partition with records
    to read was not read, and no window was decided."""

    number: int
    kind: str
    step: str
    at: float
    detail: str
    events_stood_still: float
    release_stood_still: float


class Report(msgspec.Struct, frozen=True):
    """What a run has shown; ``holds`` is its verdict. ``ended``: how many workers ended by themselves; ``refused``: how
    often one could not be started, as without a broker; ``slowest_stop``: seconds of the slowest SIGTERM;
    ``problems``: why the run did not come to its end."""

    seed: int
    faults: list[FaultReport]
    events: int
    seconds: float
    windows: int
    published: int
    lost: int
    twice: int
    coverage: float
    ended: int
    refused: int
    slowest_stop: float
    problems: list[str]
    checks: list[tuple[str, bool, str]]
    holds: bool


class Run(NamedTuple):
    """What was done: ``began`` is when the first event was sent, in seconds since the Unix epoch."""

    seed: int
    began: float
    done: list[Done]
    seconds: float
    problems: list[str]
    ended: Sequence[str]
    refused: int
    stops: Sequence[float]


def make(run: Run, watch: Watch, found: Expected, verdict: Verdict) -> Report:
    """The report of a run that has been judged."""
    return Report(
        seed=run.seed,
        faults=_faults(run, watch, found),
        events=verdict.records,
        seconds=round(run.seconds, 1),
        windows=verdict.windows,
        published=verdict.published,
        lost=verdict.lost,
        twice=verdict.twice,
        coverage=verdict.lowest,
        ended=len(run.ended),
        refused=run.refused,
        slowest_stop=round(max(run.stops, default=0.0), 1),
        problems=run.problems,
        checks=[(check.name, check.holds, check.detail) for check in verdict.checks],
        holds=verdict.holds and not run.ended and not run.problems and max(run.stops, default=0.0) < STOPS_WITHIN,
    )


def _faults(run: Run, watch: Watch, found: Expected) -> list[FaultReport]:
    events = {shard: standstills(points, found.shards[shard].stamps) for shard, points in watch.progress.items()}
    release = {0: list(pairwise(watch.decisions))}
    reports = []
    for done, following in zip_longest(run.done, run.done[1:]):
        # what begins just before the following fault is its own: nobody seals more often than that
        until = done.at + _RECOVERY if following is None else following.at - 2 * SEAL_EVERY
        reports.append(
            FaultReport(
                number=done.fault.number + 1,
                kind=done.fault.kind,
                step=done.fault.step,
                at=round(done.at - run.began, 1),
                detail=done.detail,
                events_stood_still=round(longest(events, done.at, until), 1),
                release_stood_still=round(longest(release, done.at, until), 1),
            )
        )
    return reports


def lines(report: Report, words: dict[str, str]) -> list[str]:
    """The report as text; ``words``: what each kind of fault is."""
    found = [
        f"seed {report.seed}: {len(report.faults)} faults, {report.events:,} events in {report.seconds:.0f} s",
        "",
        "  no     at  events  release  fault          (at: s after the first event; s that events and the release",
        "                               stood still from it on, until the next is counted for both)",
    ]
    for fault in report.faults:
        step = f" ({fault.step})" if fault.step else ""
        found.append(
            f"  {fault.number:2d} {fault.at:6.1f} {fault.events_stood_still:7.1f} {fault.release_stood_still:8.1f}"
            f"  {words[fault.kind]}{step}" + (f": {fault.detail}" if fault.detail else "")
        )
    found.append("")
    found += [f"  {'ok    ' if holds else 'WRONG '} {name}: {detail}" for name, holds, detail in report.checks]
    found += [
        f"  {'ok    ' if holds else 'WRONG '} {words}"
        for holds, words in (
            (not report.ended, f"workers that ended by themselves: {report.ended}"),
            (report.slowest_stop < STOPS_WITHIN, f"slowest end by SIGTERM: {report.slowest_stop:.1f} s"),
        )
    ]
    if report.refused:
        found.append(f"         starts of workers that failed and were repeated: {report.refused}")
    found += [f"  WRONG  {problem}" for problem in report.problems]
    verdict = "EXACT" if report.holds else "WRONG"
    found += [
        "",
        f"{verdict}: {report.windows:,} windows released ({report.published:,} with numbers), lost {report.lost:,}, "
        f"twice {report.twice:,}, lowest coverage {report.coverage:g}",
    ]
    return found
