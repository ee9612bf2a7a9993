"""A festival of 2,000 people and its truth, made once for all tests of the simulator."""

import numpy as np
import pytest
from numpy.typing import NDArray

import zones
from config.settings import load
from simulator.geography import ELSEWHERE, SETTINGS
from simulator.stream import Festival
from simulator.truth import Truth
from zones import Places


@pytest.fixture(scope="session")
def places() -> Places:
    """The places of the festival's settings."""
    return zones.load(load(SETTINGS, {}).zones)


@pytest.fixture(scope="session")
def festival() -> Festival:
    """All of the weekend."""
    return Festival(seed=7, people=2_000)


@pytest.fixture(scope="session")
def truth(festival: Festival, places: Places) -> Truth:
    """Its truth."""
    return festival.truth(places)


@pytest.fixture(scope="session")
def areas(festival: Festival) -> NDArray[np.str_]:
    """The area where each person is each minute, (people, minutes); "" for elsewhere."""
    names = np.full(festival.geography.lat.size, "", dtype="U16")
    for area, spots in festival.geography.areas.items():
        names[spots] = area
    assert names[ELSEWHERE] == ""
    return names[festival.positions]
