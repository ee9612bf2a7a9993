"""A place where something is stored, and what is known of devices wherever that is."""

from __future__ import annotations

from typing import NamedTuple

from foule.report.document import Text
from foule.report.facts import Facts


class Place(NamedTuple):
    """One place: ``where`` it is, what it ``holds``, how long it is ``kept``, by what it is ``protected``, and who
    should have ``access``."""

    where: Text
    holds: Text
    kept: Text
    protected: Text
    access: Text


def pseudonymous(facts: Facts) -> list[str]:
    """What is known of devices, by their pseudonyms, while an epoch is open."""
    plan = facts.plan
    known = ["pseudonyms with record keys", "visits"]
    if plan.needs_origins:
        known.append("the origin of each device")
    if plan.daily:
        known.append("how long each device was in each zone in the day and in its night")
        known.append("the zone in which its day began, and that of its last stop")
    if plan.several_days:
        known.append(
            "for the days of the epoch so far, on how many days and nights each device was in each zone, how many "
            "nights in a row, and the last of them"
        )
    return known
