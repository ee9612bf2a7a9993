"""Progress of what takes over a second, on the terminal's standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_QUIET_SECONDS = 1.0
_LINE_SECONDS = 10.0

Report = Callable[[float, str], None]


@contextmanager
def progress(what: str, total: float, console: Console | None = None) -> Iterator[Report]:
    """Gives a function to call with how much of ``total`` is done, and with a word about it.

    After a second it shows a bar on a terminal; elsewhere (a log) a line every ten seconds.
    """
    screen = Console(stderr=True) if console is None else console
    shown = _bar(what, total, screen) if screen.is_terminal else _lines(what, total, screen)
    with shown as report:
        yield report


@contextmanager
def _bar(what: str, total: float, console: Console) -> Iterator[Report]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task(what, total=total, note="")
    began = time.monotonic()
    started = False

    def report(done: float, note: str) -> None:
        nonlocal started
        bar.update(task, completed=done, note=note)
        if not started and time.monotonic() - began > _QUIET_SECONDS:
            started = True
            bar.start()

    try:
        yield report
    finally:
        if started:
            bar.stop()


@contextmanager
def _lines(what: str, total: float, console: Console) -> Iterator[Report]:
    last = time.monotonic()

    def report(done: float, note: str) -> None:
        nonlocal last
        if time.monotonic() - last > _LINE_SECONDS:
            last = time.monotonic()
            console.print(f"{what}: {100 * done / total if total else 100:.0f} %, {note}", highlight=False)

    yield report
