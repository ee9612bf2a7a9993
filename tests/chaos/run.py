"""A whole run: the stage is set, events flow, faults are done, all is released, stopped and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from config.errors import ServiceError
from tests.chaos import evidence, report
from tests.chaos.expected import expected
from tests.chaos.faults import Done, Injector
from tests.chaos.group import RUNNING
from tests.chaos.plan import Fault, plan
from tests.chaos.report import Report
from tests.chaos.stage import Feed, Stage
from tests.chaos.verdict import judge
from tests.e2e.running import wait_until, wait_until_released

TAIL_SECONDS = 15.0
_LEAST_GAP = 2.0
_START_WITHIN = 120.0
_SENT_WITHIN = 600.0
_RELEASED_WITHIN = 240.0
_STOP_WITHIN = 60.0

Say = Callable[[str], None]


class Options(msgspec.Struct, frozen=True):
    """What to run: ``interval``: seconds from one fault to the next; ``kinds``: of the faults, all if none is named.

    Epochs are of one day for an even seed, so that one ends in the run, and of two for an odd one.
    """

    seed: int
    faults: int
    events: int
    workers: int
    interval: float
    kinds: tuple[str, ...] = ()

    @property
    def epoch_days(self) -> int:
        """Of how many days an epoch is."""
        return 1 + self.seed % 2


def run(options: Options, folder: Path, say: Say) -> Report:
    """Run it, with settings and logs in ``folder``; ``say`` gets a line at each step.

    A run that does not come to its end is judged as it is. Raises ServiceError where it does not even begin, or
    cannot be judged.
    """
    faults = plan(options.seed, options.faults, options.workers, options.interval, options.kinds)
    seconds = options.interval * options.faults + TAIL_SECONDS
    with Stage(folder, options.workers, options.epoch_days, say) as stage:
        group = stage.group
        say(f"seed {options.seed}: Kafka, Redis and {options.workers} workers start; logs in {folder}")
        say(f"every indicator, in epochs of {options.epoch_days} d")
        wait_until(lambda: len(group.members(RUNNING)) == options.workers, _START_WITHIN, "all workers run")
        feed = stage.feed(options.seed, options.events, seconds)
        say(f"{options.events:,} events in {seconds:.0f} s")
        done: list[Done] = []
        problems: list[str] = []
        try:
            _play(stage, feed, faults, done, say)
        except (ServiceError, AssertionError) as error:
            problems.append(str(error))
            evidence.keep(stage)
            say(f"the run is judged as it is: {error}")
        took = time.time() - feed.sending_since
        group.stop_all(_STOP_WITHIN)
        (folder / "ended.log").write_text("\n\n".join(group.ended))
        say(f"stopped after {took:.0f} s; every number is compared with the oracle")
        found = expected(stage.settings_file, dict(stage.witness.keys))
        say(f"the oracle has counted after {time.time() - feed.sending_since:.0f} s")
        verdict = judge(stage.settings, found)
        what = report.Run(
            options.seed, feed.sending_since, done, took, problems, group.ended, group.refused, group.stops
        )
        return report.make(what, stage.watch, found, verdict)


def _play(stage: Stage, feed: Feed, faults: Sequence[Fault], done: list[Done], say: Say) -> None:
    """Do the faults, let all recover, end the feed, and wait until all is released. Raises where that does not come."""
    injector = Injector(stage)
    for fault in faults:
        done.append(_do(injector, fault, feed.sending_since, say))
    injector.recover()
    sent = feed.finish(_SENT_WITHIN)
    say(f"{time.time() - feed.sending_since:6.1f} s  all is sent, the last windows are released")
    wait_until_released(stage.settings, sent["watermark"], _RELEASED_WITHIN)


def _do(injector: Injector, fault: Fault, began: float, say: Say) -> Done:
    time.sleep(max(0.0, began + fault.at - time.time()))
    say(f"{time.time() - began:6.1f} s  {fault.number + 1:2d}. {fault.words}")
    done = injector.do(fault)
    if done.detail:
        say(f"{done.at - began:6.1f} s      {done.detail}")
    time.sleep(_LEAST_GAP)
    return done
