"""What an attack has shown: the record that the table prints and the report for data protection officers reads."""

from __future__ import annotations

from typing import Literal

import msgspec

#: The three criteria of the Article 29 Working Party, Opinion 05/2014 on anonymisation techniques (WP 216).
Claim = Literal["singling out", "linking", "inference", "accuracy"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, or one figure that is reported without a promise.

    ``id``: the attack's number in the suite and a letter; ``claim``: what it would break; ``knows``: what the attacker
    has besides code, settings and all published numbers; ``off``, ``on``: the figure without the protection that is
    named in ``without``, and with all of them; ``figure``: what is measured; ``target``: what ``on`` must be, and
    ``off``; ``works``: the attack succeeds without the protection; ``fails``: it does not with it. Of a figure that is
    only reported both are None. ``skipped``: why it was not tried.
    """

    id: str
    name: str
    claim: Claim
    knows: str
    figure: str
    without: str = ""
    off: float | None = None
    on: float | None = None
    target: str = ""
    works: bool | None = None
    fails: bool | None = None
    skipped: str = ""
    detail: str = ""

    @property
    def reported(self) -> bool:
        """Whether it is only reported: no promise is made."""
        return self.works is None and self.fails is None

    @property
    def holds(self) -> bool:
        """The attack is known to work, and does not; of what is only reported, nothing is asked."""
        return self.reported or bool(self.works and self.fails)
