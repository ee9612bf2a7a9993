"""A small shore with numbers easy to work out by hand, for the tests of the oracle itself."""

import json
from datetime import date
from typing import Any

from foule.oracle.oracle import Parameters, Record, Result, run
from foule.oracle.parameters import DAY, HOUR, MINUTE
from zones import Layer

# Saturday 28 June 2014, 10:00 in Paris: six hours into the local day that began at 04:00.
TEN = 1_403_942_400_000
DAY_START, DAY_END = TEN - 6 * HOUR, TEN + 18 * HOUR

ZONES = {
    "beach-1": "beach",
    "beach-2": "beach",
    "port-1": "port",
    "town-1": "town",
    "sea-1": "outside",
    "sea-2": "outside",
}
ALL = "area"
"""The second layer, in which beach and port are one zone."""
MERGED = {"beach": "coast", "port": "coast", "town": "town", "outside": "outside"}

LAYERS = (
    Layer("spot", ("town", "port", "beach"), ("",) * 3, ("33", None, "17")),
    Layer(ALL, ("town", "coast"), ("",) * 2, (None, "17")),
)
"""The order and the home areas of the zones: neither that of their names."""


def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
    if cell is None:
        assert lat is not None and lon is not None
        zone = "beach" if lat > 46 else "outside"
    elif cell in ZONES:
        zone = ZONES[cell]
    else:
        return None
    return {"spot": zone, ALL: MERGED[zone]}


def settings(**changes: Any) -> Parameters:
    return Parameters(**({"widths": (5 * MINUTE,)} | changes))


def event(at: Any, subscriber: Any = "a", cell: Any = "beach-1", **more: Any) -> bytes:
    """An event ``at`` ms after ten o'clock."""
    ts = TEN + at if isinstance(at, int) else at
    return json.dumps({"ts": ts, "subscriber": subscriber, "cell": cell} | more).encode()


def log(*values: bytes | None, stamp: int = -1) -> list[Record]:
    return [Record(offset, stamp, value) for offset, value in enumerate(values)]


def count(*values: bytes, parameters: Parameters | None = None, end: int = DAY_END) -> Result:
    """One partition without Kafka timestamps, advanced to ``end`` after its last record."""
    return run(parameters or settings(), {0: log(*values)}, {0: [(len(values), end)]}, locate, layers=LAYERS)


def cells(result: Result, indicator: str, layer: str = "spot", width: int = 5 * MINUTE) -> dict[Any, Any]:
    """The counts of an indicator by (window start in minutes after ten, cell)."""
    return {
        ((window.start - TEN) / MINUTE, cell): number
        for window, indicators in result.complete().items()
        if (window.layer, window.width) == (layer, width)
        for cell, number in indicators.get(indicator, {}).items()
    }


def verdict(value: bytes | None, stamp: int = -1, parameters: Parameters | None = None) -> str:
    return run(parameters or settings(), {0: log(value, stamp=stamp)}, {}, locate).verdicts[0, 0]


def minutes(*starts: int, zone: str = "beach", number: int = 1) -> dict[Any, int]:
    return {(start, zone): number for start in starts}


def daily(**changes: Any) -> Parameters:
    """Windows of a day only, in an epoch of five that begins on the day of ten o'clock."""
    return settings(**({"widths": (DAY,), "epoch_days": 5, "epoch_start": date(2014, 6, 28)} | changes))


def by_day(parameters: Parameters, indicator: str, *values: bytes, layer: str = "spot") -> dict[Any, Any]:
    """The counts of an indicator by (day of the epoch, from 0, and cell); no event may be late."""
    result = count(*values, parameters=parameters, end=DAY_START + parameters.epoch_days * DAY)
    found = cells(result, indicator, layer, DAY)
    assert result.accepted == len(values)
    return {((start + 6 * 60) / (24 * 60), cell): n for (start, cell), n in found.items()}


def there(begin: int, end: int, cell: str = "beach-1", subscriber: str = "a", **more: Any) -> list[bytes]:
    """Events of a device in a cell from ``begin`` to ``end`` ms after ten o'clock, one each 20 minutes at least."""
    return [event(at, subscriber, cell, **more) for at in (*range(begin, end, 20 * MINUTE), end)]
