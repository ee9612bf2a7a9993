"""Progress appears only for what takes long, as a bar on a terminal and as lines elsewhere."""

import io
from unittest.mock import patch

import pytest
from rich.console import Console

from foule import progress as module
from foule.progress import progress


class Clock:
    now = 0.0

    @classmethod
    def monotonic(cls) -> float:
        return cls.now


@pytest.fixture
def clock() -> type[Clock]:
    Clock.now = 0.0
    return Clock


def shown(clock: type[Clock], terminal: bool, *moments: float) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=100)
    with patch.object(module, "time", clock), progress("replay a.csv", 100, console) as report:
        for moment in moments:
            clock.now = moment
            report(moment, f"{moment:,.0f} events")
    return screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_done_within_a_second_shows_nothing(clock: type[Clock], terminal: bool) -> None:
    assert shown(clock, terminal, 0.2, 0.9) == ""


def test_a_terminal_shows_a_bar_after_a_second(clock: type[Clock]) -> None:
    text = shown(clock, True, 0.2, 25)
    assert "replay a.csv" in text
    assert "25%" in text
    assert "25 events" in text


def test_a_log_gets_a_line_every_ten_seconds(clock: type[Clock]) -> None:
    text = shown(clock, False, 2, 11, 15, 22)
    assert text.splitlines() == ["replay a.csv: 11 %, 11 events", "replay a.csv: 22 %, 22 events"]
