"""What is said of epochs of several days names what lives longer, what is remembered, and for which indicators."""

from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, load
from foule.several_days import consequences, key_hours, uses
from tests.services.settings_file import write_settings


def settings_of(tmp_path: Path, days: int, **indicators: Any) -> Settings:
    sections: dict[str, dict[str, Any]] = {
        "time": {"epoch_days": days},
        "keys": {"max_age": "6h"},
        "indicators": indicators,
    }
    return load(write_settings(tmp_path / "foule.toml", sections), {})


def test_of_an_epoch_of_one_day_there_is_nothing_to_say(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, 1, categories=True, trips=True)
    assert (consequences(settings), uses(settings)) == ([], [])


def test_the_key_lives_as_long_as_the_days_one_more_hour_and_its_greatest_age(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, 3)
    assert key_hours(settings) == 79
    assert "pseudonyms live for 3 days" in consequences(settings)[0]
    assert "(6h) longer: 79 hours at worst" in consequences(settings)[0]


@pytest.mark.parametrize(
    ("days", "indicators", "names"),
    [
        (7, {"recurrence": True, "usual": True}, ["recurrence", "usual"]),
        (5, {"categories": True}, ['categories ("habitual")']),
        (4, {"categories": True}, []),  # nobody can have been there on four earlier days
        (4, {"categories": True, "habitual_days": 3}, ['categories ("habitual")']),
        (7, {"nights": True, "trips": True, "catchment": True}, []),
    ],
)
def test_the_indicators_that_rest_on_several_days_are_named(
    tmp_path: Path, days: int, indicators: dict[str, Any], names: list[str]
) -> None:
    settings = settings_of(tmp_path, days, **indicators)
    assert uses(settings) == names
    expected = f"it is for: {', '.join(names)}" if names else "no indicator that is on needs it"
    assert any(sentence.startswith(expected) for sentence in consequences(settings))


@pytest.mark.parametrize(
    ("indicators", "remembered"),
    [
        ({"sojourns": True}, "how many nights, how many of these in a row, and the last of them"),
        ({"trips": True}, "the last stop are remembered, and no days"),
        ({}, "visits that go on are remembered, and no days"),
    ],
)
def test_what_is_remembered_of_a_device_is_said(tmp_path: Path, indicators: dict[str, Any], remembered: str) -> None:
    [sentence] = [one for one in consequences(settings_of(tmp_path, 2, **indicators)) if "remembered" in one]
    assert sentence.endswith(remembered)
