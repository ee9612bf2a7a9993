"""The oracle publishes what the gate does: errors, threshold, and what is withheld beside others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.gate import Gate, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from foule.oracle.publication import Rules, Tallies, WindowKey, published
from foule.oracle.visits import Cell
from indicators.calendar import Window
from indicators.counts import FLOWS, ZONE_INDICATORS
from tests.cells import KEY, counts_of
from zones import Layer

K = 10
WIDTH = 300_000
COAST = Layer("coast", ("north", "south"), ("", ""), (None, None))
SPOTS = Layer("spots", ("a", "b", "c", "d", "e"), ("",) * 5, (None,) * 5, 0, (0, 0, 1, 1, 2))
PATCHES = Layer("patches", ("u", "v", "w", "x"), ("",) * 4, (None,) * 4, 1, (0, 1, 1, 3))
LAYERS = [COAST, SPOTS, PATCHES]

Counted = Mapping[str, Mapping[int, tuple[int, int]]]
"""By indicator and cell: devices, and the sum of their record keys."""

COUNTED = st.dictionaries(
    st.sampled_from([*ZONE_INDICATORS, FLOWS]),
    st.dictionaries(st.integers(0, 5), st.tuples(st.integers(1, 8 * K), st.integers(0, (1 << 33) - 1)), max_size=6),
)


def by_the_gate(counted: list[Counted], noise: int) -> Tallies:
    """What the gate releases of both layers."""
    gate, window = Gate(Threshold(K, noise), LAYERS), Window(WIDTH, 0, WIDTH)
    above: dict[int, ReleasedWindow] = {}
    found: Tallies = {}
    for layer, of_layer in enumerate(counted):
        raw = {
            name: counts_of(
                {at: n for at, (n, _) in cells.items()}, {at: key % 2**32 for at, (_, key) in cells.items()}
            )
            for name, cells in of_layer.items()
        }
        released = above[layer] = gate.release(layer, window, raw, Perturbation(KEY, noise), above=above)
        counts: dict[str, dict[Cell, int]] = {}
        for zone, values in released.zones.items():
            for name, people in values.items():
                counts.setdefault("presence" if name == "people" else name, {})[zone] = people
        for pair, people in released.flows.items():
            counts.setdefault(FLOWS, {})[pair] = people
        if counts:
            found[WindowKey(LAYERS[layer].name, WIDTH, 0, WIDTH)] = counts
    return found


def by_the_oracle(counted: list[Counted], noise: int) -> Tallies:
    """What the oracle says may be published of the same."""
    counts: Tallies = {}
    sums: Tallies = {}
    for layer, of_layer in zip(LAYERS, counted, strict=True):
        window, places = WindowKey(layer.name, WIDTH, 0, WIDTH), layer.outside + 1
        for name, cells in of_layer.items():
            for at, (n, key) in cells.items():
                pair = (layer.zone_name(at // places), layer.zone_name(at % places))
                cell = pair if name == FLOWS else layer.zone_name(at)
                counts.setdefault(window, {}).setdefault(name, {})[cell] = n
                sums.setdefault(window, {}).setdefault(name, {})[cell] = key
    within = {
        "spots": ("coast", {"a": "north", "b": "north", "c": "south", "d": "south"}),
        "patches": ("spots", {"u": "a", "v": "b", "w": "b", "x": "d"}),
    }
    return published(Rules(K, noise, within), counts, sums, lambda window: KEY)


def inside(layer: Layer, counted: Counted) -> Counted:
    """Without cells that the layer does not have."""
    return {
        name: {at: found for at, found in cells.items() if name == FLOWS or at <= layer.outside}
        for name, cells in counted.items()
    }


@given(COUNTED, COUNTED, COUNTED, st.sampled_from([0, 1, 2, 5]))
def test_the_gate_and_the_oracle_publish_the_same(coast: Counted, spots: Counted, patches: Counted, noise: int) -> None:
    counted = [inside(COAST, coast), inside(SPOTS, spots), inside(PATCHES, patches)]
    assert by_the_gate(counted, noise) == by_the_oracle(counted, noise)


def test_both_withhold_a_zone_beside_a_small_rest() -> None:
    spots: Counted = {"presence": {0: (40, 2), 1: (30, 3)}}
    counted: list[Counted] = [{"presence": {0: (77, 1)}}, spots, {"presence": {1: (30, 3)}}]
    for publish in (by_the_gate, by_the_oracle):
        assert publish(counted, 0) == {
            WindowKey("coast", WIDTH, 0, WIDTH): {"presence": {"north": 77}},
            WindowKey("spots", WIDTH, 0, WIDTH): {"presence": {"a": 40}},
        }


def test_errors_have_the_distribution_that_is_documented_in_both() -> None:
    keys = np.arange(500).tolist()
    counted: list[list[Counted]] = [[{"presence": {0: (100, key)}}, {}, {}] for key in keys]
    pairs = [(by_the_gate(one, 5), by_the_oracle(one, 5)) for one in counted]
    assert all(one == other for one, other in pairs)
    numbers = {n for one, _ in pairs for window in one.values() for n in window["presence"].values()}
    assert numbers == set(range(95, 106))
