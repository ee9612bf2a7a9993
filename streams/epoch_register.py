"""The register of epochs' keys: which are in force and which were lost, on a compacted topic that every worker reads.

Without it a worker that finds the key store empty could not tell an epoch that nobody has begun from one whose key is
lost, and would make a second key: every device would count twice (docs/privacy.md). A key is offered here by its id
once the key store has it, and the first that was offered under a label is in force.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

from anonymizer.keys import numbered
from config.errors import KeyMissingError, KeyStoreError
from streams.link import Link

log = logging.getLogger(__name__)

#: Seconds between attempts, and after which an earlier attempt has nothing to do with this one.
_PAUSE = 1.0
_FORGOTTEN = 30.0

#: Seconds after which the log says again who waits for a key.
_SAY_AGAIN = 30.0

_MADE = "made"
_LOST = "lost"
_ENDED = "ended"


class EpochRegister:
    """This worker's view of the topic. Implements ``anonymizer.keys.Register``."""

    def __init__(self, link: Link, topic: str, lost_after: int) -> None:
        """``lost_after`` (ms): how long a key may be missing from a store that answers."""
        self._link = link
        self._lost_after = lost_after / 1000
        self._missing: dict[str, tuple[float, float]] = {}
        self._said: dict[str, float] = {}
        self._looked = float("-inf")
        self._reading = asyncio.Lock()
        self._asked = self._answered = 0
        self._topic = topic
        self._next = 0
        self._in_force: dict[str, str] = {}
        self._made_at: dict[str, int] = {}
        self._lost: set[str] = set()
        self._ended: set[str] = set()
        self._prepared: set[str] = set()

    def label(self, epoch: str) -> str:
        """The label of the epoch's key in force; raises ``UnpreparedError`` before :meth:`prepare`."""
        if epoch not in self._prepared:
            raise UnpreparedError(epoch)
        return self.labels(epoch)[-1]

    def labels(self, epoch: str) -> list[str]:
        """The labels of all keys that the epoch has had, the one in force last, as far as this worker has read."""
        labels = [epoch]
        while labels[-1] in self._lost:
            labels.append(numbered(epoch, len(labels)))
        return labels

    def in_force(self, label: str) -> str | None:
        """The id of the first key that was offered under the label, or None, as far as this worker has read."""
        return self._in_force.get(label)

    def offer(self, label: str, key_id: str) -> None:
        """Raises ``OfferedError`` unless a key is in force: :meth:`overcome` writes the offer down."""
        if label not in self._in_force:
            raise OfferedError(label, key_id)

    def is_lost(self, label: str) -> bool:
        """Whether the key was given up."""
        return label in self._lost

    def made_at(self, label: str) -> int | None:
        """When the key in force was offered (wall clock, ms), or None if none is known yet."""
        return self._made_at.get(label)

    def is_ended(self, epoch: str) -> bool:
        """Whether the keys of the epoch are destroyed."""
        return epoch in self._ended

    async def end(self, epoch: str) -> None:
        """Say that the epoch's keys are destroyed from now on: no worker makes another one, or puts one back."""
        await self._append(_ENDED, epoch)
        self._ended.add(epoch)

    async def prepare(self, epoch: str) -> None:
        """Read what the others have written, before a key of the epoch is used."""
        await self.refresh()
        self._prepared.add(epoch)

    async def _enter(self, label: str, key_id: str) -> None:
        """Offer a key, unless others were faster."""
        await self.refresh()
        if label not in self._in_force:
            # compaction keeps the last record of a name, and the first decides: no two have the same
            await self._append(_MADE, f"{label}/{secrets.token_hex(8)}", f"{key_id} {self._link.now()}")
            await self.refresh()

    async def overcome(self, error: KeyStoreError, who: str) -> None:
        """Do what can be done about a key that cannot be had, and wait a little; then the caller tries again.

        ``who`` waits for it: the log says so from time to time.
        """
        if isinstance(error, UnpreparedError):
            await self.prepare(error.epoch)
            return
        if isinstance(error, OfferedError):
            await self._enter(error.label, error.key_id)
            return
        if self._link.elapsed() - self._said.get(who, -_SAY_AGAIN) >= _SAY_AGAIN:
            self._said[who] = self._link.elapsed()
            log.warning("%s: %s", who, error)
        await asyncio.sleep(_PAUSE)
        if not isinstance(error, KeyMissingError):
            self._missing.clear()  # while the store does not answer nobody can put a key back
            return
        now = self._link.elapsed()
        if now - self._looked >= _PAUSE:  # one look serves all that wait here: it takes a connection of its own
            self._looked = now
            await self.refresh()
        if self.is_lost(error.label):
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
        """Read all that was written before this call; those who call meanwhile share the next reading."""
        self._asked += 1
        asked = self._asked
        async with self._reading:
            if self._answered < asked:
                answered = self._asked
                await self._read()
                self._answered = answered

    async def _read(self) -> None:
        end = (await self._link.ends_now(self._topic)).get(0, 0)
        if end <= self._next:
            return
        async for record in self._link.read(self._topic, 0, self._next, end):
            kind, _, name = (record.key or b"").decode(errors="replace").partition("/")
            if kind == _MADE:
                self._learn(name.partition("/")[0], (record.value or b"").decode(errors="replace"))
            elif kind == _LOST:
                self._lost.add(name)
            elif kind == _ENDED:
                self._ended.add(name)
            else:
                log.error("offset %d of %s is passed over: who else writes there?", record.offset, self._topic)
        self._next = end

    def _learn(self, label: str, value: str) -> None:
        key_id, _, made_at = value.partition(" ")
        if label not in self._in_force:
            self._in_force[label] = key_id
            self._made_at[label] = int(made_at) if made_at.isdecimal() else self._link.now()

    async def _append(self, kind: str, name: str, value: str = "") -> None:
        await self._link.append(self._topic, 0, f"{kind}/{name}".encode(), value.encode())


class UnpreparedError(KeyStoreError):
    """The register has to be read before the key of ``epoch`` can be used."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        super().__init__(f"the register of keys was not read for the epoch {epoch} yet")


class OfferedError(KeyStoreError):
    """The key with the id ``key_id`` is to be offered under ``label`` before it can be used."""

    def __init__(self, label: str, key_id: str) -> None:
        self.label = label
        self.key_id = key_id
        super().__init__(f"the key {label} is not in the register of keys yet")
