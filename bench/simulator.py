"""How fast the simulator makes events: prints one JSON line.

Run as `python -m bench.simulator [--people N] [--interval MINUTES]`.
"""

import argparse
import json
import resource
import time

from simulator.network import Radio
from simulator.stream import Festival


def measure(people: int, interval: float) -> dict[str, float | int | str]:
    """Generates the whole festival, JSON bytes included, and keeps nothing; setting up the crowd is in the time."""
    began, began_cpu = time.perf_counter(), time.process_time()
    festival = Festival(people=people, radio=Radio(interval=interval))
    set_up = time.perf_counter() - began
    events = size = 0
    for batch in festival.batches():
        events += len(batch.values)
        size += sum(map(len, batch.values))
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "system": "simulator",
        "people": people,
        "events": events,
        "bytes_per_event": round(size / events, 1),
        "events_per_s": round(events / seconds),
        "cpu_us_per_event": round(cpu / events * 1e6, 2),
        "set_up_s": round(set_up, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4_000)
    parser.add_argument("--interval", type=float, default=Radio().interval)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.people, arguments.interval)))


if __name__ == "__main__":
    main()
