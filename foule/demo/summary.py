"""The demo's summary: figures, checks and the error against the truth, for a terminal or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from foule.demo.accuracy import ZoneError, overall
from foule.demo.services import WorkerFigures
from foule.demo.verdict import Verdict
from indicators.calendar import label_of_width
from sinks.prometheus import REASONS


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a demo showed. ``sent``: events; ``seconds``: the whole run; ``sending``: seconds of them spent sending;
    ``festival``: seconds of festival time that were played; ``least``: the smallest number that is published."""

    verdict: Verdict
    figures: WorkerFigures
    errors: list[ZoneError]
    sent: int
    people: int
    least: int
    festival: int
    sending: float
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        zones: dict[str, dict[str, Any]] = {}
        for zone in self.errors:
            zones.setdefault(zone.layer, {})[zone.zone] = {
                "windows": zone.windows,
                "published": round(zone.published, 1),
                "truly": round(zone.truly, 1),
                "error": round(zone.error, 1),
                "relative": round(zone.relative, 4),
            }
        return {
            "ok": self.verdict.holds,
            "people": self.people,
            "sent": self.sent,
            "accepted": self.figures.accepted,
            "late": self.figures.late,
            "rejected": {reason: count for reason, count in self.figures.rejected.items() if count},
            "windows": self._windows_by_width(),
            "numbers": self.verdict.released.numbers,
            "checks": [check._asdict() for check in self.verdict.checks],
            "error": {
                layer: {"people": round(people, 1), "relative": round(share, 4), "zones": zones[layer]}
                for layer, (people, share) in overall(self.errors).items()
            },
            "sending_seconds": round(self.sending, 1),
            "seconds": round(self.seconds, 1),
        }

    def drawing(self) -> RenderableType:
        """For a terminal, or a log, of 100 columns."""
        below = (0, 0, 1, 0)
        return Group(
            Padding(self._figures(), (1, 0)),
            self._errors(),
            Padding(self._note(), below),
            Padding(self._checks(), below),
            self._last_line(),
        )

    def _windows_by_width(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for width in (label_of_width(window.width) for window in self.verdict.released.tallies):
            counts[width] = counts.get(width, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def _figures(self) -> Table:
        figures = self.figures
        reasons = ", ".join(f"{figures.rejected[name]:,} {name}" for name in REASONS if figures.rejected.get(name))
        widths = ", ".join(f"{count:,} of {width}" for width, count in self._windows_by_width().items())
        rejected = sum(figures.rejected.values())
        rows = [
            ("festival", f"{self.people:,} people, {self.festival / 3600:.1f} hours in {self.sending:.0f} s"),
            ("events sent", f"{self.sent:,}, {self.sent / max(self.sending, 0.1):,.0f} a second"),
            ("  accepted", f"{figures.accepted:,}"),
            ("  late", f"{figures.late:,}"),
            ("  rejected", f"{rejected:,}{f' ({reasons})' if reasons else ''}"),
            ("windows released", f"{len(self.verdict.released.tallies):,}{f' ({widths})' if widths else ''}"),
            ("numbers published", f"{self.verdict.released.numbers:,}, none below {self.least}"),
            ("time", f"{self.seconds:.0f} s"),
        ]
        table = Table.grid(padding=(0, 3))
        table.add_column(style="dim")
        for row in rows:
            table.add_row(*row)
        return table

    def _errors(self) -> Table:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for name in ("layer", "zone"):
            table.add_column(name, no_wrap=True)
        for name in ("windows", "people published", "truly there", "mean error", "relative"):
            table.add_column(name, justify="right", no_wrap=True)
        totals, shown = overall(self.errors), ""
        for at, zone in enumerate(self.errors):
            published, truly, error = (f"{value:,.0f}" for value in (zone.published, zone.truly, zone.error))
            layer = "" if zone.layer == shown else zone.layer
            shown = zone.layer
            table.add_row(layer, zone.zone, f"{zone.windows:,}", published, truly, error, f"{zone.relative:.1%}")
            if at + 1 == len(self.errors) or self.errors[at + 1].layer != shown:
                people, share = totals[shown]
                table.add_row("", "all numbers", "", "", "", f"{people:,.0f}", f"{share:.1%}", style="bold")
        return table

    def _note(self) -> Text:
        if not self.errors:
            return Text("No number of people could be set against the truth: play for longer, or more people.")
        return Text(
            "Means over the windows of the shortest width; the error is the mean absolute difference. People whose"
            " phones said nothing, and people without one, are in the truth. Published are also those who have left"
            " and were not heard elsewhere yet, so that a place that people pass through looks fuller.",
            style="dim",
        )

    def _checks(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        for check in self.verdict.checks:
            word = Text("ok", style="green") if check.holds else Text("WRONG", style="bold red")
            table.add_row(word, check.name, check.detail)
        return table

    def _last_line(self) -> Text:
        if not self.verdict.released.tallies:
            return Text("No window was released: play for longer, or more people.", style="bold red")
        if self.verdict.holds:
            return Text("All that was published equals the oracle.", style="bold green")
        return Text("What was published is not what the events say: see the lines above.", style="bold red")
