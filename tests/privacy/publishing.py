"""What is published of raw counts: by the real gate, whose protections can be taken away one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.gate import PUBLISHED_NAMES, Gate, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from indicators.calendar import Window
from indicators.cells import Cells
from indicators.counts import FLOWS, INDICATORS, Counts
from tests.privacy.crowd_day import WindowCounts
from zones import Layer

K, BOUND = 20, 5

#: What a table holds where no number is published.
ABSENT = 0


@dataclass(frozen=True)
class Protection:
    """``k`` and ``bound`` as in the settings; ``groups``: remainders of a parent zone are looked after; ``lasting``: an
    error is the same whenever the devices are, and not drawn anew in every window."""

    k: int = K
    bound: int = BOUND
    groups: bool = True
    lasting: bool = True

    @property
    def threshold(self) -> Threshold:
        """The threshold under it."""
        return Threshold(self.k, self.bound)


ON = Protection()
NOTHING = Protection(k=1, bound=0, groups=False)
THRESHOLD_ONLY = Protection(bound=0, groups=False)


def epoch_key(seed: int) -> bytes:
    """A key that no attack knows."""
    return np.random.default_rng([seed, 99]).bytes(32)


def _another(key: bytes, number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "little"), key=key, digest_size=32).digest()


def publish(
    windows: Sequence[WindowCounts],
    layers: Sequence[Layer],
    protection: Protection,
    key: bytes,
    cells: Sequence[Cells] | None = None,
) -> list[ReleasedWindow]:
    """Every window of every layer through the gate, each layer after its parent; ``cells``: of each layer;
    without them presence and flows alone are published."""
    gate = Gate(protection.threshold, layers, cells)
    lasting = Perturbation(key, protection.bound)
    released = []
    for number, (window, counts) in enumerate(windows):
        drawn_anew = Perturbation(_another(key, number), protection.bound)
        done: dict[int, ReleasedWindow] = {}
        for at in gate.order():
            above = done if protection.groups else {}
            perturbation = lasting if protection.lasting else drawn_anew
            held = counts.get(layers[at].name, {})
            if cells is None:
                held = {name: held[name] for name in held.keys() & set(INDICATORS)}
            done[at] = gate.release(at, window, held, perturbation, 1.0, above)
        released += list(done.values())
    return released


class Tables:
    """Numbers of a day as tables: for (layer, indicator, width in ms), int64 (windows, cells), and each window's start.

    ``starts``: for each width, window start (UTC ms) to row. What is absent is 0, in raw counts and published ones
    alike. A flow's cell is ``from * (zones + 1) + to``; ``outside`` has the last index.
    """

    def __init__(self, layers: Sequence[Layer], windows: Sequence[WindowCounts]) -> None:
        self.layers = tuple(layers)
        self.starts: dict[int, dict[int, int]] = {}
        for window, _ in windows:
            starts = self.starts.setdefault(window.width, {})
            starts.setdefault(window.start, len(starts))
        self.tables: dict[tuple[str, str, int], NDArray[np.int64]] = {}
        for layer in self.layers:
            size = layer.outside + 1
            for width, starts in self.starts.items():
                for indicator in INDICATORS:
                    cells = size * size if indicator == FLOWS else size
                    self.tables[layer.name, indicator, width] = np.full((len(starts), cells), ABSENT, np.int64)

    def __getitem__(self, key: tuple[str, str, int]) -> NDArray[np.int64]:
        return self.tables[key]

    @classmethod
    def raw(cls, layers: Sequence[Layer], windows: Sequence[WindowCounts]) -> Tables:
        """The truth; an attack uses it for nothing but to score itself."""
        made = cls(layers, windows)
        for window, counts in windows:
            for name, indicators in counts.items():
                for indicator in indicators.keys() & set(INDICATORS):
                    held = indicators[indicator]
                    made._row(name, indicator, window.width, window.start)[held.cells] = held.counts
        return made

    @classmethod
    def published(
        cls, layers: Sequence[Layer], windows: Sequence[WindowCounts], released: Sequence[ReleasedWindow]
    ) -> Tables:
        """What everybody can read."""
        made = cls(layers, windows)
        widths = {(window.start, window.end): window.width for window, _ in windows}
        indexes = {layer.name: {name: at for at, name in enumerate((*layer.ids, "outside"))} for layer in layers}
        for window in released:
            width, index = widths[window.start, window.end], indexes[window.layer]
            for zone, numbers in window.zones.items():
                for name, people in numbers.items():
                    if PUBLISHED_NAMES[name] not in INDICATORS:
                        continue
                    row = made._row(window.layer, PUBLISHED_NAMES[name], width, window.start)
                    row[index[zone]] = people
            flows = made._row(window.layer, FLOWS, width, window.start)
            for (origin, to), people in window.flows.items():
                flows[index[origin] * len(index) + index[to]] = people
        return made

    def _row(self, layer: str, indicator: str, width: int, start: int) -> NDArray[np.int64]:
        row: NDArray[np.int64] = self.tables[layer, indicator, width][self.starts[width][start]]
        return row


_ANY_WINDOW = Window(300_000, 0, 300_000)


def one_cell(
    counts: NDArray[np.int64], keys: NDArray[np.uint32], name: str, protection: Protection, key: bytes
) -> NDArray[np.int64]:
    """What the gate publishes of one and the same cell, called ``name``, in (n,) windows; 0 where it is absent."""
    layer = Layer(name, ("zone",), ("zone",), (None,))
    published = np.full(len(counts), ABSENT, np.int64)
    for at in range(len(counts)):
        held = Counts(np.zeros(1, np.int64), counts[at : at + 1], keys[at : at + 1])
        window = WindowCounts(_ANY_WINDOW, {name: {"presence": held}})
        drawn_by = key if protection.lasting else _another(key, at)
        released = publish([window], [layer], protection, drawn_by)[0]
        published[at] = released.zones.get("zone", {}).get("people", ABSENT)
    return published


def side_by_side(
    counts: NDArray[np.int64], keys: NDArray[np.uint32], protection: Protection, key: bytes
) -> NDArray[np.int64]:
    """What the gate publishes of (n,) cells with names of their own, as on n days with n keys; 0 where absent."""
    zones = tuple(map(str, range(len(counts))))
    layer = Layer("days", zones, zones, (None,) * len(zones))
    somebody = np.flatnonzero(counts)
    held = Counts(somebody, counts[somebody], keys[somebody])
    released = publish([WindowCounts(_ANY_WINDOW, {"days": {"presence": held}})], [layer], protection, key)[0]
    published = np.full(len(counts), ABSENT, np.int64)
    for zone, people in released.zones.items():
        published[int(zone)] = people["people"]
    return published
