"""The errors of published numbers, and what they do to counts: exact figures from the bound and the threshold."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import NamedTuple

from anonymizer.threshold import Threshold


class Chance(NamedTuple):
    """How likely the ``error`` is, and an error of at most that size, of either sign."""

    error: int
    chance: Fraction
    within: Fraction


class Effect(NamedTuple):
    """What becomes of a count of ``devices``: how likely it is ``published``, then its ``lowest`` and ``highest``
    number, and its error's mean and root mean square; without numbers if it never is."""

    devices: int
    published: Fraction
    lowest: int
    highest: int
    mean: float
    spread: float


def distribution(bound: int) -> list[Chance]:
    """Each error from -``bound`` to ``bound`` (anonymizer.perturbation): all are equally likely."""
    size = 2 * bound + 1
    return [Chance(error, Fraction(1, size), Fraction(2 * abs(error) + 1, size)) for error in range(-bound, bound + 1)]


def variance(bound: int) -> Fraction:
    """The mean square of the errors, whose mean is 0."""
    return sum((each.chance * each.error**2 for each in distribution(bound)), Fraction())


def mean_size(bound: int) -> Fraction:
    """The mean of the errors' sizes."""
    return sum((each.chance * abs(each.error) for each in distribution(bound)), Fraction())


def effect(count: int, threshold: Threshold) -> Effect:
    """What the errors and the threshold do to a count of so many devices."""
    errors = [each for each in distribution(threshold.bound) if _passes(count + each.error, count, threshold)]
    if not errors:
        return Effect(count, Fraction(), 0, 0, 0.0, 0.0)
    numbers = [each.error for each in errors]
    mean = sum(numbers) / len(numbers)
    spread = sqrt(sum(number**2 for number in numbers) / len(numbers))
    return Effect(
        count,
        sum((each.chance for each in errors), Fraction()),
        count + min(numbers),
        count + max(numbers),
        mean,
        spread,
    )


def advantage(bound: int) -> float:
    """How well one number tells whether one more device is in it, for somebody who knows all others: the area under the
    curve of the best test (0.5: a guess), for counts that are always published.

    Of N = 2 ``bound`` + 1 errors two are drawn, 1 is added to the second: how often it is larger, a draw being a half,
    is 1/2 + 1/N - 1/2N^2.
    """
    size = 2 * bound + 1
    return 0.5 + 1 / size - 1 / (2 * size**2)


def counts_to_show(threshold: Threshold) -> list[int]:
    """Counts around the threshold, and 20, 100 and 1,000."""
    k, bound = threshold
    return sorted({1, k - 1, k, k + bound, k + 2 * bound, 20, 100, 1_000})


def _passes(perturbed: int, count: int, threshold: Threshold) -> bool:
    return count >= threshold.k and perturbed >= threshold.least
