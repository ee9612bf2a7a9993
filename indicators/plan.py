"""The plan: which indicators are counted besides presence and flows, and by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import time
from typing import Self

import numpy as np
from numpy.typing import NDArray

from config.rules import SEVERAL_DAYS
from config.sections import IndicatorsSettings, TimeSettings
from config.times import DAY
from indicators.bins import Bins

_DAILY = ("nights", "categories", "catchment", "trips", *SEVERAL_DAYS)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is counted, as the settings' section ``indicators`` says; durations in ms.

    ``dwell`` and ``by_origin``: widths of the windows in which there are lengths of stay and origins; ``edges``: of the
    bins of lengths of stay; ``origins``: how many origins there are; ``epoch_days``: local days of an epoch. ``local``:
    for each layer the code of the origin that is local in each zone, -1 where none is: int16 (zones,), ``outside``
    included.
    """

    dwell: frozenset[int] = frozenset()
    edges: tuple[int, ...] = (900_000,)
    by_origin: frozenset[int] = frozenset()
    origins: int = 1
    local: tuple[NDArray[np.int16], ...] = ()
    nights: bool = False
    night_from: time = time(20)
    night_until: time = time(4)
    night_stay: int = 3_600_000
    categories: bool = False
    visit_stay: int = 7_200_000
    habitual_days: int = 4
    catchment: bool = False
    trips: bool = False
    trip_stay: int = 1_200_000
    recurrence: bool = False
    sojourns: bool = False
    usual: bool = False
    usual_nights: int = 3
    epoch_days: int = 1

    @classmethod
    def of(
        cls,
        settings: IndicatorsSettings,
        clock: TimeSettings,
        origins: int = 1,
        local: Sequence[NDArray[np.int16]] = (),
    ) -> Self:
        """The plan of the settings, with ``origins`` and ``local`` as above."""
        return cls(
            dwell=frozenset(map(int, settings.dwell)),
            edges=tuple(map(int, settings.dwell_edges)),
            by_origin=frozenset(map(int, settings.origins)),
            origins=origins,
            local=tuple(local),
            nights=settings.nights,
            night_from=time.fromisoformat(settings.night_from),
            night_until=time.fromisoformat(settings.night_until),
            night_stay=int(settings.night_stay),
            categories=settings.categories,
            visit_stay=int(settings.visit_stay),
            habitual_days=settings.habitual_days,
            catchment=settings.catchment,
            trips=settings.trips,
            trip_stay=int(settings.trip_stay),
            recurrence=settings.recurrence,
            sojourns=settings.sojourns,
            usual=settings.usual,
            usual_nights=settings.usual_nights,
            epoch_days=clock.epoch_days,
        )

    @property
    def bins(self) -> Bins:
        """The bins of lengths of stay."""
        return Bins.of_durations(self.edges)

    @property
    def daily(self) -> bool:
        """Whether something is counted of whole local days."""
        return any(getattr(self, name) for name in _DAILY)

    @property
    def several_days(self) -> bool:
        """Whether devices are remembered from one local day of an epoch to the next."""
        told = self.categories or self.recurrence or self.sojourns or self.usual
        return told and self.epoch_days > 1

    @property
    def tells_ended(self) -> bool:
        """Whether the visits that ended are needed one by one."""
        return self.daily or bool(self.dwell)

    @property
    def needs_origins(self) -> bool:
        """Whether it matters where devices are from."""
        return bool(self.by_origin) or self.categories

    def counted(self, width: int) -> list[str]:
        """The names of the indicators that windows of this width have besides presence and flows."""
        names = ["dwell"] * (width in self.dwell)
        if width in self.by_origin:
            names += ["origins", "arrival_origins", "departure_origins", "flow_origins"]
            names += ["dwell_origins"] * (width in self.dwell)
        if width == DAY:
            known = _DAILY if self.epoch_days > 1 else [name for name in _DAILY if name not in SEVERAL_DAYS]
            names += [name for name in known if getattr(self, name)]
            names += ["night_origins"] * (self.nights and width in self.by_origin)
        return names

    def __str__(self) -> str:
        """All that numbers depend on, but for the table of origins."""
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "local"}
        shown |= {name: sorted(shown[name]) for name in ("dwell", "by_origin")}
        return repr(shown)
