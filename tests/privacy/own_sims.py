"""Attack 6: somebody with k - 1 SIMs of his own in a cell looks whether one more device is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anonymizer.perturbation import Perturbation
from tests.privacy.classifier import auc, best_auc
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import ABSENT, ON, K, Protection, epoch_key, side_by_side

_MOST = 0.60
_WINDOWS = 30
_SIMS = 40
_POOL = 40


def run(seed: int = 0, trials: int = 20_000) -> list[Outcome]:
    """k - 1 SIMs once; as many as the attacker likes, once; and, reported, other ones of his in each window."""
    off = _told(np.full(1, K - 1), seed, trials, Protection(bound=0))
    raw = _by_raw_threshold(seed, trials)
    on = _told(np.full(1, K - 1), seed, trials, ON)
    worst = max(_told(np.array([sims]), seed, trials, ON) for sims in range(K - 5, K + 16))
    knows = "which of the devices in the cell are the attacker's own, and that nobody else but the target can be there"
    return [
        Outcome(
            id="6a",
            name=f"{K - 1} SIMs of the attacker's own in a cell",
            claim="inference",
            knows=knows,
            figure="AUC of: is one more device there?",
            without="perturbation",
            off=off,
            on=on,
            target=f"at most {_MOST:.2f}",
            works=off >= 0.95,
            fails=on <= _MOST,
        ),
        Outcome(
            id="6b",
            name="the same, and the threshold asks the raw count",
            claim="inference",
            knows=knows,
            figure="AUC of: is one more device there?",
            without="the threshold on the perturbed count",
            off=raw,
            on=on,
            target=f"at most {_MOST:.2f}",
            works=raw >= 0.95,
            fails=on <= _MOST,
        ),
        Outcome(
            id="6c",
            name="as many SIMs as serve the attacker best",
            claim="inference",
            knows=knows,
            figure="AUC of: is one more device there?",
            without="perturbation",
            off=max(_told(np.array([sims]), seed, 2_000, Protection(bound=0)) for sims in range(K - 1, K + 5)),
            on=worst,
            target=f"at most {_MOST:.2f}",
            works=True,
            fails=worst <= _MOST,
            detail=f"the worst of {K - 5} to {K + 15} SIMs",
        ),
        Outcome(
            id="6d",
            name=f"{_POOL} SIMs, of which other {K - 1} are in the cell in each of {_WINDOWS} windows",
            claim="inference",
            knows=f"{knows}, and that the target stays all the time",
            figure="AUC of: is one more device there?",
            on=_rotating(seed, max(200, trials // 50)),
            detail="every other set of devices has another error: who controls all others in a cell draws as often as "
            "he likes",
        ),
    ]


def _keys(rng: np.random.Generator, counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Sums of that many record keys: as random as one, unless there is none."""
    return np.where(counts > 0, rng.integers(0, 1 << 32, len(counts)), 0).astype(np.uint32)


def _told(sims: NDArray[np.int64], seed: int, trials: int, protection: Protection) -> float:
    rng = np.random.default_rng([seed, 6])
    numbers = []
    for extra in (0, 1):
        counts = np.full(trials, int(sims[0]) + extra)
        numbers.append(side_by_side(counts, _keys(rng, counts), protection, epoch_key(seed + extra)))
    return best_auc(numbers[0], numbers[1])


def _by_raw_threshold(seed: int, trials: int) -> float:
    """An earlier wording of the rule: perturbed, but published if the raw count reaches k."""
    rng = np.random.default_rng([seed, 66])
    numbers = []
    for extra in (0, 1):
        counts = np.full(trials, K - 1 + extra)
        errors = Perturbation(epoch_key(seed), ON.bound).errors(list(map(str, range(trials))), _keys(rng, counts))
        numbers.append(np.where(counts >= K, counts + errors, ABSENT))
    return best_auc(numbers[0], numbers[1])


def _rotating(seed: int, trials: int) -> float:
    """How often something is published, which can only be with the target there."""
    rng = np.random.default_rng([seed, 666])
    published = []
    for extra in (0, 1):
        counts = np.full(trials * _WINDOWS, K - 1 + extra)
        numbers = side_by_side(counts, _keys(rng, counts), ON, epoch_key(seed + extra))
        published.append((numbers > 0).reshape(trials, _WINDOWS).sum(axis=1))
    return auc(published[0], published[1])
