"""``python -m tests.privacy``: tries every attack without and with the protection, and says what it has shown."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.privacy.accuracy import ROOT, data_folder
from tests.privacy.outcome import Outcome
from tests.privacy.suite import FULL, SMALL, Suite
from tests.privacy.table import lines, verdict, write


def main(arguments: list[str] | None = None) -> int:
    """Run the attacks; the exit status is 1 if the verdict is bad."""
    names = ", ".join(Suite(SMALL, Path()).attacks)
    parser = argparse.ArgumentParser(prog="python -m tests.privacy", description=__doc__)
    parser.add_argument("--only", metavar="ATTACK", action="append", help=f"one of {names}; may be given again")
    parser.add_argument("--small", action="store_true", help="an evening instead of a day, fewer days and trials")
    parser.add_argument("--seed", type=int, default=0, help="another simulated day")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of recorded files; also FOULE_DATA")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="where to write JSON; of a full run foule/report/attack-results.json",
    )
    options = parser.parse_args(arguments)
    attacks = Suite(SMALL if options.small else FULL, options.data, options.seed).attacks
    chosen = options.only or list(attacks)
    if unknown := set(chosen) - set(attacks):
        parser.error(f"--only {', '.join(sorted(unknown))}: expected one of {names}")
    outcomes: list[Outcome] = []
    begun = time.monotonic()
    for name in chosen:
        started = time.monotonic()
        found = attacks[name]()
        outcomes += found
        for one in found:
            print("\n".join(lines(one)), flush=True)
        print(f"{'':13}({time.monotonic() - started:.0f} s)\n", flush=True)
    seconds = time.monotonic() - begun
    full = not options.small and not options.only
    results = options.results or (ROOT / "foule/report/attack-results.json" if full else None)
    if results is not None:
        write(results, outcomes, seconds, full=full)
        print(f"written to {results}")
    print(f"{seconds:.0f} s")
    print(verdict(outcomes))
    return 0 if verdict(outcomes).holds else 1


if __name__ == "__main__":
    sys.exit(main())
