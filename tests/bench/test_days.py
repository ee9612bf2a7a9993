"""The bench of days lets a shard close real days, with every indicator in the tallies of each."""

from __future__ import annotations

import pytest

pytest.importorskip("psutil", reason="the extra bench is not installed")

from bench.days import days
from indicators.calendar import DAY_MS
from indicators.counts import Tally
from streams.shard import Shard


def test_each_day_closes_with_every_indicator_of_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    tallies: list[Tally] = []
    closed = Shard.closed

    def seen(self: Shard) -> list[Tally]:
        found = closed(self)
        tallies.extend(found)
        return found

    monkeypatch.setattr(Shard, "closed", seen)
    found = list(days(2, 500, 4, 2))
    of_days = [tally for tally in tallies if tally.width == DAY_MS]
    assert [(tally.layer, tally.start) for tally in of_days] == [
        (layer, start) for start in sorted({tally.start for tally in of_days}) for layer in (0, 1)
    ]
    assert len(of_days) == 4
    for tally in of_days:  # without trips: in so few events nobody is in two places
        assert {
            "origins",
            "dwell_origins",
            "categories",
            "catchment",
            "nights",
            "recurrence",
            "sojourns",
        } <= set(tally.counts)
    # who was there on the first day, too, is in another bin of recurrence on the second
    assert [set((tally.counts["recurrence"].cells % 5).tolist()) for tally in of_days[::2]] == [{0}, {0, 1}]
    # the memory is that of a process of its own: here other tests have left some behind
    assert all(day.closed.wall > 0 < day.copied.wall for day in found)
