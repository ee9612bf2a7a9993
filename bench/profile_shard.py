"""Where a shard's time goes: ``Shard.take`` over fetches in memory under cProfile; prints the costliest functions."""

import argparse
import cProfile
import pstats

from bench.shard import fetches, shard_parts
from streams.shard import Shard


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of all partitions; the shard gets a quarter")
    parser.add_argument("--records", type=int, default=8_000, help="records of a fetch")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--top", type=int, default=30, help="functions to print")
    arguments = parser.parse_args()
    shard = Shard(0, shard_parts(arguments.layers))
    fed = list(fetches(arguments.events, arguments.records))
    with cProfile.Profile() as profile:
        for fetch in fed:
            shard.take(fetch)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(arguments.top)


if __name__ == "__main__":
    main()
