"""Which events of a source may have gone out before, under a key that was lost since.

Under another key an event belongs to another shard. A source that sends again what a predecessor sent under the lost
key may lose such an event: its shard of before never got it, and its shard of now has passed over its offset. Nobody
can tell which events these are, so the windows of all of them are not released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anonymizer.pseudonyms import label_of
from streams.intake import Share


class Doubts:
    """What a source does not know of its predecessor.

    An epoch's events below the ``end`` that the log had when the source was taken over are in doubt if they go out
    under a key that is not the epoch's first, unless the checkpoint knew that key: then nothing after it went out under
    an earlier one.
    """

    def __init__(self, known: Mapping[int, str] | None = None, ends: Mapping[int, int] | None = None) -> None:
        """``known``: the ids of the keys that the checkpoint names, by epoch; ``ends``: as :attr:`ends` was then."""
        self._known = dict(known or {})
        self.ends = dict(ends or {})
        self._fresh: list[Share] = []

    def add(self, share: Share) -> None:
        """Look at events that are about to be sent."""
        number = share.epoch.number
        if self._known.get(number) == share.key_id:
            if number in self.ends:
                self._fresh.append(share)
            return
        self.ends.pop(number, None)
        if label_of(share.key_id) == share.epoch.label:
            self._known[number] = share.key_id
        else:
            self._fresh.append(share)

    @property
    def needs_end(self) -> bool:
        """Whether :meth:`between` has to be told where the log ended after the source was taken over."""
        return any(share.epoch.number not in self.ends for share in self._fresh)

    def between(self, end: int = 0) -> list[tuple[int, int]]:
        """Hand over the times that are in doubt, as (first, last) in UTC ms; ``end``: see :attr:`needs_end`."""
        fresh, self._fresh = self._fresh, []
        found = []
        for share in fresh:
            number = share.epoch.number
            self._known[number] = share.key_id
            times = share.times[share.offsets < self.ends.setdefault(number, end)]
            if len(times):
                found.append((int(times.min()), int(times.max())))
        return found

    def forget(self, open_epochs: Iterable[int], next_offset: int) -> None:
        """Let go of epochs that are over, and of ends that are passed."""
        still = set(open_epochs)
        self._known = {number: key_id for number, key_id in self._known.items() if number in still}
        self.ends = {number: end for number, end in self.ends.items() if number in still and end > next_offset}
