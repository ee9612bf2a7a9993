"""The log of tallies as the demo reads it back: raw tallies, seals and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from anonymizer.gate import ReleasedWindow, reopen
from config.settings import Settings
from foule.demo.logs import TopicReader
from foule.oracle.oracle import Cell
from foule.oracle.result import Tallies, WindowKey
from indicators.counts import FLOWS
from streams import wire
from streams.wire import Decision, Seal, TallyPart
from zones import Layer


class _PartKey(NamedTuple):
    shard: int
    window: WindowKey
    indicator: str
    part: int


class TallyLog:
    """What is on the log so far; :meth:`read` takes what is new. A context manager."""

    def __init__(self, settings: Settings, layers: Sequence[Layer]) -> None:
        self.decisions: dict[WindowKey, ReleasedWindow] = {}
        self.contradictions = 0
        """Tallies or decisions that came again with other numbers."""
        self._layers = layers
        self._seals: dict[int, Seal] = {}
        self._parts: dict[_PartKey, Mapping[int, int]] = {}
        self._reader = TopicReader(settings.kafka, settings.topics.tallies)

    def read(self) -> None:
        """Take the records that are new. Raises ContractError for one that foule did not write."""
        for record in self._reader.read():
            message = wire.decode(record.value or b"")
            if isinstance(message, Seal):
                self._seals[message.shard] = message
            elif isinstance(message, TallyPart):
                self._take_part(message)
            else:
                self._take_decision(message)

    def sealed(self, ends: Mapping[int, int], watermark: int) -> bool:
        """Whether each shard has read up to its end offset in ``ends`` and sealed ``watermark`` (UTC ms)."""
        return all(
            (seal := self._seals.get(shard)) is not None and seal.next_offset >= end and seal.watermark >= watermark
            for shard, end in ends.items()
        )

    @property
    def undecided(self) -> set[WindowKey]:
        """Windows with a tally and without a decision."""
        return {key.window for key in self._parts} - set(self.decisions)

    @property
    def released(self) -> int:
        """Decided windows in which something is published."""
        return sum(not window.is_empty for window in self.decisions.values())

    @property
    def incomplete(self) -> int:
        """Windows that were released without every shard."""
        return sum(window.coverage < 1 for window in self.decisions.values())

    def by_shard(self) -> dict[int, Tallies]:
        """The raw tallies of each shard, with the zones' names; never published."""
        shards: dict[int, Tallies] = {}
        for key, counts in self._parts.items():
            cells = shards.setdefault(key.shard, {}).setdefault(key.window, {}).setdefault(key.indicator, {})
            layer = next(layer for layer in self._layers if layer.name == key.window.layer)
            cells.update({_cell(layer, key.indicator, cell): count for cell, count in counts.items()})
        return shards

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
        key = _PartKey(part.shard, self._window(part), part.indicator, part.part)
        counts = part.values().as_dict()
        self.contradictions += self._parts.get(key, counts) != counts
        self._parts[key] = counts

    def _take_decision(self, decision: Decision) -> None:
        window = reopen(decision.window)
        first = self.decisions.setdefault(self._window(decision), window)
        self.contradictions += first != window

    def _window(self, message: TallyPart | Decision) -> WindowKey:
        return WindowKey(self._layers[message.layer].name, message.width, message.start, message.end)


def _cell(layer: Layer, indicator: str, cell: int) -> Cell:
    if indicator != FLOWS:
        return layer.zone_name(cell)
    origin, to = divmod(cell, layer.outside + 1)
    return layer.zone_name(origin), layer.zone_name(to)
