"""Every attack succeeds where its protection is taken away, and fails where it is not; on a small day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.privacy.suite import TINY, Suite

SUITE = Suite(TINY, Path("no recorded files"))

#: The real run is what tests/e2e/test_after_the_epoch.py and tests/e2e/test_privacy.py do.
ELSEWHERE = {"2", "groups", "accuracy"}


@pytest.mark.parametrize("attack", [name for name in SUITE.attacks if name not in ELSEWHERE])
def test_an_attack_succeeds_without_its_protection_and_fails_with_it(attack: str) -> None:
    tried = [one for one in SUITE.attacks[attack]() if not one.reported]
    assert tried
    assert {one.id: one.off for one in tried if not one.works} == {}
    assert {one.id: one.on for one in tried if not one.fails} == {}


def test_what_is_withheld_does_not_show_how_many_are_not_published() -> None:
    assert {one.id: one.on for one in SUITE.attacks["groups"]() if not one.fails} == {}


def test_the_error_of_a_published_count_is_small_and_a_missing_file_is_said() -> None:
    outcomes = SUITE.attacks["accuracy"]()
    errors = [one.on for one in outcomes if one.figure.startswith("mean absolute error") and one.on is not None]
    assert errors
    assert all(2.0 < error < 3.5 for error in errors)
    skipped = next(one.skipped for one in outcomes if one.id == "accuracy b")
    assert skipped.startswith("unicom_xdr_201508.csv.gz is not")
