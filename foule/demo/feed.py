"""The festival's events on their way to Kafka, at the demo's pace, in a thread of their own."""

from __future__ import annotations

import time
from threading import Event, Thread
from types import TracebackType
from typing import Self

import numpy as np

from config.settings import Settings
from foule.pacing import Pace
from foule.sending import EventSender
from indicators.calendar import Calendar
from simulator.stream import Batch, Festival


class _StoppedError(Exception):
    """The feed was told to stop."""


class Feed:
    """Sends the events of a festival that arrive before ``until``, stamped with the time at which they are sent.

    At the end each partition is told to go on to the end of the epoch, so that all windows are released. A context
    manager: leaving it stops the thread.

    ``moment``: the festival time that has been sent; ``watermark``: to where the partitions go on in the end (both
    UTC ms); ``sent``: events.
    """

    def __init__(self, settings: Settings, festival: Festival, speed: float, until: int) -> None:
        """``speed``: festival seconds that pass in one; ``until``: festival time, ms since the epoch."""
        self.speed = speed
        self.until = until
        self.moment = festival.start
        self.watermark = Calendar.of(settings.time).epoch_of(until - 1).end
        self.sent = 0
        self._settings = settings
        self._festival = festival
        self._stop = Event()
        self._over = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="feed", daemon=True)

    @property
    def is_over(self) -> bool:
        """Whether everything is sent, the end included. Raises what made sending fail."""
        if self._failure is not None:
            raise self._failure
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; returns and raises as ``is_over`` does."""
        self._thread.join(seconds)
        return self.is_over

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with EventSender(self._settings) as sender:
                self._play(sender)
                sender.finish(self.watermark)
                self.moment, self.sent = self.until, sender.sent
            self._over.set()
        except _StoppedError:
            pass
        except Exception as failure:  # raised again where the demo waits for the end
            self._failure = failure

    def _play(self, sender: EventSender) -> None:
        pace = Pace(self.speed, sleep=self._sleep)
        for batch in self._festival.batches():
            for part in pace.parts(batch.arrival_ms):
                due = _until(Batch(batch.arrival_ms[part], batch.keys[part], batch.values[part]), self.until)
                if not due.keys:
                    return
                sender.send(due.keys, due.values, np.full(len(due.keys), int(time.time() * 1000), np.int64))
                self.moment, self.sent = int(due.arrival_ms[-1]), self.sent + len(due.keys)

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _StoppedError


def _until(batch: Batch, until: int) -> Batch:
    """The records that arrive before ``until`` (ms)."""
    count = int(np.searchsorted(batch.arrival_ms, until))
    return Batch(batch.arrival_ms[:count], batch.keys[:count], batch.values[:count])
