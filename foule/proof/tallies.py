"""The log of tallies read back: raw tallies, seals and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from anonymizer.cipher import Cipher
from anonymizer.gate import Publication, ReleasedWindow, reopen
from anonymizer.pseudonyms import label_of
from config.errors import ServiceError
from config.settings import Settings
from foule.oracle.oracle import Cell, Keys
from foule.oracle.result import ALL, Tallies, WindowKey
from foule.proof.topics import LogRecord, TopicReader
from indicators.cells import Cells
from streams import wire
from streams.claims import Claims
from streams.losses import Loss, Losses
from streams.wire import (
    Bookmark,
    Claim,
    Decision,
    EarlyEnd,
    EpochEnd,
    ReleaseClaim,
    Seal,
    SourceLoss,
    SourceSeal,
    TallyPart,
)

_BEGINNING = -1  # UTC ms, before every watermark


class _Window(NamedTuple):
    """What names a window on the log; its end follows from it."""

    layer: int
    width: int
    start: int


class _PartKey(NamedTuple):
    shard: int
    window: _Window
    part: int


class TallyLog:
    """What counts of the log so far; :meth:`read` takes what is new. A context manager.

    ``keys``: of the epochs, as a witness has seen them, under which the tallies are sealed; without, only what is not
    sealed can be asked for.
    ``decisions``: the released windows, as they were decided first; ``last_released``: the newest one in which
    something is published, with the version under which it is; ``losses``: what shards have lost with a key;
    ``problems``: tallies and decisions that came again with other numbers, in words.
    """

    def __init__(self, settings: Settings, keys: Keys | None = None) -> None:
        self.decisions: dict[WindowKey, ReleasedWindow] = {}
        self.last_released: Publication | None = None
        self.problems: list[str] = []
        self._layers = [layer.name for layer in settings.zones.layers]
        self._marks = dict.fromkeys(range(settings.topics.partitions), _BEGINNING)
        self._offsets = dict.fromkeys(range(settings.topics.partitions), 0)
        self._keys = {} if keys is None else keys
        self._parts: dict[_PartKey, list[TallyPart]] = {}
        self._decided: dict[_Window, ReleasedWindow] = {}
        self._counted: set[WindowKey] = set()
        self._labels: dict[tuple[WindowKey, int], str] = {}
        self._claims = Claims()
        self._losses = Losses()
        self._ended = _BEGINNING
        self._reader = TopicReader(settings, settings.topics.tallies)

    def read(self) -> None:
        """Take the records that are new. Raises ContractError for one that foule did not write."""
        for record in self._reader.read():
            message = wire.decode(record.value or b"")
            if isinstance(message, Claim):
                self._claims.add(message.shard, message.token, record.offset)
            elif isinstance(message, ReleaseClaim):
                self._claims.add(None, record.offset, record.offset)
            elif isinstance(message, SourceLoss):
                self._losses.add(Loss.of_source(message, record.offset))
            elif isinstance(message, Bookmark | SourceSeal) or not self._counts(record, message):
                continue
            elif isinstance(message, EpochEnd):
                self._ended = max(self._ended, message.end)
            elif isinstance(message, EarlyEnd):
                reported = self._marks.get(message.shard, _BEGINNING)
                self._losses.add(Loss(message.shard, message.watermark, message.until, reported, record.offset))
            elif isinstance(message, Seal):
                self._marks[message.shard] = max(message.watermark, self._marks.get(message.shard, _BEGINNING))
                self._offsets[message.shard] = max(message.next_offset, self._offsets.get(message.shard, 0))
            elif isinstance(message, TallyPart):
                self._take_part(message)
            else:
                self._take_decision(record, message)

    def _counts(self, record: LogRecord, message: TallyPart | Seal | EarlyEnd | EpochEnd | Decision) -> bool:
        owned = None if isinstance(message, Decision | EpochEnd) else message.shard
        return self._claims.admits(owned, message.token, record.offset)

    def sealed(self, watermark: int) -> bool:
        """Whether every shard has sealed ``watermark`` (UTC ms)."""
        return min(self._marks.values()) >= watermark

    def has_read(self, ends: Mapping[int, int]) -> bool:
        """Whether each shard has sealed all up to its end offset in ``ends``."""
        return all(self._offsets.get(shard, 0) >= end for shard, end in ends.items())

    @property
    def losses(self) -> list[Loss]:
        """What shards have lost with a key, each once."""
        return self._losses.all()

    @property
    def undecided(self) -> set[WindowKey]:
        """Windows with a tally and without a decision, but for those that a loss, or the end of their epoch, keeps from
        ever having one."""
        waiting = [window for window in self._counted - self.decisions.keys() if window.end > self._ended]
        return {window for window in waiting if not self._losses.spoil(window.start, window.end)}

    @property
    def released(self) -> int:
        """Decided windows in which something is published."""
        return sum(not window.is_empty for window in self.decisions.values())

    @property
    def incomplete(self) -> int:
        """Windows that were released without every shard."""
        return sum(window.coverage < 1 for window in self.decisions.values())

    def by_shard(self, cells: Sequence[Cells]) -> dict[int, Tallies]:
        """The raw tallies of each shard, with the cells' names; never published. ``cells``: of each layer, in the
        settings' order.

        Raises ServiceError for one that is sealed under a key which is not known.
        """
        shards: dict[int, Tallies] = {shard: {} for shard in self._marks}
        for parts in self._parts.values():
            first, *others = (self._opened(part, cells[part.layer]) for part in parts)
            if any(other != first for other in others):
                self.problems.append(f"a tally of shard {parts[0].shard} came again with other numbers")
            window = shards.setdefault(parts[0].shard, {}).setdefault(self._key(parts[0]), {})
            for indicator, numbers in first.items():
                window.setdefault(indicator, {}).update(numbers)
        return shards

    def _opened(self, part: TallyPart, cells: Cells) -> dict[str, dict[Cell, int]]:
        label = label_of(part.key)
        if label not in self._keys:
            raise ServiceError(f"tallies are sealed under the key {label}, which was not seen in the key store")
        counts = part.counts(Cipher(self._keys[label]))
        return {
            indicator: {cell_name(cells, indicator, at): count for at, count in found.as_dict().items()}
            for indicator, found in counts.items()
        }

    def label(self, window: WindowKey, shard: int) -> str | None:
        """The label of the key by which the shard told the devices of the window apart; None if it counted nobody."""
        return self._labels.get((window, shard)) or self._labels.get((window, ALL))

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_part(self, part: TallyPart) -> None:
        key = _PartKey(part.shard, _Window(part.layer, part.width, part.start), part.part)
        self._parts.setdefault(key, []).append(part)
        window = self._key(part)
        self._counted.add(window)
        for shard in (part.shard, ALL):
            self._labels[window, shard] = label_of(part.key)

    def _take_decision(self, record: LogRecord, decision: Decision) -> None:
        window = reopen(decision.window)
        first = self._decided.setdefault(_Window(decision.layer, decision.width, decision.start), window)
        if first != window:
            self.problems.append(f"offset {record.offset}: a window was decided again with other numbers")
        self.decisions.setdefault(self._key(decision), window)
        if not window.is_empty:
            self.last_released = Publication(window, record.offset, shortest=False)

    def _key(self, message: TallyPart | Decision) -> WindowKey:
        return WindowKey(self._layers[message.layer], message.width, message.start, message.end)


def cell_name(cells: Cells, indicator: str, cell: int) -> Cell:
    """A tally's cell as the oracle writes it: a zone, or the names of a cell that has several."""
    names = cells.names(indicator, cell)
    return names[0] if len(names) == 1 else names
