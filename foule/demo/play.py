"""Follows a demo that runs by itself: while events are sent, and until all that was sent is released."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.errors import ServiceError
from config.settings import Settings
from foule.demo.feed import Feed
from foule.demo.services import WorkerFigures, WorkerProcess
from foule.proof.tallies import TallyLog
from streams.log_ends import log_ends

Say = Callable[[str], Any]
"""Prints a line of progress."""

_LINE_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_PATIENCE = 60.0


def follow(feed: Feed, worker: WorkerProcess, zone: ZoneInfo, say: Say) -> None:
    """Print a line every ten seconds until everything is sent. Raises ServiceError if the worker ends meanwhile."""
    said = time.monotonic()
    while not feed.wait(_LOOK_SECONDS):
        worker.require_running()
        if time.monotonic() - said >= _LINE_SECONDS:
            said = time.monotonic()
            say(in_words(feed, worker.figures(), zone))
    say(in_words(feed, worker.figures(), zone))


def in_words(feed: Feed, figures: WorkerFigures, zone: ZoneInfo) -> str:
    """Where the festival is, and what has been sent, counted and published."""
    now = datetime.fromtimestamp(feed.moment / 1000, zone)
    return (
        f"{now:%a %d %b %H:%M}: {feed.sent:,} events sent, {figures.accepted:,} counted, {figures.late:,} late,"
        f" {sum(figures.rejected.values()):,} rejected, {figures.windows:,} windows published"
    )


def await_release(
    settings: Settings, tallies: TallyLog, worker: WorkerProcess, watermark: int, patience: float = _PATIENCE
) -> WorkerFigures:
    """Wait until every shard has read all events and sealed ``watermark``, and all windows are decided and published.

    Returns what the worker counted. Raises ServiceError if that does not get on for ``patience`` seconds.
    """
    ends = log_ends(settings.kafka, settings.topics.events)
    progress: object = None
    deadline = time.monotonic() + patience
    while True:
        tallies.read()
        figures = worker.figures()
        sealed = tallies.sealed(watermark) and tallies.has_read(ends)
        if sealed and not tallies.undecided and figures.windows >= tallies.released:
            return figures
        if progress != (progress := (figures, len(tallies.undecided), sealed)):
            deadline = time.monotonic() + patience
        if time.monotonic() > deadline:
            raise ServiceError(
                f"the worker did not finish: {figures.read:,} of {sum(ends.values()):,} events read, the end is"
                f" {'' if sealed else 'not '}sealed, {len(tallies.undecided):,} windows are not decided, and"
                f" {figures.windows:,} of {tallies.released:,} are published; the end of its log:\n{worker.log_tail()}"
            )
        time.sleep(_LOOK_SECONDS)
