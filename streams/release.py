"""The release: windows are summed over shards, decided once when every shard has reported, and published once read
back from the log (docs/architecture.md). A function of the log's messages and the ticks; it runs without a broker."""

from __future__ import annotations

from collections.abc import Sequence

from anonymizer.gate import Gate, Publication, reopen
from indicators.calendar import Window
from indicators.counts import Counts
from streams.losses import Loss, Losses
from streams.watermark import BEGINNING
from streams.wire import (
    Bookmark,
    Claim,
    Decision,
    EarlyEnd,
    EpochEnd,
    Message,
    ReleaseClaim,
    Seal,
    SourceLoss,
    TallyPart,
)
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
        self._keys: dict[int, str] = {}

    def add(self, part: TallyPart) -> None:
        self._parts[part.shard, part.indicator, part.part] = part.values()
        self._keys[part.shard] = part.key

    def forget(self, shard: int) -> None:
        """Forget what the shard has sent: a new owner will send it again."""
        self._parts = {key: part for key, part in self._parts.items() if key[0] != shard}
        self._keys.pop(shard, None)

    def has_two_keys(self, reports: Reports) -> bool:
        """Whether shards that have reported tell devices apart by different keys: one may be in two of them."""
        return len({key for shard, key in self._keys.items() if reports.has_reported(shard, self.window.end)}) > 1

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
        self._silence = [0] * shards
        self._heard: set[int] = set()

    def seal(self, seal: Seal) -> None:
        """A shard reported."""
        self._sealed[seal.shard] = max(self._sealed[seal.shard], seal.watermark)
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

    def reported(self, shard: int) -> int:
        """The end (UTC ms) up to which the shard has reported its windows."""
        return self._sealed[shard]

    def coverage(self, end: int) -> float | None:
        """Share of the shards that have reported a window ending at ``end``; None while one is waited for."""
        reported = sum(sealed >= end for sealed in self._sealed)
        waited_for = any(
            sealed < end and silence < self._max_wait
            for sealed, silence in zip(self._sealed, self._silence, strict=True)
        )
        return None if waited_for or not reported else reported / len(self._sealed)


class Claims:
    """Who owns each shard, and the release (None), as the log says: the newest claim's token is the owner's."""

    def __init__(self) -> None:
        self._history: dict[int | None, list[tuple[int, int]]] = {}

    def add(self, owned: int | None, token: int, offset: int) -> None:
        """The log has a claim at ``offset``; an older one than is known changes nothing."""
        if token > self.token(owned):
            self._history.setdefault(owned, []).append((offset, token))

    def token(self, owned: int | None) -> int:
        """The owner's token; -1 if nobody has claimed it."""
        history = self._history.get(owned)
        return history[-1][1] if history else -1

    def admits(self, owned: int | None, token: int, offset: int) -> bool:
        """Whether ``token`` is the owner's: what carries an older one was written by somebody who no longer owns it."""
        self.add(owned, token, offset)
        return token == self.token(owned)

    def before(self, position: int) -> list[tuple[int | None, int]]:
        """The tokens by the log before ``position``; older claims are forgotten."""
        tokens: list[tuple[int | None, int]] = []
        for owned, history in self._history.items():
            earlier = [claim for claim in history if claim[0] < position]
            if earlier:
                tokens.append((owned, earlier[-1][1]))
                self._history[owned] = history[len(earlier) - 1 :]
        return tokens


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
        self._claims = Claims()
        self._open: dict[_WindowKey, _OpenWindow] = {}
        self._awaited: set[_WindowKey] = set()
        self._marks: dict[tuple[int, int], int] = {}
        self._losses = Losses()
        self._next = 0
        self.late_tallies = 0
        self.foreign = 0
        self.stale = 0
        self._spoilt: dict[_WindowKey, int] = {}
        self._ended = BEGINNING
        self.expired = 0

    def resume(self, bookmark: Bookmark) -> None:
        """Go on, before the first message, where a predecessor's bookmark says."""
        for owned, token in bookmark.claims:
            self._claims.add(owned, token, -1)
        self._marks = {(layer, width): end for layer, width, end in bookmark.marks}
        for loss in bookmark.losses:
            self._losses.add(Loss(*loss))
        self._spoilt = {(layer, width, start): end for layer, width, start, end in bookmark.spoilt}
        self._ended = bookmark.ended
        self._next = bookmark.position

    @property
    def owner(self) -> int:
        """The token of the release agent that is active by the log as read so far; -1 if none is."""
        return self._claims.token(None)

    def take(self, offset: int, message: Message) -> Publication | None:
        """Take the log's record at ``offset``; a decision comes back as what is to be published now."""
        self._next = offset + 1
        if message.settings != self._settings:
            self.foreign += 1
            return None
        if isinstance(message, Claim):
            self._take_claim(offset, message)
        elif isinstance(message, ReleaseClaim):
            self._claims.add(None, offset, offset)
            self._awaited.clear()
        elif isinstance(message, Decision):
            if self._admits(None, message.token, offset):
                return self._take_decision(offset, message)
        elif isinstance(message, EpochEnd):
            if self._admits(None, message.token, offset):
                self._take_end(message)
        elif isinstance(message, SourceLoss):
            self._take_loss(Loss.of_source(message, offset))
        elif isinstance(message, TallyPart | Seal | EarlyEnd) and self._admits(message.shard, message.token, offset):
            self._take_report(offset, message)
        return None

    def _admits(self, owned: int | None, token: int, offset: int) -> bool:
        admitted = (owned is None or owned < self._shards) and self._claims.admits(owned, token, offset)
        self.stale += not admitted
        return admitted

    def _take_claim(self, offset: int, claim: Claim) -> None:
        if claim.token > self._claims.token(claim.shard):
            self._claims.add(claim.shard, claim.token, offset)
            for window in self._open.values():
                if not self.reports.has_reported(claim.shard, window.window.end):
                    window.forget(claim.shard)

    def _take_report(self, offset: int, message: TallyPart | Seal | EarlyEnd) -> None:
        if isinstance(message, Seal):
            self.reports.seal(message)
        elif isinstance(message, EarlyEnd):
            reported = self.reports.reported(message.shard)
            self._take_loss(Loss(message.shard, message.watermark, message.until, reported, offset))
        else:
            self._take_tally(offset, message)

    def _take_loss(self, loss: Loss) -> None:
        """Windows that it spoils are released no more, unless they are decided already."""
        self._losses.add(loss)
        for key, open_window in list(self._open.items()):
            window = open_window.window
            if loss.spoils(window.start, window.end) and key not in self._awaited:
                del self._open[key]
                self._spoilt[key] = window.end

    def _take_end(self, ended: EpochEnd) -> None:
        """Windows of the epoch that are not decided are dropped; :attr:`expired` counts them."""
        self._ended = max(self._ended, ended.end)
        over = [key for key, opened in self._open.items() if opened.window.end <= self._ended]
        for key in over:
            del self._open[key]
            self._awaited.discard(key)
        self.expired += len(over)

    def _take_tally(self, offset: int, part: TallyPart) -> None:
        key = (part.layer, part.width, part.start)
        decided_to = max(self._ended, self._marks.get((part.layer, part.width), BEGINNING))
        if part.end <= decided_to or key in self._awaited:
            self.late_tallies += 1
            return
        if self._losses.outdate(part, offset):
            return
        if key in self._spoilt or self._losses.spoil(part.start, part.end):
            self._spoilt[key] = part.end
            return
        if key not in self._open:
            self._open[key] = _OpenWindow(Window(part.width, part.start, part.end), offset)
        self._open[key].add(part)

    @property
    def spoilt(self) -> int:
        """Windows that are not released because a key was lost while they were open."""
        return len(self._spoilt)

    def _take_decision(self, offset: int, decision: Decision) -> Publication | None:
        key = (decision.layer, decision.width, decision.start)
        mark = (decision.layer, decision.width)
        self._marks[mark] = max(decision.end, self._marks.get(mark, BEGINNING))
        self._awaited.discard(key)
        self._open.pop(key, None)
        return Publication(reopen(decision.window), offset, decision.width == self._shortest)

    def decide(self) -> list[Decision]:
        """The windows that every shard has reported, or whose missing shards have been waited for long enough.

        In order of their end, under the owner's token. Each is handed out once; append them all, and those of a later
        end when the earlier ones are acknowledged: a decision passes over all windows before it.
        """
        decisions = []
        for key, window in sorted(self._open.items(), key=lambda item: (item[1].window.end, item[0])):
            layer, width, start = key
            end = window.window.end
            coverage = self.reports.coverage(end)
            if key in self._awaited or coverage is None:
                continue
            if window.has_two_keys(self.reports):
                del self._open[key]
                self._spoilt[key] = end
                continue
            released = self._gate.release(self._layers[layer], window.window, window.totals(self.reports), coverage)
            decisions.append(Decision(self._settings, self.owner, layer, width, start, end, released.to_bytes()))
            self._awaited.add(key)
        return decisions

    @property
    def oldest_open(self) -> int | None:
        """Start (UTC ms) of the oldest window that has tallies and has not been decided and read back, or None."""
        return min((window.window.start for window in self._open.values()), default=None)

    @property
    def position(self) -> int:
        """The log's oldest offset that a successor must read to go on from here."""
        return min([self._next, *(window.first_offset for window in self._open.values())])

    def bookmark(self, epochs: list[int]) -> Bookmark:
        """What a successor must know to go on at :attr:`position`; ``epochs``: whose keys are still to be destroyed."""
        position = self.position
        marks = [(layer, width, end) for (layer, width), end in sorted(self._marks.items())]
        spoilt = [
            (*key, end) for key, end in self._spoilt.items() if end > self._marks.get((key[0], key[1]), BEGINNING)
        ]
        claims, losses = self._claims.before(position), list[tuple[int, int, int, int, int]](self._losses.all())
        return Bookmark(self._settings, self.owner, position, claims, marks, epochs, losses, spoilt, self._ended)
