"""Attack 10, groups: is somebody in a zone that is not published, by what is missing beside it?

A rule that withholds a sibling only where 1 to k - 1 devices are in what is not published says by the sibling's absence
that they are there: 1 can be told from 0, and k from k - 1, which nothing else that is published allows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anonymizer.gate import Gate
from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER, Segment, pooled
from indicators.calendar import Window
from indicators.counts import Counts
from tests.privacy.classifier import best_auc
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import ON, K, epoch_key
from zones import Layer

_WINDOW = Window(300_000, 0, 300_000)
_MOST = 0.60
_INNER = Layer("quarters", ("a", "b", "c"), ("a", "b", "c"), (None,) * 3, 1, (0, 0, 0))
_ORIGINS = ("local", "national", "foreign")
_OWN = "that only his own SIMs and the target can be there"

Told = Callable[[NDArray[np.int64], NDArray[np.uint32], Perturbation], int]

_OUTER = Layer("towns", ("p",), ("p",), (None,))


def run(seed: int = 0, trials: int = 2_000) -> list[Outcome]:
    """Zones of a parent zone, then origins of a zone's people: nobody or 1 to k - 1; and k - 1 own SIMs or one more."""
    own = f"{K - 1} SIMs of the attacker's own, or one device more"
    cases: list[tuple[str, str, str, Told, tuple[int, int], tuple[int, int]]] = [
        ("c", "a quarter with 1 to k - 1 people or none", "", _zones, (0, 0), (1, K - 1)),
        ("d", f"a quarter with {own}", _OWN, _zones, (K - 1, K - 1), (K, K)),
        ("e", "an origin with 1 to k - 1 people or none", "", _segments, (0, 0), (1, K - 1)),
        ("f", f"an origin with {own}", _OWN, _segments, (K - 1, K - 1), (K, K)),
    ]
    return [
        _outcome(part, name, knows, [_told(seed, trials, told, few, more, careless) for careless in (True, False)])
        for part, name, knows, told, few, more in cases
    ]


def _outcome(part: str, name: str, knows: str, found: list[float]) -> Outcome:
    off, on = found
    return Outcome(
        id=f"10{part}",
        name=f"{name}, by what is missing beside it",
        claim="singling out",
        knows=knows or "which zones a zone has, and which origins there are",
        figure="AUC of: is somebody there, or one device more?",
        without="withholding that does not show how many are not published (the smallest sibling is withheld if the "
        "rest holds 1 to k - 1)",
        off=off,
        on=on,
        target=f"at most {_MOST:.2f}",
        works=off >= 0.95,
        fails=on <= _MOST,
    )


def _told(seed: int, trials: int, told: Told, few: tuple[int, int], more: tuple[int, int], careless: bool) -> float:
    """The best classifier of which of the siblings are published; ``careless``: by the raw count of the rest."""
    rng = np.random.default_rng([seed, 10])
    published: list[list[int]] = [[], []]
    for trial in range(trials):
        perturbation = Perturbation(epoch_key(seed * trials + trial), ON.bound)
        for which, (least, most) in enumerate((few, more)):
            rest = int(rng.integers(least, most + 1))
            people = np.array([rng.integers(200, 400), rng.integers(60, 150), rest])
            keys = rng.integers(0, 1 << 32, 3, dtype=np.uint32)
            seen = int(0 < rest < K) if careless else told(people, np.where(people > 0, keys, 0), perturbation)
            published[which].append(seen)
    return best_auc(np.array(published[0]), np.array(published[1]))


def _zones(people: NDArray[np.int64], keys: NDArray[np.uint32], perturbation: Perturbation) -> int:
    """Which of three quarters of a town are published, as bits."""
    gate = Gate(ON.threshold, [_INNER, _OUTER])
    there = np.flatnonzero(people)
    inner = Counts(there, people[there], keys[there])
    outer = Counts(np.zeros(1, np.int64), people.sum(keepdims=True), keys.sum(keepdims=True, dtype=np.uint32))
    above = gate.release(1, _WINDOW, {"presence": outer}, perturbation)
    zones = gate.release(0, _WINDOW, {"presence": inner}, perturbation, 1.0, {1: above}).zones
    return sum(1 << _INNER.ids.index(zone) for zone in zones if zone != _INNER.ids[2])


def _segments(people: NDArray[np.int64], keys: NDArray[np.uint32], perturbation: Perturbation) -> int:
    """Which of three origins of a zone's people are published, as bits; the others together are the last."""
    segments = {
        name: Segment(count, key)
        for name, count, key in zip(_ORIGINS, people.tolist(), keys.tolist(), strict=True)
        if count
    }

    def perturbed(name: str, segment: Segment) -> int:
        return segment.people + int(perturbation.errors([name], np.array([segment.key], np.uint32))[0])

    shown = pooled(ON.threshold, segments, perturbed)
    return sum(1 << at for at, name in enumerate((*_ORIGINS[:2], OTHER)) if name in shown)
