"""The settings on which a count depends, as the oracle needs them; durations and instants in milliseconds."""

from dataclasses import dataclass, field
from datetime import date, time
from typing import NamedTuple

from config.settings import Settings

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Fields(NamedTuple):
    """The JSON name of each field of an event."""

    ts: str = "ts"
    subscriber: str = "subscriber"
    cell: str = "cell"
    lat: str = "lat"
    lon: str = "lon"
    mcc: str = "mcc"
    home: str = "home"
    rat: str = "rat"


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What decides, besides the records and the advances, every count.

    ``shuffle``: a device's events may be in any partition; each is late by the watermark of its own.
    """

    zone: str = "Europe/Paris"
    day_start: time = time(4)
    lateness: int = 2 * MINUTE
    linger: int = 30 * MINUTE
    widths: tuple[int, ...] = (5 * MINUTE, HOUR, DAY)
    epoch_days: int = 1
    epoch_start: date = date(2014, 1, 1)
    max_skew: int = 5 * MINUTE
    not_before: int | None = None
    not_after: int | None = None
    shuffle: bool = False
    fields: Fields = field(default_factory=Fields)

    @classmethod
    def of(cls, settings: Settings) -> "Parameters":
        """The same values, taken from the settings of the application."""
        events, clock = settings.events, settings.time
        return cls(
            zone=clock.zone,
            day_start=time.fromisoformat(clock.day_start),
            lateness=int(clock.lateness),
            linger=int(clock.linger),
            widths=tuple(int(width) for width in clock.windows),
            epoch_days=clock.epoch_days,
            epoch_start=clock.epoch_start,
            max_skew=int(events.max_skew),
            not_before=None if events.not_before is None else int(events.not_before),
            not_after=None if events.not_after is None else int(events.not_after),
            shuffle=events.shuffle,
            fields=Fields(*(getattr(events, role) for role in Fields._fields)),
        )
