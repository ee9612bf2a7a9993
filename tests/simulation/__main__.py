"""``python -m tests.simulation``: run many schedules on all processors and say which seeds failed."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.schedule import run_seed

_SHOWN = 10


def _settle() -> None:
    """A schedule makes few cycles and many objects: look for the former less often."""
    gc.freeze()
    gc.set_threshold(50_000)


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2_000, help="how many seeds to run")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--shuffle", action="store_true", help="of a feed that is not keyed by subscriber")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.schedules)
    logging.disable(logging.CRITICAL)
    begun = time.monotonic()
    with ProcessPoolExecutor(initializer=_settle) as pool:
        outcomes = list(pool.map(partial(run_seed, shuffle=options.shuffle), seeds, chunksize=10))
    failures = [outcome for outcome in outcomes if outcome.problems]
    for outcome in failures[:_SHOWN]:
        print(outcome)
    faults = sum(len(outcome.faults) for outcome in outcomes)
    steps = sum(outcome.steps for outcome in outcomes)
    windows = sum(len(outcome.expected) for outcome in outcomes)
    lost = sum(outcome.lost is not None for outcome in outcomes)
    print(f"{len(seeds)} schedules from seed {seeds.start}: {faults:,} faults, {steps:,} steps, {windows:,} windows")
    print(f"in {lost} of them a key was lost for good")
    print(f"{time.monotonic() - begun:.0f} s on {os.cpu_count()} processors; {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
