"""All attacks, by number: what each is given, and how large it is in a full run and in a small one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.privacy import (
    accuracy,
    averaging,
    bounds,
    brute_force,
    linkage,
    membership,
    missing_parts,
    own_sims,
    real_run,
    release_rules,
    side_channels,
    trajectories,
    withholding,
)
from tests.privacy.crowd_day import EVENING, Crowd, WindowCounts, counted, festival, record_keys
from tests.privacy.outcome import Outcome


@dataclass(frozen=True)
class Size:
    """How large the attacks are: ``people`` and ``hours`` of the simulated day; ``days`` a side of membership;
    ``trials`` of a cell; telephone ``numbers`` that are tried; ``walkers``, whose paths are to be recovered in the
    hours ``walk``; people of ``several`` days in one epoch."""

    people: int = 4_000
    hours: tuple[int, int] = (0, 24)
    days: int = 1_600
    trials: int = 60_000
    numbers: int = 1_000_000
    walkers: int = 1_000
    walk: tuple[int, int] = (0, 24)
    several: int = 1_500


FULL = Size()
SMALL = Size(
    people=1_500, hours=EVENING, days=400, trials=20_000, numbers=100_000, walkers=600, walk=EVENING, several=800
)
TINY = Size(
    people=1_500, hours=(16, 18), days=200, trials=20_000, numbers=20_000, walkers=600, walk=EVENING, several=300
)


class Suite:
    """The attacks on one simulated day; the day is simulated when the first attack needs it."""

    def __init__(self, size: Size, data: Path, seed: int = 0) -> None:
        self._size = size
        self._data = data
        self._seed = seed

    @cached_property
    def _keys(self) -> NDArray[np.uint32]:
        return record_keys(len(self._day.ids), self._seed)

    @cached_property
    def _day(self) -> Crowd:
        return festival(self._seed, self._size.people, self._size.hours)

    @cached_property
    def _windows(self) -> list[WindowCounts]:
        return counted(self._day, self._keys)

    @cached_property
    def _several(self) -> tuple[Crowd, list[WindowCounts]]:
        crowd = festival(self._seed, self._size.several, days=2)
        return crowd, counted(crowd, record_keys(len(crowd.ids), self._seed))

    @property
    def attacks(self) -> Mapping[str, Callable[[], list[Outcome]]]:
        """By number; what attack 2 finds in one process comes with attack 1, which has the same bytes."""
        size, seed = self._size, self._seed
        return {
            "1": lambda: brute_force.run(seed, tried=size.numbers),
            "2": real_run.run,
            "3": lambda: linkage.run(seed),
            "4": lambda: bounds.run(self._day, self._windows, self._several, seed),
            "5": lambda: membership.run(seed, size.days, size.trials),
            "6": lambda: own_sims.run(seed, size.trials),
            "7": lambda: trajectories.run(size.walkers, hours=size.walk, seed=seed),
            "8": lambda: averaging.run(self._day, self._windows, seed, size.trials // 150),
            "9": lambda: release_rules.run(seed),
            "10": lambda: side_channels.run(seed),
            "groups": lambda: withholding.run(seed) + missing_parts.run(seed, size.trials // 10),
            "accuracy": lambda: accuracy.run(self._day, self._windows, self._data, seed),
        }
