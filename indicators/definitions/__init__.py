"""What every indicator is: ``foule explain`` and the documents tell it as it is written here."""

from indicators.definitions import by_origin, days, derived, movement, several_days
from indicators.definitions.definition import Definition, Of, Release, Segments, Windows

__all__ = ["DEFINITIONS", "Definition", "Of", "Release", "Segments", "Windows"]

#: The definitions of all indicators, the derived ones last.
DEFINITIONS = (
    *movement.DEFINITIONS,
    *by_origin.DEFINITIONS,
    *days.DEFINITIONS,
    *several_days.DEFINITIONS,
    *derived.DEFINITIONS,
)
