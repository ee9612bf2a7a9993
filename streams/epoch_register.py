"""The register of epochs' keys: which were begun and which were lost, on a compacted topic that every worker reads.

Without it a worker that finds the key store empty could not tell an epoch that nobody has begun from one whose key is
lost, and would make a second key: every device would count twice (docs/privacy.md).
"""

from __future__ import annotations

import asyncio
import logging

from anonymizer.keys import numbered
from config.errors import ContractError, KeyMissingError, KeyStoreError
from streams.link import Link

log = logging.getLogger(__name__)

#: Seconds between attempts, and after which an earlier attempt has nothing to do with this one.
_PAUSE = 1.0
_FORGOTTEN = 30.0

#: Seconds after which the log says again who waits for a key.
_SAY_AGAIN = 30.0

_BEGUN = b"begun"
_LOST = b"lost"


class EpochRegister:
    """This worker's view of the topic. Implements ``anonymizer.keys.Register``."""

    def __init__(self, link: Link, topic: str, lost_after: int) -> None:
        """``lost_after`` (ms): how long a key may be missing from a store that answers."""
        self._link = link
        self._lost_after = lost_after / 1000
        self._missing: dict[str, tuple[float, float]] = {}
        self._said: dict[str, float] = {}
        self._topic = topic
        self._next = 0
        self._begun: set[str] = set()
        self._lost: set[str] = set()
        self._prepared: set[str] = set()
        self._mine: set[str] = set()

    def label(self, epoch: str) -> str:
        """The label of the epoch's key in force.

        Raises ``UnpreparedError`` before :meth:`prepare`, and when others have given the prepared key up and nobody has
        begun the next one.
        """
        label = self._current(epoch)
        if epoch not in self._prepared or label not in self._begun:
            raise UnpreparedError(epoch)
        return label

    def _current(self, epoch: str) -> str:
        return self.labels(epoch)[-1]

    def labels(self, epoch: str) -> list[str]:
        """The labels of all keys that the epoch has had, the one in force last, as far as this worker has read."""
        labels = [epoch]
        while labels[-1] in self._lost:
            labels.append(numbered(epoch, len(labels)))
        return labels

    def made(self, label: str) -> None:
        """This worker has made the key, or found it made: it must not make it again."""
        self._mine.discard(label)

    def may_make(self, label: str) -> bool:
        """Whether this worker was among the first to begin with the key."""
        return label in self._mine

    def is_lost(self, label: str) -> bool:
        """Whether the key was given up."""
        return label in self._lost

    async def prepare(self, epoch: str) -> None:
        """Read what the others have written, and write down that the epoch's key is begun if nobody has yet."""
        await self.refresh()
        label = self._current(epoch)
        if label not in self._begun:
            await self._append(_BEGUN, label)
            self._mine.add(label)
            await self.refresh()
        self._prepared.add(epoch)

    async def overcome(self, error: KeyStoreError, who: str) -> None:
        """Do what can be done about a key that cannot be had, and wait a little; then the caller tries again.

        ``who`` waits for it: the log says so from time to time.
        """
        if isinstance(error, UnpreparedError):
            await self.prepare(error.epoch)
            return
        if self._link.elapsed() - self._said.get(who, -_SAY_AGAIN) >= _SAY_AGAIN:
            self._said[who] = self._link.elapsed()
            log.warning("%s: %s", who, error)
        await asyncio.sleep(_PAUSE)
        if not isinstance(error, KeyMissingError):
            self._missing.clear()  # while the store does not answer nobody can put a key back
            return
        now = self._link.elapsed()
        since, last = self._missing.get(error.label, (now, now))
        if now - last > _FORGOTTEN:
            since = now
        self._missing[error.label] = (since, now)
        if now - since >= self._lost_after:
            log.error("the key %s is given up: nobody has put it back", error.label)
            await self.give_up(error.label)

    async def give_up(self, label: str) -> None:
        """Nobody has the key any more: the next one of its epoch is in force."""
        await self.refresh()
        if label not in self._lost:
            await self._append(_LOST, label)
            await self.refresh()
        self._prepared.clear()

    async def refresh(self) -> None:
        """Read what is new."""
        end = (await self._link.ends_now(self._topic)).get(0, 0)
        if end <= self._next:
            return
        async for record in self._link.read(self._topic, 0, self._next, end):
            kind, _, label = (record.key or b"").partition(b"/")
            if kind == _BEGUN:
                self._begun.add(label.decode())
            elif kind == _LOST:
                self._lost.add(label.decode())
            else:
                raise ContractError(f"offset {record.offset} of {self._topic} cannot be read: who else writes there?")
        self._next = end

    async def _append(self, kind: bytes, label: str) -> None:
        await self._link.append(self._topic, 0, kind + b"/" + label.encode(), b"")


class UnpreparedError(KeyStoreError):
    """The register has to be read before the key of ``epoch`` can be used."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        super().__init__(f"the register of keys was not read for the epoch {epoch} yet")
