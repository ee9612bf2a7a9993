"""A range of time is given in local days or instants."""

import pytest

from config.errors import FouleError
from foule.history.span import Span
from indicators.calendar import DAY_MS, Calendar
from tests.foule.history.coast import START, TIME

CALENDAR = Calendar.of(TIME)


def test_days_are_local_and_the_last_one_is_in() -> None:
    assert Span.of("2014-06-28", "2014-06-28", CALENDAR) == Span(START, START + DAY_MS)


def test_instants_have_their_offset_and_the_last_one_is_out() -> None:
    span = Span.of("2014-06-28T04:00:00+02:00", "2014-06-28T03:00:00Z", CALENDAR)
    assert span == Span(START, START + 3_600_000)
    assert [span.holds(at) for at in (START - 1, START, START + 3_599_999, START + 3_600_000)] == [
        False,
        True,
        True,
        False,
    ]


def test_what_is_not_given_is_open() -> None:
    assert Span.of(None, None, CALENDAR).holds(0)
    assert not Span.of("2014-06-28", None, CALENDAR).holds(START - 1)


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("yesterday", None, "--from 'yesterday': a local day such as"),
        (None, "2014-06-28T10:00:00", "--to '2014-06-28T10:00:00': a local day"),
        ("2014-06-29", "2014-06-28", "is not before the end of --to 2014-06-28"),
    ],
)
def test_another_text_is_refused_with_what_is_expected(begin: str | None, end: str | None, said: str) -> None:
    with pytest.raises(FouleError, match=said):
        Span.of(begin, end, CALENDAR)
