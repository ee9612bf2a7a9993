"""Whether what the demo published is what the oracle computes from the events that were sent."""

from __future__ import annotations

from typing import NamedTuple

from config.settings import Settings
from foule.demo.services import WorkerFigures
from foule.oracle.oracle import Keys
from foule.oracle.result import Result
from foule.proof.checks import Check, prove
from foule.proof.logs import locator, oracle_of
from foule.proof.released import Released
from foule.proof.tallies import TallyLog
from zones import Places


class Verdict(NamedTuple):
    """The checks, what the oracle found, and what Redis holds."""

    checks: list[Check]
    oracle: Result
    released: Released

    @property
    def holds(self) -> bool:
        """Whether windows were released and every check holds."""
        return bool(self.released.tallies) and all(check.holds for check in self.checks)


def judge(
    settings: Settings, places: Places, sent: int, figures: WorkerFigures, tallies: TallyLog, keys: Keys
) -> Verdict:
    """Read everything back and compare it; the release must have caught up.

    ``sent``: records that Kafka acknowledged; ``tallies``: read to its end; ``keys``: of the epochs.
    """
    oracle = oracle_of(settings, keys, locator(places), places.layers)
    proof = prove(settings, places.layers, oracle, tallies)
    return Verdict([*_check_events(sent, figures, oracle), *proof.checks], oracle, proof.released)


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
