"""What somebody has to approve of how much in detail the indicators tell of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.settings import Settings
from config.times import MINUTE
from foule.report.concern import Concern, differing
from foule.report.document import code, joined, plain, say
from foule.report.facts import FEW_CELLS, Facts
from indicators.definitions import DEFINITIONS, Segments

#: From more home areas on, each has few people. France has some hundred departements.
MANY_AREAS: Final = 200
_SHORT_STAY: Final = 5 * MINUTE


def concerns(facts: Facts) -> Iterator[Concern]:
    """Home areas of few people, stays of few minutes, and details of small zones."""
    settings = facts.settings
    if settings.origins.areas is not None and facts.areas > MANY_AREAS:
        yield Concern(
            "origins.areas",
            say("{set}: {areas} home areas are told apart.", set=facts.set_to("origins.areas"), areas=facts.areas),
            plain(
                "The fewer people live in an area, the more it says of one of them to be from there: a number of k "
                "devices may be half a village. Most segments will be too small and end in a pool."
            ),
            say("Name areas of some hundred thousand people, and {most} of them at most.", most=MANY_AREAS),
        )
    if settings.indicators.dwell and min(settings.indicators.dwell_edges) < _SHORT_STAY:
        risk = (
            "Stays of few minutes are no more than the time between two events of a phone: they show the ways of "
            "small groups closely, and are about the network rather than about people."
        )
        yield differing(facts, "indicators.dwell_edges", plain(risk))
    told = _parting(settings)
    for layer, small in zip(facts.layers, facts.small_zones, strict=False):
        if told and small > len(layer.ids) / 2:
            yield Concern(
                "zones.layers",
                say(
                    "Layer `{layer}`: {small} of {all} zones have fewer than {few} cells, and devices are parted "
                    "there: {names}.",
                    layer=layer.name,
                    small=small,
                    all=len(layer.ids),
                    few=FEW_CELLS,
                    names=joined(code(name) for name in told),
                ),
                plain(
                    "Such a zone is a place where the same few people live or work: by origin, length of stay or "
                    "category its numbers are close to secrets of these groups, though of k devices at least."
                ),
                plain("Draw larger zones, or part devices in a run of foule of its own, over larger zones."),
            )


def _parting(settings: Settings) -> list[str]:
    return [one.name for one in DEFINITIONS if one.segments is not Segments.NONE and one.is_on(settings)]
