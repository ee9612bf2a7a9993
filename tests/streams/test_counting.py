"""What is counted has room in 63 bits, or is refused when the settings are loaded."""

import numpy as np
import pytest

from config.errors import ZonesError
from config.settings import IndicatorsSettings, Settings
from indicators.distinct import Distinct
from indicators.origin_tables import MOST_AREAS
from streams.counting import MOST_ZONES, Counting
from zones import Layer

LARGEST_SLOT = 2**31 - 1


def layer_of(zones: int) -> Layer:
    ids = tuple(map(str, range(zones)))
    return Layer("grid", ids, ids, (None,) * zones)


def test_a_layer_with_more_zones_than_can_be_counted_is_refused() -> None:
    assert len(Counting.of(Settings(), [layer_of(MOST_ZONES)]).cells) == 1
    with pytest.raises(ZonesError, match=r"layer grid: 65,536 zones; at most 65,535 are expected"):
        Counting.of(Settings(indicators=IndicatorsSettings(trips=True)), [layer_of(2), layer_of(MOST_ZONES + 1)])


def test_the_last_device_moves_between_the_last_zones_of_the_largest_layer_and_is_counted_there() -> None:
    zones = MOST_ZONES + 1
    moves = Distinct(zones * zones)
    moves.add(np.array([LARGEST_SLOT]), np.array([zones * zones - 1]))
    [pair] = moves.pairs.tolist()
    assert divmod(pair, zones * zones) == (LARGEST_SLOT, zones * zones - 1)


def test_the_numbers_of_all_other_cells_are_smaller() -> None:
    zones, origins, bins = MOST_ZONES + 1, MOST_AREAS + 300, 51
    for largest in (zones**2 * origins, zones * origins * bins, (LARGEST_SLOT + 1) * zones * bins):
        assert largest < 2**63
