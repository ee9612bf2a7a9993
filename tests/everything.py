"""Which indicators crowds of tests are counted in: all of them, or any, under rules drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from config.sections import IndicatorsSettings
from config.settings import Settings
from config.times import Duration
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND, Parameters

OF_A_DAY: Final = ("nights", "categories", "catchment", "trips")
OF_SEVERAL_DAYS: Final = ("recurrence", "sojourns", "usual")

_CLOCKS = [time(20), time(4), time(0), time(2), time(2, 30), time(3), time(12), time(23, 59)]
"""Times at which nights begin and end, some of them skipped or passed twice where clocks are changed."""

_EDGES = [
    Parameters.dwell_edges,
    (SECOND,),
    (MINUTE, 5 * MINUTE, 30 * MINUTE + 1, 9 * HOUR),
    (HOUR, DAY),
]


@cache
def tables() -> dict[str, Any]:
    """The tables of origins that come with the application, as parameters have them."""
    parameters = Parameters.of(Settings(indicators=IndicatorsSettings(origins=(Duration(DAY),))))
    return {"countries": parameters.countries, "areas": parameters.areas}


def with_every_indicator(parameters: Parameters, **rules: Any) -> Parameters:
    """The same, with everything counted that windows of these widths and epochs of so many days can have; ``rules``:
    of counting."""
    daily = OF_A_DAY if DAY in parameters.widths else ()
    several = OF_SEVERAL_DAYS if daily and parameters.epoch_days > 1 else ()
    wanted: dict[str, Any] = dict.fromkeys((*daily, *several), True)
    wanted |= {"dwell": parameters.widths, "origins": parameters.widths}
    return replace(parameters, **tables(), **{**wanted, **rules})


@st.composite
def any_indicators(draw: st.DrawFn, parameters: Parameters) -> Parameters:
    """The same, with any indicators that windows of these widths and epochs of so many days can have, under any rules
    that the settings allow."""

    def some(names: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(name for name in names if draw(st.sampled_from([True, True, False])))

    if draw(st.sampled_from([False, False, False, True])):
        return parameters
    daily = some(OF_A_DAY) if DAY in parameters.widths else ()
    several = some(OF_SEVERAL_DAYS) if DAY in parameters.widths and parameters.epoch_days > 1 else ()
    wanted: dict[str, Any] = dict.fromkeys((*daily, *several), True)
    night_from = draw(st.sampled_from(_CLOCKS))
    until = [clock for clock in _CLOCKS if _since(parameters, clock) > _since(parameters, night_from)]
    if night_from != parameters.day_start:
        until.insert(0, parameters.day_start)
    return replace(
        parameters,
        **tables(),
        **wanted,
        home_mcc=draw(st.sampled_from([("208",), ("208", "262")])),
        dwell=some(parameters.widths),
        dwell_edges=draw(st.sampled_from(_EDGES)),
        origins=some(parameters.widths),
        night_from=night_from,
        night_until=draw(st.sampled_from(until)),
        night_stay=draw(st.sampled_from([MINUTE, HOUR, 5 * HOUR])),
        visit_stay=draw(st.sampled_from([MINUTE, 2 * HOUR])),
        habitual_days=draw(st.sampled_from([1, 2])),
        trip_stay=draw(st.sampled_from([0, 1, MINUTE, 20 * MINUTE, 9 * HOUR])),
        usual_nights=draw(st.sampled_from([1, 2])),
    )


def _since(parameters: Parameters, clock: time) -> int:
    """Minutes from the beginning of a local day to a time of the day."""
    begin = parameters.day_start
    return (clock.hour * 60 + clock.minute - begin.hour * 60 - begin.minute) % (24 * 60)


def settings_of_indicators(parameters: Parameters) -> IndicatorsSettings:
    """The section of the settings that says the same."""
    return IndicatorsSettings(
        dwell=_durations(parameters.dwell),
        dwell_edges=_durations(parameters.dwell_edges),
        origins=_durations(parameters.origins),
        night_from=parameters.night_from.strftime("%H:%M"),
        night_until=parameters.night_until.strftime("%H:%M"),
        night_stay=Duration(parameters.night_stay),
        visit_stay=Duration(parameters.visit_stay),
        habitual_days=parameters.habitual_days,
        trip_stay=Duration(parameters.trip_stay),
        usual_nights=parameters.usual_nights,
        **{name: getattr(parameters, name) for name in (*OF_A_DAY, *OF_SEVERAL_DAYS)},
    )


def _durations(times: Sequence[int]) -> tuple[Duration, ...]:
    return tuple(map(Duration, times))
