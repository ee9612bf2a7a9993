"""The release: windows are summed over shards, decided once when every shard has reported, and published once read
back from the log (docs/architecture.md). A function of the log's messages and the ticks; it runs without a broker."""

from __future__ import annotations

from anonymizer.gate import Gate, Publication, ReleasedWindow, reopen
from config.errors import ContractError, EpochEndedError, KeyStoreError
from indicators.calendar import Window
from streams.claims import Claims
from streams.losses import Loss, Losses
from streams.open_window import OpenWindow, Secrets
from streams.reports import Reports
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

_WindowKey = tuple[int, int, int]


class Release:
    """Decides windows. Feed it the log in order with :meth:`take`; append what :meth:`decide` returns to the log.

    ``waits_for``: why :meth:`decide` stopped before a window that it could have decided: its key cannot be had now.
    """

    def __init__(
        self,
        gate: Gate,
        secrets: Secrets,
        shards: int,
        shortest: int,
        max_wait: int,
        settings: str,
        *,
        shuffled: bool = False,
    ) -> None:
        """``shortest``: the shortest width (ms); ``max_wait``: ms; ``settings``: fingerprint of zones and times;
        ``shuffled``: a device may be in two shards, under two keys."""
        self._gate = gate
        self._rank = {layer: rank for rank, layer in enumerate(gate.order())}
        self._secrets = secrets
        self._shards = shards
        self._shortest = shortest
        self._settings = settings
        self._shuffled = shuffled
        self.waits_for: KeyStoreError | None = None
        self.reports = Reports(shards, max_wait)
        self._claims = Claims()
        self._open: dict[_WindowKey, OpenWindow] = {}
        self._decided: dict[_WindowKey, ReleasedWindow] = {}
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
                self._spoil(key)

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
            self._open[key] = OpenWindow(Window(part.width, part.start, part.end), offset)
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
        window = reopen(decision.window)
        self._keep(key, window)
        return Publication(window, offset, decision.width == self._shortest)

    def _keep(self, key: _WindowKey, window: ReleasedWindow) -> None:
        """Keep what was decided as long as the same window of a layer within this one is open."""
        self._decided[key] = window
        open_ones = {(width, start) for _, width, start in self._open}
        self._decided = {key: window for key, window in self._decided.items() if key[1:] in open_ones}

    def decide(self) -> list[Decision]:
        """The windows that every shard has reported, or whose missing shards have been waited for long enough.

        In order of their end, each layer after its parent, under the owner's token. Each is handed out once; append
        them all, and those of a later end when the earlier ones are acknowledged: a decision passes over all windows
        before it. So the first whose key cannot be had now (:attr:`waits_for`) holds up those behind it.
        """
        self.waits_for = None
        decisions = []
        for key, window in sorted(self._open.items(), key=self._turn):
            layer, width, start = key
            end = window.window.end
            coverage = self.reports.coverage(end)
            if key in self._awaited or coverage is None:
                continue
            keys = window.keys(self.reports)
            if (self._shuffled and len(keys) > 1) or any(map(self._secrets.is_lost, keys)):
                self._spoil(key)
                continue
            try:
                counts, perturbation = window.opened(self.reports, self._secrets)
            except EpochEndedError:
                continue  # the log is about to say so
            except ContractError:
                self._spoil(key)
                continue
            except KeyStoreError as error:
                self.waits_for = error
                break
            holders = {holder: (holder, width, start) for holder in self._gate.above(layer)}
            above = {holder: self._decided[at] for holder, at in holders.items() if at in self._decided}
            released = self._gate.release(layer, window.window, counts, perturbation, coverage, above)
            self._decided[key] = released
            decisions.append(Decision(self._settings, self.owner, layer, width, start, end, released.to_bytes()))
            self._awaited.add(key)
        return decisions

    def _turn(self, item: tuple[_WindowKey, OpenWindow]) -> tuple[int, int, _WindowKey]:
        key, window = item
        return window.window.end, self._rank[key[0]], key

    def _spoil(self, key: _WindowKey) -> None:
        self._spoilt[key] = self._open.pop(key).window.end

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
