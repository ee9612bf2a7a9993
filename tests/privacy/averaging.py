"""Attack 8: the error of a number, averaged away over windows, layers and equal sets of devices.

An attacker who has n independent errors of one count keeps the numbers that are within the bound of all of them: for
uniform errors nothing tells more than their range. What is measured is how often he then names the count.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from tests.privacy.classifier import auc
from tests.privacy.crowd_day import Crowd, WindowCounts
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import BOUND, ON, Protection, epoch_key, one_cell, publish
from tests.privacy.same_devices import largest_difference, published_sets

_PEOPLE = 40
_WINDOWS = 288
_COMINGS = 30
_TARGET = 0.25
_ANEW = Protection(lasting=False)


def run(crowd: Crowd, windows: list[WindowCounts], seed: int = 0, trials: int = 400) -> list[Outcome]:
    """Over the windows of a day; with one device that comes and goes; over equal sets; and, reported, with own SIMs."""
    alone = f"an attacker with one number is right in {1 / (2 * BOUND + 1):.2f}"
    target = f"at most {_TARGET:.2f}"
    staying = [_exact(np.zeros(_WINDOWS, np.int64), seed, trials, protection) for protection in (_ANEW, ON)]
    coming = [_exact(np.arange(2 * _COMINGS) % 2, seed + 1, trials, protection) for protection in (_ANEW, ON)]
    own = _exact(np.arange(32), seed + 2, trials, ON)
    equal, sizes = _equal_sets(crowd, windows, seed)
    figure = "share of counts that the attacker names exactly"
    return [
        Outcome(
            id="8a",
            name=f"averaging over {_WINDOWS} windows in which the same {_PEOPLE} people stay",
            claim="inference",
            knows="that the people stay the same",
            figure=figure,
            without="one error for the same devices (drawn anew in each window)",
            off=staying[0],
            on=staying[1],
            target=target,
            works=staying[0] >= 0.9,
            fails=staying[1] <= _TARGET,
            detail=alone,
        ),
        Outcome(
            id="8b",
            name=f"one device comes and goes {_COMINGS} times in a crowd that stays",
            claim="inference",
            knows="when the device is there, and that nobody else comes or goes",
            figure=figure,
            without="one error for the same devices (drawn anew in each window)",
            off=coming[0],
            on=coming[1],
            target=target,
            works=coming[0] >= 0.9,
            fails=coming[1] <= _TARGET,
            detail="two sets of devices, so two errors, however often it comes",
        ),
        Outcome(
            id="8c",
            name="equal sets of devices in several layers, zones, indicators and segments",
            claim="inference",
            knows="which cells hold the same devices",
            figure=figure,
            without="one error for the same devices (drawn anew in each window)",
            off=staying[0],
            on=equal,
            target=target,
            works=staying[0] >= 0.9,
            fails=equal <= _TARGET,
            detail=f"sets published n times on the simulated day: {sizes}",
        ),
        Outcome(
            id="8d",
            name="five SIMs of the attacker's own, in 32 combinations, in a crowd that stays",
            claim="inference",
            knows="which of his SIMs are there, and that nobody else comes or goes",
            figure=figure,
            on=own,
            detail="every set of devices has an error of its own: 32 of them average out",
        ),
        *_unchanged(seed, trials),
    ]


def _exact(sets: NDArray[np.int64], seed: int, trials: int, protection: Protection) -> float:
    """How often the count of a static crowd is named; ``sets``: (windows,), a bit for each device that comes and goes,
    whose own part the attacker takes off."""
    rng = np.random.default_rng([seed, 8])
    known = np.array([bin(one).count("1") for one in sets.tolist()])
    right = 0.0
    for trial in range(trials):
        people = int(rng.integers(_PEOPLE, 4 * _PEOPLE))
        own = rng.integers(0, 1 << 32, 8)
        crowd = int(rng.integers(0, 1 << 32))
        keys = [(crowd + sum(int(own[bit]) for bit in range(8) if one >> bit & 1)) % 2**32 for one in sets.tolist()]
        numbers = one_cell(people + known, np.array(keys, np.uint32), "zone", protection, epoch_key(seed + trial))
        right += _named(numbers - known, people)
    return right / trials


def _named(numbers: NDArray[np.int64], people: int) -> float:
    """The chance to name ``people`` from numbers that are each within the bound of it."""
    lowest, highest = int(numbers.max()) - BOUND, int(numbers.min()) + BOUND
    assert lowest <= people <= highest
    return 1.0 / (highest - lowest + 1)


def _equal_sets(crowd: Crowd, windows: list[WindowCounts], seed: int) -> tuple[float, str]:
    """Over all sets of devices that the day publishes in two cells or more, by what their keys say (scoring only)."""
    key = epoch_key(seed)
    released = publish(windows, crowd.layers, ON, key, crowd.cells)
    held = published_sets(windows, released, crowd.cells, key)
    assert largest_difference(held) <= BOUND
    several = [(devices.people, list(found.values())) for devices, found in held.items() if len(found) > 1]
    sizes = Counter(len(numbers) for _, numbers in several)
    named = [_named(np.array(numbers), count) for count, numbers in several]
    words = ", ".join(f"{size}: {sizes[size]}" for size in sorted(sizes))
    return float(np.mean(named)) if named else 0.0, words or "none"


def _unchanged(seed: int, trials: int) -> list[Outcome]:
    """One more device in a crowd of 30 that stays, by comparing a number with that of the window before."""
    rng = np.random.default_rng([seed, 88])
    changes = {}
    for protection in (_ANEW, ON):
        seen: list[list[bool]] = [[], []]
        for trial in range(trials):
            keys = rng.integers(0, 1 << 32, 2)
            for extra in (0, 1):
                sums = np.array([keys[0], (keys[0] + extra * keys[1]) % 2**32], np.uint32)
                pair = one_cell(np.array([30, 30 + extra]), sums, "zone", protection, epoch_key(seed + trial))
                seen[extra].append(bool(pair[0] != pair[1]))
        changes[protection.lasting] = auc(np.array(seen[0]), np.array(seen[1]))
    return [
        Outcome(
            id="8e",
            name="unchanged crowd: one more device in a crowd of 30 that stays",
            claim="inference",
            knows="that nobody else comes or goes",
            figure="AUC of: did a device come since the window before?",
            on=changes[True],
            detail="an equal number says that nobody came or went. With an error drawn anew in each window it would "
            f"be {changes[False]:.2f}, and the count of whoever stays could be averaged out (8a)",
        )
    ]
