"""Which SIMs are of machines (meters, vehicles, alarms), whose events count nobody: by type of device or by network."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.files import read_lines, refuse
from config.sections import EventsSettings

_TAC = re.compile(r"[0-9]{8}", re.ASCII)
_SHORTEST_IMSI, _LONGEST_IMSI = 14, 15


class Machines:
    """The SIMs of machines; it does not change."""

    def __init__(self, tacs: Collection[str] = (), networks: Collection[str] = ()) -> None:
        """``tacs``: type allocation codes, 8 digits each (the first of an IMEI); ``networks``: MCC and MNC, 5 or 6
        digits each."""
        # a JSON number has no zeros in front
        self._tacs: frozenset[str | int] = frozenset(tacs) | frozenset(map(int, tacs))
        self._networks = frozenset(networks)
        self._lengths = sorted(set(map(len, networks)))

    @classmethod
    def of(cls, settings: EventsSettings) -> Machines | None:
        """Those that the settings name, None if they name none; raises SettingsError if the file cannot be used."""
        tacs = frozenset[str]() if settings.machine_tacs is None else read_tacs(settings.machine_tacs)
        return cls(tacs, settings.machine_networks) if tacs or settings.machine_networks else None

    def among(self, tacs: Sequence[str | int | None], subscribers: Sequence[str]) -> NDArray[np.bool_]:
        """Which events are of machines, bool (n,), from columns of n entries; a network is only looked for in
        subscribers of 14 or 15 digits (IMSIs)."""
        found = np.fromiter(map(self._tacs.__contains__, tacs), np.bool_, len(tacs))
        for length in self._lengths:
            begins = [subscriber[:length] for subscriber in subscribers]
            alike = np.fromiter(map(self._networks.__contains__, begins), np.bool_, len(begins))
            for row in np.flatnonzero(alike & ~found).tolist():
                found[row] = _is_imsi(subscribers[row])
        return found


def _is_imsi(subscriber: str) -> bool:
    """Whether it has the form of an IMSI."""
    return _SHORTEST_IMSI <= len(subscriber) <= _LONGEST_IMSI and subscriber.isdecimal() and subscriber.isascii()


def read_tacs(path: Path) -> frozenset[str]:
    """The type allocation codes of a file with one a line; behind a # is a comment.

    Raises SettingsError, with the first ten problems, where it cannot be read or a line is wrong.
    """
    lines = [line.partition("#")[0].strip() for line in read_lines(path, "events.machine_tacs")]
    wrong = [at for at, line in enumerate(lines, 1) if line and not _TAC.fullmatch(line)]
    problems = [f"line {at}: no type allocation code; 8 digits, or a comment behind a #, are expected" for at in wrong]
    tacs = frozenset(filter(None, lines))
    if not tacs:
        problems.append('no type allocation code; leave events.machine_tacs "" where there is none')
    refuse(path, problems)
    return tacs
