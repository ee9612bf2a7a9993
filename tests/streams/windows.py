"""A log of tallies in memory and a release that reads it, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from anonymizer.gate import Gate, Publication
from anonymizer.threshold import Threshold
from indicators.counts import INDICATORS
from streams import wire
from streams.release import Release
from streams.wire import EarlyEnd, Message, Seal, TallyPart
from tests.cells import CIPHER, KeptSecrets, counts_of
from zones import Layer

K = 10
WIDTH, HOUR = 300_000, 3_600_000
MAX_WAIT = 20_000
LAYERS = [Layer(name, ("beach", "port"), ("", ""), (None, None)) for name in ("spots", "towns")]
BEACH, PORT = 0, 1


def release(shards: int = 2, secrets: KeptSecrets | None = None) -> Release:
    """One that knows nothing of the log yet."""
    secrets = secrets or KeptSecrets()
    return Release(Gate(Threshold(K, 0), LAYERS), secrets, shards, WIDTH, MAX_WAIT, "settings", shuffled=True)


def seal(shard: int, watermark: int, fingerprint: str = "settings", token: int = 0) -> Seal:
    """A seal of the shard's owner with this token."""
    return Seal(fingerprint, token, shard, watermark, 0, False, 0)


def early_end(shard: int, watermark: int, token: int = 0) -> EarlyEnd:
    """The shard's owner with this token lost, with a key, what the shard knew at ``watermark``."""
    return EarlyEnd("settings", token, shard, watermark, watermark)


def tally(
    shard: int,
    start: int,
    people: Mapping[int, int],
    *,
    layer: int = 0,
    width: int = WIDTH,
    indicator: str = "presence",
    token: int = 0,
    key: str = "label/id",
    part: int | None = None,
) -> TallyPart:
    """A part of a shard's tally, ``people`` by cell; each indicator's is another one."""
    number = INDICATORS.index(indicator) if part is None else part
    empty = TallyPart("settings", token, shard, layer, width, start, start + width, number, key, b"")
    return empty.sealing({indicator: counts_of(people)}, CIPHER)


class Log:
    """A log and the release agent that reads it, appends its decisions and publishes them once read back."""

    def __init__(self, shards: int = 2) -> None:
        self.shards = shards
        self.messages: list[bytes] = []
        self.published: list[Publication] = []
        self.secrets = KeptSecrets()
        self.release = release(shards, self.secrets)
        self.next = 0

    def append(self, *messages: Message) -> None:
        """Put messages on the log."""
        self.messages += map(wire.encode, messages)

    def read(self) -> list[Publication]:
        """Read to the end, decide, read the decisions back; returns what is new."""
        before = len(self.published)
        while self.next < len(self.messages):
            self.step()
            self.append(*self.release.decide())
        self.append(*self.release.decide())
        while self.next < len(self.messages):
            self.step()
        return self.published[before:]

    def step(self) -> None:
        """Read one message."""
        publication = self.release.take(self.next, wire.decode(self.messages[self.next]))
        self.next += 1
        if publication is not None:
            self.published.append(publication)

    def tick(self, elapsed: int, *reporting: Seal, at_end: bool = True) -> list[Publication]:
        """Let the shards report, and time pass."""
        self.append(*reporting)
        new = self.read()
        self.release.reports.tick(elapsed, at_end)
        return new + self.read()


def people(publication: Publication) -> dict[str, dict[str, int]]:
    """The published numbers by zone and name."""
    return {zone: dict(values) for zone, values in publication.window.zones.items()}
