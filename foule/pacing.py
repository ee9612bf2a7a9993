"""Plays recorded events at the pace of their own times, faster or slower."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from config.errors import SettingsError

_SHORTEST_WAIT = 0.02


class Pace:
    """Says when events are due: ``speed`` seconds of their own time pass in a second; None is at once.

    The clock begins with the first event. An event without a time is due with the one before it, and one that is
    older than those before it is due at once, so that the order never changes.
    """

    def __init__(
        self,
        speed: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if speed is not None and not math.isfinite(speed):
            raise SettingsError([f"--speed is {speed}: expected a number above 0, 1 being real time"])
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._first: int | None = None
        self._newest = 0
        self._began = 0.0

    def parts(self, times: NDArray[np.int64]) -> Iterator[slice]:
        """Slices of the next events, in order and without gaps, each given out when all in it are due.

        ``times``: (n,) int64 in ms, -1 for none.
        """
        if self._speed is None:
            yield slice(0, len(times))
            return
        due = self._due(times, self._speed)
        done = 0
        while done < len(due):
            elapsed = self._clock() - self._began
            until = int(np.searchsorted(due, elapsed, side="right"))
            if until > done:
                yield slice(done, until)
                done = until
            else:
                self._sleep(max(float(due[done]) - elapsed, _SHORTEST_WAIT))

    def _due(self, times: NDArray[np.int64], speed: float) -> NDArray[np.float64]:
        """Seconds after the beginning at which each is due, (n,), never falling."""
        dated = times[times >= 0]
        if self._first is None and len(dated):
            self._first = self._newest = int(dated[0])
            self._began = self._clock()
        if self._first is None:
            return np.zeros(len(times))
        newest = np.maximum(np.maximum.accumulate(times), self._newest) if len(times) else times
        self._newest = int(newest[-1]) if len(newest) else self._newest
        return (newest - self._first) / (1000 * speed)
