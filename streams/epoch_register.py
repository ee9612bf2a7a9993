"""The register of epochs' keys: which were begun and which were lost, on a compacted topic that every worker reads.

Without it a worker that finds the key store empty could not tell an epoch that nobody has begun from one whose key is
lost, and would make a second key: every device would count twice (docs/privacy.md).
"""

from __future__ import annotations

from anonymizer.keys import numbered
from config.errors import ContractError, KeyStoreError
from streams.consumer import Link

_BEGUN = b"begun"
_LOST = b"lost"


class EpochRegister:
    """This worker's view of the topic. Implements ``anonymizer.keys.Register``."""

    def __init__(self, link: Link, topic: str) -> None:
        self._link = link
        self._topic = topic
        self._next = 0
        self._begun: set[str] = set()
        self._lost: set[str] = set()
        self._prepared: set[str] = set()
        self._mine: set[str] = set()

    def label(self, epoch: str) -> str:
        """The label of the epoch's key in force; raises ``UnpreparedError`` before :meth:`prepare`."""
        if epoch not in self._prepared:
            raise UnpreparedError(epoch)
        return self._current(epoch)

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
