"""Counts of three layers, each within the one before, and what the oracle publishes of them."""

from collections.abc import Mapping
from typing import Any

from foule.oracle.parameters import HOUR
from foule.oracle.publication import Rules, Tallies, WindowKey, published

KEY = b"k" * 32
WIDTH = HOUR
WITHIN = {
    "spots": ("coast", {"a": "north", "b": "north", "c": "south"}),
    "patches": ("spots", {"u": "a", "v": "a", "w": "b"}),
}

Counted = Mapping[str, Mapping[Any, int]]


def at(layer: str) -> WindowKey:
    return WindowKey(layer, WIDTH, 0, WIDTH)


def publish(noise: int = 0, k: int = 20, sums: Tallies | None = None, **layers: Counted) -> dict[str, Any]:
    """By layer what is published of these counts; without noise unless it is said."""
    tallies: Tallies = {
        at(layer): {name: dict(cells) for name, cells in counted.items()} for layer, counted in layers.items()
    }
    found = published(Rules(k, noise, WITHIN), tallies, sums or {}, lambda window: KEY)
    return {window.layer: indicators for window, indicators in found.items()}
