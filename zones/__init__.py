"""Layers of zones, the cell catalogue, and where a cell or a point lies."""

from zones.layers import OUTSIDE, Layer
from zones.places import Places, load

__all__ = ["OUTSIDE", "Layer", "Places", "load"]
