"""The release: windows are summed over shards, decided once when every shard has reported, and published once read
back from the log (docs/architecture.md). A function of the log's messages and the ticks; it runs without a broker."""

from __future__ import annotations

from collections.abc import Sequence

from anonymizer.gate import Gate, Publication, reopen
from indicators.calendar import Window
from indicators.counts import Counts
from streams.watermark import BEGINNING
from streams.wire import Decision, Message, Seal, TallyPart
from zones import Layer

#: At most this much of a tick counts as silence (ms), so that a paused agent does not declare shards missing.
_MOST_PER_TICK = 5_000

_WindowKey = tuple[int, int, int]
_PartKey = tuple[int, str, int]


class _OpenWindow:
    """The tallies of a window that has not been decided; a part that comes again takes the place of itself."""

    def __init__(self, window: Window, offset: int) -> None:
        self.window = window
        self.first_offset = offset
        self._parts: dict[_PartKey, Counts] = {}

    def add(self, part: TallyPart) -> None:
        self._parts[part.shard, part.indicator, part.part] = part.values()

    def __len__(self) -> int:
        return len(self._parts)

    def totals(self, reports: Reports) -> dict[str, Counts]:
        """Each indicator's sum over the shards that have reported; of another, what is here may be half a tally."""
        totals: dict[str, Counts] = {}
        for (shard, indicator, _), counts in sorted(self._parts.items(), key=lambda item: item[0]):
            if reports.has_reported(shard, self.window.end):
                totals[indicator] = totals.get(indicator, Counts.empty()).plus(counts)
        return totals


class Reports:
    """How far each shard has reported, and which ones are missing."""

    def __init__(self, shards: int, max_wait: int) -> None:
        self._max_wait = max_wait
        self._sealed = [BEGINNING] * shards
        self._offsets: list[int | None] = [None] * shards
        self._silence = [0] * shards
        self._heard: set[int] = set()

    def seal(self, offset: int, seal: Seal) -> None:
        """A shard reported."""
        self._sealed[seal.shard] = max(self._sealed[seal.shard], seal.watermark)
        self._offsets[seal.shard] = offset
        self._silence[seal.shard] = 0
        self._heard.add(seal.shard)

    def tick(self, elapsed: int, at_end: bool) -> None:
        """Let ``elapsed`` ms of wall clock pass; they count only at the log's end and while other shards report."""
        if at_end and self._heard:
            for shard in range(len(self._silence)):
                if shard not in self._heard:
                    self._silence[shard] += min(elapsed, _MOST_PER_TICK)
            self._heard.clear()

    def has_reported(self, shard: int, end: int) -> bool:
        """Whether the shard has sealed a window that ends at ``end``."""
        return self._sealed[shard] >= end

    def coverage(self, end: int) -> float | None:
        """Share of the shards that have reported a window ending at ``end``; None while one is waited for."""
        reported = sum(sealed >= end for sealed in self._sealed)
        waited_for = any(
            sealed < end and silence < self._max_wait
            for sealed, silence in zip(self._sealed, self._silence, strict=True)
        )
        return None if waited_for or not reported else reported / len(self._sealed)

    @property
    def position(self) -> int | None:
        """The oldest offset among the shards' newest seals; None if no shard has sealed."""
        return min((offset for offset in self._offsets if offset is not None), default=None)


class Release:
    """Decides windows. Feed it the log in order with :meth:`take`; append what :meth:`decide` returns to the log."""

    def __init__(
        self, gate: Gate, layers: Sequence[Layer], shards: int, shortest: int, max_wait: int, settings: str
    ) -> None:
        """``shortest``: the shortest width (ms); ``max_wait``: ms; ``settings``: fingerprint of zones and times."""
        self._gate = gate
        self._layers = layers
        self._shards = shards
        self._shortest = shortest
        self._settings = settings
        self.reports = Reports(shards, max_wait)
        self._open: dict[_WindowKey, _OpenWindow] = {}
        self._awaited: set[_WindowKey] = set()
        self._marks: dict[tuple[int, int], int] = {}
        self._last_decision: int | None = None
        self.late_tallies = 0
        self.foreign = 0

    def take(self, offset: int, message: Message) -> Publication | None:
        """Take the log's record at ``offset``; a decision comes back as what is to be published now."""
        if message.settings != self._settings:
            self.foreign += 1
        elif isinstance(message, TallyPart):
            self._take_tally(offset, message)
        elif isinstance(message, Seal):
            if message.shard < self._shards:
                self.reports.seal(offset, message)
        else:
            return self._take_decision(offset, message)
        return None

    def _take_tally(self, offset: int, part: TallyPart) -> None:
        key = (part.layer, part.width, part.start)
        if part.end <= self._marks.get((part.layer, part.width), BEGINNING) or key in self._awaited:
            self.late_tallies += 1
            return
        if key not in self._open:
            self._open[key] = _OpenWindow(Window(part.width, part.start, part.end), offset)
        self._open[key].add(part)

    def _take_decision(self, offset: int, decision: Decision) -> Publication | None:
        key = (decision.layer, decision.width, decision.start)
        for layer, width, end in decision.marks:
            self._marks[layer, width] = max(end, self._marks.get((layer, width), BEGINNING))
        self._awaited.discard(key)
        self._open.pop(key, None)
        self._drop_decided()
        self._last_decision = offset
        return Publication(reopen(decision.window), offset, decision.width == self._shortest)

    def _drop_decided(self) -> None:
        """Drop what a successor took for open: tallies sent again for a window whose decision it did not read."""
        for key, window in list(self._open.items()):
            if window.window.end <= self._marks.get(key[:2], BEGINNING):
                self.late_tallies += len(window)
                self._awaited.discard(key)
                del self._open[key]

    def decide(self) -> list[Decision]:
        """The windows that every shard has reported, or whose missing shards have been waited for long enough.

        In order of their end. Each is handed out once; append them all, in this order.
        """
        decisions = []
        marks = dict(self._marks)
        for key, window in sorted(self._open.items(), key=lambda item: (item[1].window.end, item[0])):
            layer, width, start = key
            end = window.window.end
            coverage = self.reports.coverage(end)
            if key in self._awaited or coverage is None:
                continue
            released = self._gate.release(self._layers[layer], window.window, window.totals(self.reports), coverage)
            marks[layer, width] = max(end, marks.get((layer, width), BEGINNING))
            flat = [(*mark, upto) for mark, upto in sorted(marks.items())]
            decisions.append(Decision(self._settings, layer, width, start, end, released.to_bytes(), flat))
            self._awaited.add(key)
        return decisions

    def forget_undelivered(self) -> None:
        """Decisions that could not be appended are decided again."""
        self._awaited.clear()

    @property
    def oldest_open(self) -> int | None:
        """Start (UTC ms) of the oldest window that has tallies and has not been decided and read back, or None."""
        return min((window.window.start for window in self._open.values()), default=None)

    @property
    def position(self) -> int | None:
        """The log's oldest offset that a successor must read to go on from here; None before the first record."""
        needed = [window.first_offset for window in self._open.values()]
        needed += [offset for offset in (self._last_decision, self.reports.position) if offset is not None]
        return min(needed, default=None)
