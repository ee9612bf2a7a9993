"""The plan of a run: which fault comes when, all told from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from random import Random
from typing import NamedTuple

KILL, RELEASE, PAUSE, BROKER, KEYS, REDIS_DOWN = "kill", "release", "pause", "broker", "keys", "redis-down"
TERMINATE, ADD, REMOVE, REDIS_RESTART = "terminate", "add", "remove", "redis-restart"

WORDS = {
    KILL: "worker killed (kill -9), a new one started",
    RELEASE: "release agent's worker killed, a new one started",
    PAUSE: "worker paused (SIGSTOP) for 20 s",
    BROKER: "broker killed (kill -9) and restarted",
    KEYS: "key store emptied",
    REDIS_DOWN: "Redis of the numbers down for 15 s",
    TERMINATE: "worker stopped (SIGTERM), a new one started",
    ADD: "worker added",
    REMOVE: "worker removed (SIGTERM)",
    REDIS_RESTART: "Redis of the numbers restarted",
}
"""Every kind of fault in the words of the report, the most biting first."""

SEALED, DECIDED, IN_REDIS, IN_KAFKA, AFTERWARDS = "sealed", "decided", "in Redis", "in Kafka", "afterwards"
STEPS = (SEALED, DECIDED, IN_REDIS, IN_KAFKA, AFTERWARDS)
"""Where a release is when its agent's worker is killed: a seal that completes a window is on the log; a decision is;
its numbers are in Redis; the first are on the topic of presence; within a second of a decision."""

_WEIGHTS = {
    KILL: 6, RELEASE: 6, PAUSE: 4, TERMINATE: 4, ADD: 3, REMOVE: 3, KEYS: 3, BROKER: 2, REDIS_DOWN: 2, REDIS_RESTART: 2,
}  # fmt: skip
_MOST_ADDED = 1
_FIRST = 5.0
_JITTER = 0.35


class Fault(NamedTuple):
    """``at``: seconds after the first event; ``pick``: a share, for the choice of a worker; ``step``: of a release,
    empty for other kinds; ``delay``: seconds that pass between the step and the kill."""

    number: int
    kind: str
    at: float
    pick: float
    step: str = ""
    delay: float = 0.0

    @property
    def words(self) -> str:
        """What it is, for the report."""
        return WORDS[self.kind] + (f" ({self.step})" if self.step else "")


def plan(seed: int, faults: int, workers: int, interval: float, kinds: Sequence[str] = ()) -> list[Fault]:
    """``faults`` faults some ``interval`` seconds apart, of these ``kinds``; none named: of all.

    Every kind is among them if there are enough, else the most biting ones. ``workers``: how many there are at the
    beginning; they never become none, nor more than one above that.
    """
    random = Random(seed)
    among = [kind for kind in WORDS if kind in kinds or not kinds]
    drawn = among[:faults]
    drawn += random.choices(among, [_WEIGHTS[kind] for kind in among], k=faults - len(drawn))
    random.shuffle(drawn)
    steps = cycle(random.sample(STEPS, len(STEPS)))
    made = []
    for number, kind in enumerate(_possible(drawn, workers)):
        at = _FIRST + interval * (number + random.uniform(0, _JITTER))
        fault = Fault(number, kind, at, random.random())
        if kind == RELEASE:
            fault = fault._replace(step=next(steps), delay=random.choice([0.0, 0.0, 0.005, 0.02]))
        if fault.step == AFTERWARDS:
            fault = fault._replace(delay=random.random())
        made.append(fault)
    return made


def _possible(kinds: list[str], workers: int) -> list[str]:
    """The same kinds in an order in which there is always a worker left, and never too many; where there is none, the
    opposite of what cannot be done."""
    left, ordered, count = list(kinds), [], workers
    while left:
        change = {ADD: 1, REMOVE: -1}
        able = [at for at, kind in enumerate(left) if 1 <= count + change.get(kind, 0) <= workers + _MOST_ADDED]
        kind = left.pop(able[0]) if able else {ADD: REMOVE, REMOVE: ADD}[left.pop(0)]
        count += change.get(kind, 0)
        ordered.append(kind)
    return ordered
