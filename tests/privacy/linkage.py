"""Attack 3: is a device of one epoch the same as one of the next?"""

from __future__ import annotations

from datetime import time

import numpy as np
from numpy.typing import NDArray

from anonymizer.keys import EpochKeys, MemoryKeyStore
from anonymizer.perturbation import Perturbation
from anonymizer.pseudonyms import Named, Pseudonymiser
from indicators.calendar import DAY_MS, Calendar
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import BOUND
from tests.privacy.small_feed import BEGIN, number

_SETS = 20_000


def run(seed: int = 0, devices: int = 20_000) -> list[Outcome]:
    """The same devices on two days; what is compared are pseudonyms, record keys, errors."""
    rng = np.random.default_rng([seed, 3])
    ids = [number(suffix) for suffix in rng.choice(100_000_000, devices, replace=False).tolist()]
    store = MemoryKeyStore()
    calendar = Calendar("Europe/Paris", time(4), [300_000])
    keys = EpochKeys(store, 1000, lambda: BEGIN)
    first, second = (calendar.epoch_of(BEGIN + day * DAY_MS) for day in (0, 1))
    one, two = keys.pseudonymiser(first), keys.pseudonymiser(second)
    off, on = _links(one, one, ids), _links(one, two, ids)
    made = list(store._keys.values())
    same_key, other_key = _equal_errors(made[0], made[0], rng), _equal_errors(made[0], made[1], rng)
    chance = 1 / (2 * BOUND + 1)
    return [
        Outcome(
            id="3a",
            name=f"{devices:,} devices of one day, looked for on the next",
            claim="linking",
            knows="all pseudonyms and record keys of both days, as if they were not sealed",
            figure="devices linked by pseudonym or record key, beyond chance",
            without="a key for each epoch (one key for two)",
            off=float(off),
            on=float(on),
            target="0",
            works=off == devices,
            fails=on == 0,
        ),
        Outcome(
            id="3b",
            name="a group of devices, recognised by the error of its number on the next day",
            claim="linking",
            knows="the true counts of both days",
            figure="share of groups with the same error on both days",
            without="a key for each epoch (one key for two)",
            off=same_key,
            on=other_key,
            target=f"at most {chance + 0.03:.2f} (chance: {chance:.2f})",
            works=same_key > 0.99,
            fails=other_key <= chance + 0.03,
        ),
    ]


def _links(one: Pseudonymiser, two: Pseudonymiser, ids: list[str]) -> int:
    """Devices with the same pseudonym, or the same record key where that is more than chance would have it."""
    first, second = one.of(ids), two.of(ids)
    same_keys = int((first.record_keys == second.record_keys).sum())
    expected = len(ids) / 2**32
    by_record_key = same_keys if same_keys > expected + 5 * max(expected, 0.2) ** 0.5 else 0
    return max(len(np.intersect1d(first.pseudonyms, second.pseudonyms)), by_record_key, _shifted(first, second))


def _shifted(first: Named, second: Named) -> int:
    """Devices whose pseudonyms differ by what the most others differ by, too: a key that is only added."""
    differences: NDArray[np.uint64] = first.pseudonyms ^ second.pseudonyms
    most = int(np.unique(differences, return_counts=True)[1].max())
    return most if most > 1 else 0


def _equal_errors(one: bytes, two: bytes, rng: np.random.Generator) -> float:
    names = [f"zone {at}" for at in range(_SETS)]
    sums = rng.integers(0, 1 << 32, _SETS, dtype=np.uint32)
    errors = [Perturbation(key, BOUND).errors(names, sums) for key in (one, two)]
    return float((errors[0] == errors[1]).mean())
