"""Attack 5: was one person, whose habits are known, there on a day?

The game of Pyrgelis, Troncoso and De Cristofaro, "Knock Knock, Who's There? Membership Inference on Aggregate Location
Data", NDSS 2018: the attacker has all published numbers of days on which he knows the answer, trains a classifier, and
is asked about other days. Crowd and total are drawn anew for each day, so that neither gives the answer away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.privacy import small_days
from tests.privacy.classifier import auc, best_auc, linear_auc
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import NOTHING, ON, THRESHOLD_ONLY, K, Protection, epoch_key, side_by_side

_MOST, _LEAST_OFF, _MOST_ONE_CELL = 0.62, 0.85, 0.60


def run(seed: int = 0, days: int = 1_600, trials: int = 60_000) -> list[Outcome]:
    """``days``: small days a side; ``trials``: days a side of the one cell."""
    present = np.arange(2 * days) >= days
    drawn = small_days.draw(2 * days, seed, present)
    found = {}
    for name, protection in (("off", NOTHING), ("threshold", THRESHOLD_ONLY), ("on", ON)):
        # presence and flows are enough where nothing is protected
        published = small_days.published_numbers(drawn, protection, epoch_key(seed), only_base=protection != ON)
        found[name] = linear_auc(published.numbers, present, _subsets(published), seed)
    calm = small_days.draw(2 * days, seed, present, crowds=small_days.CALM)
    published = small_days.published_numbers(calm, ON, epoch_key(seed))
    alike = linear_auc(published.numbers, present, _subsets(published), seed)
    one_off, one_on = (_one_cell(protection, seed, trials) for protection in (Protection(bound=0), ON))
    return [
        Outcome(
            id="5a",
            name=f"membership of one person, {days:,} small days a side",
            claim="inference",
            knows="the habits of the person, from where it is and hardly anybody else, and of as many days whether it "
            "was there",
            figure="AUC of the best linear classifier on all published numbers",
            without="threshold, perturbation and groups",
            off=found["off"],
            on=found["on"],
            target=f"at most {_MOST:.2f} (at least {_LEAST_OFF:.2f} off)",
            works=found["off"] >= _LEAST_OFF,
            fails=found["on"] <= _MOST,
            detail=f"with the threshold alone {found['threshold']:.2f}",
        ),
        Outcome(
            id="5b",
            name="membership in one cell, everybody else in it known",
            claim="inference",
            knows="who else is in the cell",
            figure="AUC of the best classifier of the cell's number",
            without="perturbation",
            off=one_off,
            on=one_on,
            target=f"at most {_MOST_ONE_CELL:.2f}",
            works=one_off >= _LEAST_OFF,
            fails=one_on <= _MOST_ONE_CELL,
            detail=f"the worst crowd of {K - 2} to {K + 40}",
        ),
        Outcome(
            id="5c",
            name="membership on a whole day, everybody else's day known",
            claim="inference",
            knows="where everybody else is all day, and the habits of the person",
            figure="AUC of the ratio of the two likelihoods of all published numbers of presence and flows",
            on=_whole_day(seed, max(100, days // 4)),
            detail="each number about the person is one more chance to see a count that cannot be without it",
        ),
        Outcome(
            id="5d",
            name="membership of one person, every day the same but for chance",
            claim="inference",
            knows="the habits of the person, and of as many days whether it was there",
            figure="AUC of the best linear classifier on all published numbers",
            on=alike,
            detail=f"{small_days.CALM.least} to {small_days.CALM.most} people with the same tastes: what hides the "
            f"person in 5a are also days that differ, {small_days.VARYING.least} to {small_days.VARYING.most} people",
        ),
    ]


def _subsets(published: small_days.Published) -> list[NDArray[np.int64]]:
    """All numbers; those alone that the person has a part in; and of these, those that were there before parts."""
    own = np.flatnonzero(_own())
    places = small_days.own_parts(small_days.draw(1, 0, np.ones(1, bool), crowds=small_days.Crowds(0, 0)))
    parts = [at for at, part in enumerate(published.parts) if (*part[:3], _of_zones(part)) in places]
    first = published.numbers.shape[1] - len(published.parts)
    return [
        np.arange(published.numbers.shape[1]),
        np.concatenate([own, np.array(parts, np.int64) + first]),
        own,
    ]


def _of_zones(part: small_days.Part) -> tuple[str, ...]:
    """The zones of a part, without the origin that the stays are told of."""
    return part[3][:1] if part[2] == "dwell_origins" else part[3]


def _own() -> NDArray[np.bool_]:
    """The columns that the person adds one to."""
    alone = small_days.draw(1, 0, np.ones(1, bool))
    others = small_days.draw(1, 0, np.zeros(1, bool))
    own: NDArray[np.bool_] = (small_days.raw_numbers(alone) - small_days.raw_numbers(others))[0] != 0
    return own


def _one_cell(protection: Protection, seed: int, trials: int) -> float:
    """The AUC for the crowd in which the person is told best."""
    worst = 0.5
    for crowd in (K - 2, K - 1, K, K + 2, K + 4, K + 5, K + 9, K + 40):
        rng = np.random.default_rng([seed, crowd])
        numbers = []
        for extra in (0, 1):
            keys = rng.integers(0, 1 << 32, trials, dtype=np.uint32)
            counts = np.full(trials, crowd + extra)
            numbers.append(side_by_side(counts, keys, protection, epoch_key(seed + extra)))
        worst = max(worst, best_auc(numbers[0], numbers[1]))
    return worst


def _whole_day(seed: int, days: int) -> float:
    """The raw counts without the person are known; each number is one of 2 B + 1 with it and without it."""
    present = np.arange(2 * days) >= days
    drawn = small_days.draw(2 * days, seed + 1, present, same_crowds=days)
    own = _own()
    without = np.tile(small_days.raw_numbers(drawn)[:days], (2, 1))[:, own]
    published = small_days.published_numbers(drawn, ON, epoch_key(seed + 1), only_base=True)
    numbers = published.numbers[:, : len(own)][:, own]
    score = np.log(_likelihood(numbers, without + 1)) - np.log(_likelihood(numbers, without))
    total = score.sum(axis=1)
    return auc(total[~present], total[present])


def _likelihood(numbers: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely each published number (0: absent) is for each count."""
    errors = 2 * ON.bound + 1
    passing = np.clip(counts + ON.bound - ON.threshold.least + 1, 0, errors) * (counts >= ON.k)
    seen = (np.abs(numbers - counts) <= ON.bound) & (counts >= ON.k)
    likely: NDArray[np.float64] = np.where(numbers > 0, seen / errors, 1 - passing / errors)
    return np.maximum(likely, 1e-9)
