"""Something that somebody has to approve."""

from __future__ import annotations

from typing import NamedTuple

from foule.report.document import Text, code, say
from foule.report.facts import Facts


class Concern(NamedTuple):
    """Something to approve: ``about``, a setting's key or a few words; what was found, what is risked, what to do
    instead; whether it is so by default."""

    about: str
    found: Text
    risk: Text
    instead: Text
    by_default: bool = False


def differing(facts: Facts, key: str, risk: Text) -> Concern:
    """A setting that is weaker than its default, and what is risked by that."""
    found = say("{set} (default {default})", set=facts.set_to(key), default=code(facts.default(key)))
    return Concern(key, found, risk, say("Go back to {default}, or write down why not.", default=facts.default(key)))
