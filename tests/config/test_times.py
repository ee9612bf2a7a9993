"""Lengths and instants are read exactly and written as settings write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.times import Duration, Instant


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("7d", 604_800_000)],
)
def test_a_duration_is_a_number_of_milliseconds(text: str, milliseconds: int) -> None:
    assert Duration.parse(text) == milliseconds
    assert Duration.parse(text).text == text


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "1.5h", "5M", "1h30m", "5min", "\u0665m", "5m\n"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="followed by ms, s, m, h or d"):
        Duration.parse(text)


@given(st.integers(0, 10**13))
def test_a_duration_survives_being_written(milliseconds: int) -> None:
    assert Duration.parse(Duration(milliseconds).text) == milliseconds


def test_a_duration_goes_into_a_text_as_its_number() -> None:
    assert f"{Duration.parse('5m')} {Duration.parse('5m')!s}" == "300000 300000"
    assert repr(Duration.parse("90s")) == "Duration('90s')"
    assert Duration.parse("1500ms").seconds == 1.5


def test_an_instant_counts_from_1970_in_utc_whatever_its_offset() -> None:
    assert Instant.parse("2014-06-28T04:00:00+02:00") == 1_403_920_800_000
    assert Instant.parse("2014-06-28T02:00:00Z") == 1_403_920_800_000
    assert Instant.of(datetime.fromisoformat("1969-12-31T23:59:59.999Z")) == -1


@pytest.mark.parametrize("text", ["2014-06-28T04:00:00", "2014-06-28", "yesterday", ""])
def test_an_instant_needs_an_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat"):
        Instant.parse(text)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_an_instant_survives_being_written(milliseconds: int) -> None:
    assert Instant.parse(Instant(milliseconds).text) == milliseconds
