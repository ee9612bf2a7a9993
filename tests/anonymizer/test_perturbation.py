"""Errors are bounded, even, reproducible, and tell nothing about each other."""

from __future__ import annotations

import pickle
from collections import Counter
from hashlib import blake2b

import numpy as np
import pytest

from anonymizer.perturbation import Perturbation
from tests.cells import KEY


def plainly(key: bytes, name: str, cell_key: int, bound: int) -> int:
    secret = blake2b(key=key, digest_size=32, person=b"foule noise").digest()
    draw = blake2b(cell_key.to_bytes(4, "little") + name.encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(draw, "little") % (2 * bound + 1) - bound


def test_an_error_follows_from_the_secret_the_name_and_the_sum_of_record_keys() -> None:
    names, keys = ["presence\0spots\0beach", "flows\0spots\0beach\0port"], np.array([7, 0xFFFFFFFF], np.uint32)
    found = Perturbation(KEY, 5).errors(names, keys)
    assert found.dtype == np.int64
    assert found.tolist() == [plainly(KEY, name, key, 5) for name, key in zip(names, keys.tolist(), strict=True)]


@pytest.mark.parametrize("bound", [1, 5, 20])
def test_errors_are_whole_numbers_within_the_bound_each_as_often_as_the_others(bound: int) -> None:
    drawn = Perturbation(KEY, bound).errors(["presence"] * 40_000, np.arange(40_000, dtype=np.uint32))
    often = Counter(drawn.tolist())
    assert sorted(often) == list(range(-bound, bound + 1))
    expected = len(drawn) / (2 * bound + 1)
    chi2 = sum((count - expected) ** 2 / expected for count in often.values())
    assert chi2 < 2 * bound + 6 * np.sqrt(4 * bound)  # six standard deviations
    assert drawn.mean() == pytest.approx(0, abs=6 * np.sqrt(bound * (bound + 1) / 3 / len(drawn)))
    assert drawn.var() == pytest.approx(bound * (bound + 1) / 3, rel=0.05)


def test_errors_of_other_cells_other_devices_and_other_keys_have_nothing_in_common() -> None:
    keys = np.arange(20_000, dtype=np.uint32)
    one = Perturbation(KEY, 5).errors(["presence"] * len(keys), keys)
    others = [
        Perturbation(KEY, 5).errors(["arrivals"] * len(keys), keys),
        Perturbation(KEY, 5).errors(["presence"] * len(keys), keys + np.uint32(1)),
        Perturbation(bytes(32), 5).errors(["presence"] * len(keys), keys),
    ]
    for other in others:
        assert np.mean(one == other) == pytest.approx(1 / 11, abs=0.015)
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.04


def test_without_a_bound_there_is_no_error() -> None:
    assert Perturbation(KEY, 0).errors(["presence"] * 9, np.arange(9, dtype=np.uint32)).tolist() == [0] * 9


def test_the_secret_is_not_shown() -> None:
    errors = Perturbation(KEY, 5)
    assert repr(errors) == "Perturbation(..., bound=5)"
    assert not [value for value in vars(errors).values() if isinstance(value, bytes)]
    with pytest.raises(TypeError):
        pickle.dumps(errors)
