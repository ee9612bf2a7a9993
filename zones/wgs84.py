"""Longitudes and latitudes: what lies off the globe, and what such numbers probably are."""

import numpy as np
from numpy.typing import NDArray


def off_globe(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True where |lon| > 180 or |lat| > 90 degrees, or where either is not finite; shape as given."""
    return ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))


def advice(lon: float, lat: float) -> str:
    """What numbers off the globe look like, what is expected and what to change."""
    expected = "longitudes from -180 to 180 and latitudes from -90 to 90 are expected (WGS84, EPSG:4326)"
    if abs(lon) <= 90.0 and abs(lat) <= 180.0:
        return f"longitude and latitude look exchanged; {expected}: exchange them"
    if abs(lon) <= 360.0 and abs(lat) <= 90.0:
        return f"longitudes look counted from 0 to 360; {expected}: subtract 360 from those above 180"
    return f"these look projected, in metres such as Lambert-93 (EPSG:2154); {expected}: convert the file to EPSG:4326"
