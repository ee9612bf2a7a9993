"""A privacy rule as the report tells it."""

from __future__ import annotations

from typing import Final, NamedTuple

from foule.report.document import Block, Text

#: The criteria of WP29's opinion 05/2014, as CNIL has them, too.
CRITERIA: Final = ("singling out", "linkability", "inference")


class Rule(NamedTuple):
    """A rule: its ``name``, the criteria that it ``serves``, where it is in the code, the ``settings`` that it depends
    on, what it does, and what else is to be shown; what it depends on ``besides``. ``about``: the settings that say
    of what there are numbers under this rule, which do not make it stricter or weaker."""

    name: str
    serves: tuple[str, ...]
    modules: tuple[str, ...]
    settings: tuple[str, ...]
    does: Text
    more: tuple[Block, ...] = ()
    besides: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
