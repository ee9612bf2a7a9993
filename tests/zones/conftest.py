"""Zones that are in the repository."""

import pytest

from config.settings import load as load_settings
from simulator.geography import SETTINGS
from zones import Places, load


@pytest.fixture(scope="session")
def festival() -> Places:
    """The zones of the simulated festival, under the defaults."""
    return load(load_settings(SETTINGS, {}).zones)
