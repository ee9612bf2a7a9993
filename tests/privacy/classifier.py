"""How well two kinds of days can be told apart: the area under the ROC curve, and the best linear classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

#: Ridge penalties that are tried, as multiples of the mean square of the features.
_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
_FOLDS = 4


def auc(without: NDArray[np.generic], with_it: NDArray[np.generic]) -> float:
    """The chance that a day ``with_it`` has the higher score of two days, ties counting half (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([without, with_it]).astype(np.float64))
    count = len(with_it)
    return float((ranks[len(without) :].sum() - count * (count + 1) / 2) / (count * len(without)))


def best_auc(without: NDArray[np.int64], with_it: NDArray[np.int64]) -> float:
    """The same for the best classifier of one number that there is: by the ratio of the two frequencies.

    The numbers that are compared to take the ratio are not those that are told apart: one half each.
    """
    half, other = len(without) // 2, len(with_it) // 2
    low = int(min(without.min(), with_it.min()))
    size = int(max(without.max(), with_it.max())) - low + 1
    out = np.bincount(without[:half] - low, minlength=size) + 0.5
    inside = np.bincount(with_it[:other] - low, minlength=size) + 0.5
    ratio = inside / out
    return auc(ratio[without[half:] - low], ratio[with_it[other:] - low])


def linear_auc(days: Floats, labels: NDArray[np.bool_], subsets: Sequence[NDArray[np.int64]], seed: int) -> float:
    """The AUC on held-out days of the best linear classifier that was found on the others.

    ``days``: (n, features); ``labels``: (n,); ``subsets``: columns to which a classifier may look. Ridge-regularised
    discriminants (which regression on the labels gives, Hastie, Tibshirani and Friedman, section 4.3) under several
    penalties, on each subset; the one that is best in cross-validation on one half of the days is scored on the other.
    """
    order = np.random.default_rng([seed, 17]).permutation(len(days))
    train, test = order[: len(days) // 2], order[len(days) // 2 :]
    best, chosen = -1.0, (subsets[0], _PENALTIES[0])
    for columns in subsets:
        for penalty in _PENALTIES:
            found = _cross_validated(days[:, columns][train], labels[train], penalty)
            if found > best:
                best, chosen = found, (columns, penalty)
    columns, penalty = chosen
    scores = _scores(days[:, columns][train], labels[train], days[:, columns][test], penalty)
    return auc(scores[~labels[test]], scores[labels[test]])


def _cross_validated(days: Floats, labels: NDArray[np.bool_], penalty: float) -> float:
    scores = np.empty(len(days))
    for fold in range(_FOLDS):
        held_out = np.arange(len(days)) % _FOLDS == fold
        scores[held_out] = _scores(days[~held_out], labels[~held_out], days[held_out], penalty)
    return auc(scores[~labels], scores[labels])


def _scores(days: Floats, labels: NDArray[np.bool_], others: Floats, penalty: float) -> Floats:
    """Scores of ``others`` by a ridge regression of the labels on the standardised ``days``, in its dual form."""
    mean, spread = days.mean(axis=0), days.std(axis=0)
    varies = spread > 0
    known = (days[:, varies] - mean[varies]) / spread[varies]
    asked = (others[:, varies] - mean[varies]) / spread[varies]
    aim = np.where(labels, 1.0, -1.0) - np.mean(np.where(labels, 1.0, -1.0))
    weight = penalty * max(1, known.shape[1])
    if known.shape[1] < len(known):
        inverse = known.T @ known + weight * np.eye(known.shape[1])
        scores: Floats = asked @ np.linalg.solve(inverse, known.T @ aim)
        return scores
    gram = known @ known.T + weight * np.eye(len(known))
    dual: Floats = asked @ (known.T @ np.linalg.solve(gram, aim))
    return dual
