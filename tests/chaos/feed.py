"""The producer of a run with faults, as a process of its own: sends the seeded crowd at an even pace.

Runs as ``python -m tests.chaos.feed``. What a broker outage holds up is sent at once when the broker is back. When all
is sent it says so, and waits for a line on its input before it ends the feed with one advance a partition; when its
input ends, it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np

from config.settings import Settings, load
from foule.sending import EventSender
from indicators.calendar import Calendar
from tests.chaos.crowd import SPAN, START, Batch, ChaosCrowd

_SLICE = 0.1  # seconds of events sent at once


def main() -> None:
    """Send, wait for the word, end the feed; one JSON object a line tells how far it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    settings = load(options.settings)
    word = threading.Event()
    threading.Thread(target=_listen, args=(word,), daemon=True).start()
    with EventSender(settings) as sender:
        _tell(state="sending")
        play(sender, ChaosCrowd(options.seed, options.events, settings.topics.partitions), options.seconds)
        sender.flush()
        _tell(state="sent", sent=sender.sent)
        word.wait()
        watermark = last_watermark(settings)
        sender.finish(watermark)
        _tell(state="finished", sent=sender.sent, watermark=watermark)


def last_watermark(settings: Settings) -> int:
    """The end of the last epoch of the crowd's events, UTC ms."""
    return Calendar.of(settings.time).epoch_of(START + SPAN - 1).end


def play(sender: EventSender, crowd: ChaosCrowd, seconds: float) -> None:
    """Send the crowd's records, each when its share of ``seconds`` has passed, with the clock as Kafka timestamp."""
    began = time.monotonic()
    for batch in crowd.batches():
        sent = 0
        while sent < len(batch.values):
            elapsed = time.monotonic() - began
            until = int(np.searchsorted(batch.due, elapsed / seconds, side="right"))
            if until == sent:
                time.sleep(_SLICE)
                continue
            _send(sender, batch, slice(sent, until))
            sent = until


def _send(sender: EventSender, batch: Batch, rows: slice) -> None:
    values = batch.values[rows]
    stamps = np.full(len(values), time.time_ns() // 1_000_000, np.int64)
    sender.send(batch.keys[rows], values, stamps)


def _tell(**state: object) -> None:
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()


def _listen(word: threading.Event) -> None:
    """Set ``word`` at the first line of the input; end with the process at the other end, whatever was its end."""
    if sys.stdin.readline():
        word.set()
        sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
