"""What a schedule led to, beside what the oracle counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from anonymizer.gate import Publication
from anonymizer.pseudonyms import label_of
from config.settings import Settings
from foule.oracle.oracle import Keys, Parameters, Record, Rules, run
from foule.oracle.result import ALL, Result, Tallies, WindowKey
from indicators.calendar import width_of_label
from streams import wire
from streams.checkpoint import Record as ChangelogRecord
from streams.checkpoint import Restorer
from streams.claims import Claims
from tests.simulation.feed import PARTITIONS, locate, places
from tests.simulation.world import SimulatedRedis, World

_LONG_ENOUGH = 120.0


@dataclass
class Outcome:
    """What a schedule led to.

    ``released``, ``expected``: windows as Redis holds them and as the oracle counts them; ``contradictions``: windows
    that were published with two different contents; ``incomplete``: windows without every shard; ``errors``: what
    ended a worker and should not have; ``letters``: whether the dead letters are the records that the oracle rejects;
    ``lost``: the first watermark (UTC ms) at which a shard lost the epoch's key, so that windows that were open then
    are missing, and devices began anew in later ones; ``counted``: what the oracle counts, before errors of up to
    ``noise``; ``settled``: from then on (UTC ms) presence is the oracle's again, nobody being taken to be where only
    a lost event was; ``never``: windows, by layer, width and start, of which somebody counted
    under a key that was given up: they may be missing.
    """

    seed: int
    released: Tallies
    expected: Tallies
    contradictions: int
    incomplete: int
    faults: list[str]
    errors: list[str]
    letters: bool
    steps: int
    lost: int | None = None
    counted: Tallies = field(default_factory=dict)
    noise: int = 0
    settled: int = 0
    never: set[tuple[str, int, int]] = field(default_factory=set)

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words; empty if all is well."""
        windows = self.expected.keys() | self.released
        wrong = [key for key in windows if not self._is_right(key)]
        said = {
            "windows differ from the oracle": len(wrong),
            "windows published with two contents": self.contradictions,
            "windows without every shard": self.incomplete,
            "dead letters differ from the oracle": not self.letters,
            "a key was lost that nobody had taken away": self.lost is not None and not self._emptied,
            "errors: " + "; ".join(self.errors): len(self.errors),
        }
        return [f"{count} {text}" for text, count in said.items() if count]

    @property
    def _emptied(self) -> bool:
        return any(fault.endswith(" keys") for fault in self.faults)

    def _is_right(self, key: WindowKey) -> bool:
        """Whether a window is as the oracle has it. If a key was lost: windows that began before may be missing, in
        later ones nobody counts twice, and after a while everybody counts again."""
        released, expected = self.released.get(key), self.expected.get(key)
        if released is None and key[:3] in self.never:
            return True
        if self.lost is None or released == expected:
            return released == expected
        if released is None or key.start <= self.lost:
            return released is None
        there = self.counted.get(key, {}).get("presence", {})
        if not self.noise and key.start > self.settled:
            return released.get("presence", {}) == there
        return all(count <= there.get(zone, 0) + self.noise for zone, count in released.get("presence", {}).items())

    def __str__(self) -> str:
        faults = ", ".join(self.faults)
        return f"seed {self.seed}: {'; '.join(self.problems) or 'all as the oracle'} (after {faults})"


_Labels = dict[tuple[str, int, int, int], str]
"""The label of a key, by layer, width, start and shard."""


class Judge:
    """Reads the logs and Redis of a simulated world."""

    def __init__(self, settings: Settings, world: World, redis: SimulatedRedis, keys: Keys) -> None:
        """``keys``: of the epochs, by label, as they are made."""
        self.keys = keys
        self.rules = Rules.of(settings, places().layers)
        self.settings = settings
        self.world = world
        self.redis = redis
        self._counted: tuple[tuple[dict[int, list[tuple[int, int]]], Keys], Result] | None = None
        self._awaited: tuple[Result, _Labels, Tallies] | None = None

    def _advances(self) -> dict[int, list[tuple[int, int]]]:
        topics = self.settings.topics
        noted = topics.sources if self.settings.events.shuffle else topics.checkpoints
        return {partition: applied(self.world.logs[noted, partition].records) for partition in range(PARTITIONS)}

    def _expected(self) -> Result:
        """What the oracle counts, of the whole feed."""
        advances = self._advances()
        rests_on = advances, dict(self.keys)
        if self._counted is None or self._counted[0] != rests_on:
            logs = {}
            for partition in range(PARTITIONS):
                values = self.world.logs[self.settings.topics.events, partition].records
                logs[partition] = [Record(offset, -1, value) for offset, (_, value) in enumerate(values)]
            parameters = Parameters.of(self.settings)
            self._counted = (rests_on, run(parameters, logs, advances, locate, self.keys, places().layers))
        return self._counted[1]

    def _released(self) -> Tallies:
        released: Tallies = {}
        for publication in self.redis.windows.values():
            window = publication.window
            counts = released.setdefault(_key(publication), {})
            for zone, values in window.zones.items():
                for name, people in values.items():
                    counts.setdefault("presence" if name == "people" else name, {})[zone] = people
            for name, pairs in window.pairs.items():
                counts.setdefault(name, {}).update(pairs.items())
            for name, cells in window.parts.items():
                for cell, segments in cells.items():
                    counts.setdefault(name, {}).update(((*cell, part), people) for part, people in segments.items())
        return {key: counts for key, counts in released.items() if counts}

    def is_over(self, last: int, waited: float) -> bool:
        """Whether every window and every dead letter is there that will be. ``last``: the watermark (UTC ms) that every
        shard is told to advance to; ``waited``: seconds since the end of the feed."""
        if not all(last in dict(advances).values() for advances in self._advances().values()):
            return False
        expected = self._expected()
        if not self._buried() >= self._rejected(expected):
            return False
        if self._lost() is not None:
            return waited > _LONG_ENOUGH
        never = self._never()
        try:
            awaited = {window for window in self._released_by(expected) if window[:3] not in never}
        except KeyError:
            return False  # the end of the feed is noted before the last events are taken
        return self._released().keys() >= awaited

    def _lost(self) -> int | None:
        messages = list(self._admitted())
        early = [message.watermark for message in messages if isinstance(message, wire.EarlyEnd)]
        return min(early + [gone.first - 1 for gone in messages if isinstance(gone, wire.SourceLoss)], default=None)

    def _labels(self) -> _Labels:
        """By the label of which key a shard told the devices of a window apart when it was decided, if it was; by
        layer, width, start and shard."""
        names = [layer.name for layer in places().layers]
        labels: _Labels = {}
        decided: set[tuple[str, int, int]] = set()
        for message in self._admitted():
            if isinstance(message, wire.TallyPart | wire.Decision):
                window = (names[message.layer], message.width, message.start)
                if isinstance(message, wire.Decision):
                    decided.add(window)
                elif window not in decided:
                    labels[*window, message.shard] = labels[*window, ALL] = label_of(message.key)
        return labels

    def _released_by(self, expected: Result) -> Tallies:
        """What must be released, each window under the key by which its shards told devices apart: one may be lost
        before anything is counted. Raises KeyError where an epoch with events has no key, or none yet."""
        labels = self._labels()
        if self._awaited is None or self._awaited[0] is not expected or self._awaited[1] != labels:
            released = expected.released(self.rules, lambda window, shard: labels.get((*window[:3], shard)))
            self._awaited = (expected, labels, released)
        return self._awaited[2]

    def _never(self) -> set[tuple[str, int, int]]:
        """The windows, by layer, width and start, of which somebody counted under a key that was given up."""
        register = self.world.logs[self.settings.topics.epochs, 0].records
        lost = {(key or b"").decode().removeprefix("lost/") for key, _ in register if (key or b"").startswith(b"lost/")}
        names = [layer.name for layer in places().layers]
        return {
            (names[message.layer], message.width, message.start)
            for message in self._admitted()
            if isinstance(message, wire.TallyPart) and label_of(message.key) in lost
        }

    def _admitted(self) -> Iterator[wire.Message]:
        """What the tallies log says, without what former owners said."""
        claims = Claims()
        for offset, message in enumerate(self._messages()):
            if isinstance(message, wire.Claim):
                claims.add(message.shard, message.token, offset)
            elif isinstance(message, wire.ReleaseClaim):
                claims.add(None, offset, offset)
            elif isinstance(message, wire.SourceSeal | wire.SourceLoss | wire.Bookmark) or claims.admits(
                getattr(message, "shard", None), message.token, offset
            ):
                yield message

    def _messages(self) -> list[wire.Message]:
        log = self.world.logs[self.settings.topics.tallies, 0]
        return [wire.decode(value or b"") for _, value in log.records]

    def _settled(self) -> int:
        messages = list(self._admitted())
        until = [message.until for message in messages if isinstance(message, wire.EarlyEnd | wire.SourceLoss)]
        return max(until, default=0) + int(self.settings.time.linger)

    def _buried(self) -> set[tuple[int, bytes | None]]:
        logs = self.world.logs.items()
        rejected = [(partition, log) for (topic, partition), log in logs if topic == self.settings.topics.rejected]
        return {(partition, value) for partition, log in rejected for _, value in log.records}

    def _rejected(self, expected: Result) -> set[tuple[int, bytes | None]]:
        events = self.settings.topics.events
        good = ("accepted", "late")
        bad = [where for where, verdict in expected.verdicts.items() if verdict not in good]
        return {(partition, self.world.logs[events, partition].records[offset][1]) for partition, offset in bad}

    def outcome(self, seed: int, happened: list[str], errors: list[str], steps: int) -> Outcome:
        """What the schedule led to, compared with the oracle."""
        publications = self.redis.windows.values()
        expected = self._expected()
        return Outcome(
            seed,
            self._released(),
            self._released_by(expected),
            sum(len(contents) > 1 for contents in self.redis.contents.values()),
            sum(publication.window.coverage < 1 for publication in publications),
            happened,
            errors,
            self._buried() == self._rejected(expected),
            steps,
            self._lost(),
            expected.complete(),
            self.rules.noise,
            self._settled(),
            self._never(),
        )


def _key(publication: Publication) -> WindowKey:
    window = publication.window
    return WindowKey(window.layer, width_of_label(window.width), window.start, window.end)


def applied(records: list[tuple[bytes | None, bytes | None]]) -> list[tuple[int, int]]:
    """The advances that count, by all that a shard's changelog ever held."""
    restorer = Restorer()
    for offset, record in enumerate(records):
        restorer.take(ChangelogRecord(*record, offset))
    return [(note.next, note.watermark) for note in restorer.notes if note.applied]
