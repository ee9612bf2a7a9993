"""The definition of an indicator: what it is of, in which windows it is, how it is released, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from config.sections import Settings
from config.times import DAY, Duration
from indicators.cells import Rule

#: What a number, an example in JSON, may be made of.
Example = int | float | str | None | list["Example"] | dict[str, "Example"]


class Of(Enum):
    """What a number is of."""

    ZONE = "zone"
    PAIR = "pair of zones"
    ZONE_AND_ORIGIN = "zone and origin"


class Segments(Enum):
    """By what the devices of a zone, or of a pair of zones, are parted."""

    NONE = "none"
    ORIGIN = "origin"
    LENGTH = "length of stay"
    CATEGORY = "category"
    ZONE = "zone"
    DAYS = "number of days"


class Windows(Enum):
    """In windows of which widths an indicator is, if it is on."""

    EVERY = "every width of time.windows"
    DWELL = "the widths of indicators.dwell"
    ORIGINS = "the widths of indicators.origins"
    DWELL_AND_ORIGINS = "the widths of both indicators.dwell and indicators.origins"
    DAY = "1d"
    DAY_OF_ORIGINS = "1d, if indicators.origins has it"

    def widths(self, settings: Settings) -> tuple[Duration, ...]:
        """The widths under these settings, in the order of ``time.windows``."""
        chosen = settings.indicators
        return tuple(
            width
            for width in settings.time.windows
            if (self in (Windows.EVERY, Windows.DWELL, Windows.ORIGINS, Windows.DWELL_AND_ORIGINS) or width == DAY)
            and (self not in (Windows.DWELL, Windows.DWELL_AND_ORIGINS) or width in chosen.dwell)
            and (self in (Windows.EVERY, Windows.DWELL, Windows.DAY) or width in chosen.origins)
        )


class Release(Enum):
    """By which rule the numbers of an indicator are released: those of the gate, or none of its own."""

    THRESHOLD = Rule.THRESHOLD.value
    POOLED = Rule.POOLED.value
    MERGED = Rule.MERGED.value
    POOLED_THEN_MERGED = Rule.POOLED_THEN_MERGED.value
    DERIVED = "derived from released numbers"

    def sentence(self, k: int, noise: int) -> str:
        """The rule with the threshold ``k`` and the largest error ``noise``, in one sentence."""
        return _SENTENCES[self].format(k=k, noise=noise, least=k + noise)


_SENTENCES: Final = {
    Release.THRESHOLD: (
        "A number is published if with its error, of up to {noise} either way, it is at least {least}, and so of at"
        " least {k} devices."
    ),
    Release.POOLED: (
        "Segments of which the number with its error is below {least} are put together, those of a class first"
        " (national, foreign), then all that are left as other, with the smallest published one while other is below"
        " {least}: all devices are in published segments, or none. A segment of a class, and the class, must reach"
        " {least} with a second error, too."
    ),
    Release.MERGED: (
        "Bins are added to a run until its number with its error, and with a second one, is at least {least}, and those"
        " left at the end to the last run: all devices are in published runs, or none."
    ),
    Release.POOLED_THEN_MERGED: (
        "Origins are put together until each is at least {least} with its error, then the bins of each are merged"
        " until each run is; an origin that with the zone's own runs would tell how few devices are in the rest is left"
        " out."
    ),
    Release.DERIVED: (
        "It is computed from numbers that were released, each at least {least} and up to {noise} wrong, and tells no"
        " more than they do."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Definition:
    """An indicator as users know it.

    ``switches``: the settings that turn it on, all of them; none: it is always there. ``shaped_by``: those on which its
    numbers depend. ``key``, ``field`` and ``value``: where it is in Redis, and an example; ``topic``: the setting that
    names its Kafka topic, and ``record`` an example of a value there, both None where it is in Redis alone.
    """

    name: str
    title: str
    unit: str
    of: Of = Of.ZONE
    segments: Segments = Segments.NONE
    windows: Windows
    release: Release
    switches: tuple[str, ...] = ()
    shaped_by: tuple[str, ...] = ()
    meaning: str
    formula: str
    source: str
    key: str
    field: str = "ZONE"
    value: Example
    topic: str | None = "topics.indicators"
    record: Mapping[str, Example] | None
    reading: str

    def is_on(self, settings: Settings) -> bool:
        """Whether it is published under these settings."""
        return bool(self.widths(settings))

    def widths(self, settings: Settings) -> tuple[Duration, ...]:
        """The widths of the windows that have it under these settings: none if it is off."""
        on = all(setting(settings, name) for name in self.switches)
        return self.windows.widths(settings) if on else ()

    @property
    def value_text(self) -> str:
        """The example of its value in Redis, as it is written there."""
        return msgspec.json.encode(self.value).decode()

    @property
    def record_text(self) -> str | None:
        """The example of its record in Kafka, as it is written there; None where there is none."""
        return None if self.record is None else msgspec.json.encode(self.record).decode()


def setting(settings: Settings, name: str) -> object:
    """The value of a setting by its name, such as ``time.linger``."""
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


#: Of the settings, those by which visits are told, days and windows begin and end: every indicator rests on them.
CLOCK: Final = ("time.zone", "time.day_start", "time.linger", "time.windows", "time.epoch_days")

#: The windows of the examples: 28 June 2014 in Paris, five minutes from noon, the hour from noon, and the whole day.
#: How to read the pool that is published with every number that is parted and pooled (anonymizer.segments.grouped).
ALWAYS_OTHER: Final = (
    "There is always an `other`: while nobody is in it, or too few, the smallest segment joins it, and that may be"
    " another one in the next window. So of two segments of similar size each may have gaps in its series. Read `other`"
    " as not told, not as small remainders."
)
FIVE_MINUTES: Final[dict[str, Example]] = {"start": 1_403_949_600_000, "end": 1_403_949_900_000}
AN_HOUR: Final[dict[str, Example]] = {"start": 1_403_949_600_000, "end": 1_403_953_200_000}
A_DAY: Final[dict[str, Example]] = {"start": 1_403_920_800_000, "end": 1_404_007_200_000}

#: How a record ends.
ABOUT: Final[dict[str, Example]] = {"coverage": 1.0, "version": 88123}


def zone_record(name: str, window: Mapping[str, Example], **numbers: Example) -> dict[str, Example]:
    """The example of a record about a zone in ``topics.indicators``."""
    return {"indicator": name, "layer": "communes", "zone": "17094", **window, **numbers, **ABOUT}


def pair_record(name: str, window: Mapping[str, Example], **numbers: Example) -> dict[str, Example]:
    """The example of a record about a pair of zones in ``topics.indicators``."""
    return {"indicator": name, "layer": "communes", "from": "17300", "to": "17094", **window, **numbers, **ABOUT}
