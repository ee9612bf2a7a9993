"""``make bench-zone-size``: how often the zone of the serving cell is the zone of the phone, by the size of the zones.

Reads positions of phones (GPS) beside those of the cells that served them, lays grids of zones over both, at many
random places and angles, and says how many samples keep their zone, what is left of the error in counts, and how many
zones and moves the cells make of those of the phone. Prints a table in Markdown, then one JSON line.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.command import end
from bench.verdict import emit
from config.errors import EventFileError

FILE = Path(__file__).resolve().parents[2] / "shared/data/hangzhou_gps_vs_cell_202110.csv.gz"
COLUMNS = ("DAYS", "TIMES", "LAT", "LNG", "TIME_DIFF", "SPEED", "CELLLAT", "CELLLNG")
SIDES = (250, 500, 1_000, 1_500, 2_000, 3_000, 5_000)
GRIDS = 100
SEED = 20211026

_METRES_PER_DEGREE = 111_195.0
_LONGEST_GAP = 10  # s since the receiver's last position: after more, it may still be wrong
_FASTEST = 40.0  # m/s: above it, the receiver has jumped
_LINGER = 1_800  # s: after more silence foule takes no two events for a move
_FULL = 100  # samples of a zone whose count is looked at by itself
_RESAMPLES = 2_000
_HALF = 1 << 20

Points = NDArray[np.float64]
Zones = NDArray[np.int64]


class Samples(NamedTuple):
    """Where phones and their serving cells were, in the order of time.

    ``phone``, ``cell``: float64 (n, 2), metres to the east and north of a common point; ``time``: int64 (n,), s;
    ``speed``: float64 (n,), m/s; ``left_out``: rows of the file that are not here.
    """

    phone: Points
    cell: Points
    time: NDArray[np.int64]
    speed: NDArray[np.float64]
    left_out: int = 0

    @property
    def hour(self) -> NDArray[np.int64]:
        """The hour of each sample, from 0 on without a gap, int64 (n,): those of one hour are of one drive, and so not
        independent."""
        return np.unique(self.time // 3_600, return_inverse=True)[1].astype(np.int64)


class Row(NamedTuple):
    """What grids of one size came to; shares of samples and ratios, each the mean over the grids.

    ``right``: the cell's zone is the phone's, with the ``low`` and ``high`` end of its 95 % interval; ``next_to``: it
    touches the phone's; ``hexagons``: as ``right``, for hexagons of the same area; ``net``: samples that the counts of
    zones by cell have in other zones than those by phone; ``zone_error``: the median over zones with 100 samples and
    more of how far their count is off, None where there are hardly any; ``seen``, ``flows``: zones in which the cells
    have been in an hour, and pairs of zones between which they moved, by those of the phone.
    """

    side: int
    right: float
    low: float
    high: float
    next_to: float
    hexagons: float
    net: float
    zone_error: float | None
    seen: float
    flows: float


def read(path: Path, every: int = 0) -> Samples:
    """Read a file with the columns of :data:`COLUMNS`, gzip or not; with ``every``, one sample in so many seconds.

    Left out are positions for which the receiver had nothing for long before, or at an impossible speed. Raises
    ``EventFileError``.
    """
    if not path.exists():
        raise EventFileError(
            f"{path}: there is no such file; name one with the columns {', '.join(COLUMNS)} (CSV, gzip or not; "
            "DAYS as 20211026, TIMES as 143005, degrees WGS84, TIME_DIFF in s since the last position, SPEED in m/s)"
        )
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if absent := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise EventFileError(f"{path}: the columns {', '.join(absent)} are missing")
        try:
            table = np.array([[_moment(row["DAYS"], row["TIMES"]), *_numbers(row)] for row in rows], np.float64)
            table = table.reshape(-1, len(COLUMNS) - 1)
        except (TypeError, ValueError) as error:
            raise EventFileError(f"{path}: a value cannot be read: {error}") from None
    good = table[(table[:, 3] <= _LONGEST_GAP) & (table[:, 4] <= _FASTEST)]
    good = good[np.argsort(good[:, 0], kind="stable")]
    left_out = len(table) - len(good)
    if every:
        good = good[np.unique(good[:, 0] // every, return_index=True)[1]]
    if not len(good):
        raise EventFileError(f"{path}: not one usable row")
    centre = np.median(good[:, 1:3], axis=0)
    scale = _METRES_PER_DEGREE * np.array([np.cos(np.deg2rad(centre[0])), 1.0])
    phone, cell = ((good[:, at : at + 2] - centre)[:, ::-1] * scale for at in (1, 5))
    return Samples(phone, cell, good[:, 0].astype(np.int64), good[:, 4], left_out)


def _moment(day: str, clock: str) -> float:
    """Seconds since 1970, in the time zone of the file."""
    return dt.datetime.strptime(day + clock.zfill(6), "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC).timestamp()


def _numbers(row: dict[str, str]) -> list[float]:
    return [float(row[name]) for name in COLUMNS[2:]]


def squares(points: Points, side: float) -> Zones:
    """The square that holds each point, int64 (n, 2): column and row."""
    zones: Zones = np.floor(points / side).astype(np.int64)
    return zones


def hexagons(points: Points, side: float) -> Zones:
    """The hexagon that holds each point, int64 (n, 2) axial coordinates; as large as a square with this ``side``.

    By rounding cube coordinates (https://www.redblobgames.com/grids/hexagons/, "Rounding to nearest hex").
    """
    edge = side * np.sqrt(2 / np.sqrt(27))
    q = (points[:, 0] / np.sqrt(3) - points[:, 1] / 3) / edge
    cube = np.stack([q, 2 / 3 * points[:, 1] / edge], axis=1)
    cube = np.column_stack([cube, -cube.sum(axis=1)])
    rounded = np.rint(cube)
    worst = np.argmax(np.abs(rounded - cube), axis=1)
    rows = np.arange(len(points))
    rounded[rows, worst] -= rounded.sum(axis=1)
    zones: Zones = rounded[:, :2].astype(np.int64)
    return zones


def codes(zones: Zones) -> NDArray[np.int64]:
    """One number for each zone, int64 (n,)."""
    return (zones[:, 0] + _HALF) * 2 * _HALF + zones[:, 1] + _HALF


def laid(points: Sequence[Points], side: float, rng: np.random.Generator) -> list[Points]:
    """The same points as a grid sees them that lies anywhere, at any angle."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shift = rng.uniform(0, 1_000 * side, 2)  # over so many zones that where it ends does not matter
    return [each @ turn + shift for each in points]


def net_error(phone: NDArray[np.int64], cell: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """How far counts of zones by cell are from those by phone; both int64 (n,), the zone of each sample.

    The total variation of the two distributions: the share of all samples that would have to change their zone. And
    the relative error of each zone in which the phone was often enough.
    """
    zones, at = np.unique(np.concatenate([phone, cell]), return_inverse=True)
    true, found = (np.bincount(part, minlength=len(zones)) for part in np.split(at, 2))
    full = true >= _FULL
    return float(np.abs(true - found).sum() / 2 / len(phone)), np.abs(found - true)[full] / true[full]


def in_hours(samples: Samples, zones: NDArray[np.int64]) -> tuple[int, int]:
    """Zones seen in an hour, and pairs of zones between which the phone moved in it, over all hours, each once."""
    known, zone = np.unique(zones, return_inverse=True)
    in_hour = samples.hour * len(known) + zone
    moved = (np.diff(zone) != 0) & (np.diff(samples.time) <= _LINGER)
    return len(np.unique(in_hour)), len(np.unique((in_hour[1:] * len(known) + zone[:-1])[moved]))


def interval(values: NDArray[np.float64], hour: NDArray[np.int64], rng: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval of the mean of ``values`` (n,): whole hours are drawn again, not single samples."""
    sums, sizes = np.bincount(hour, values), np.bincount(hour)
    drawn = rng.integers(0, len(sums), (_RESAMPLES, len(sums)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def right_share(
    samples: Samples, side: float, grid: Callable[[Points, float], Zones], grids: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """In how many of the grids the cell of each sample is in the phone's zone: float64 (n,) shares."""
    right = np.zeros(len(samples.time))
    for _ in range(grids):
        phone, cell = (grid(each, side) for each in laid((samples.phone, samples.cell), side, rng))
        right += (phone == cell).all(axis=1)
    return right / grids


def row_of(samples: Samples, side: int, grids: int = GRIDS, seed: int = SEED) -> Row:
    """Lay ``grids`` grids of squares over the samples, and as many of hexagons."""
    rng = np.random.default_rng([seed, side])
    right, near = np.zeros(len(samples.time)), 0.0
    nets, errors, seen, flows = [], list[NDArray[np.float64]](), np.zeros(2), np.zeros(2)
    for _ in range(grids):
        phone, cell = (squares(each, side) for each in laid((samples.phone, samples.cell), side, rng))
        steps = np.abs(phone - cell).max(axis=1)
        right += steps == 0
        near += float(np.mean(steps == 1))
        net, zone_errors = net_error(codes(phone), codes(cell))
        nets.append(net)
        errors.append(zone_errors)
        counted = np.array([in_hours(samples, codes(zones)) for zones in (phone, cell)])
        seen += counted[:, 0]
        flows += counted[:, 1]
    right /= grids
    of_zones = np.concatenate(errors)
    low, high = interval(right, samples.hour, rng)
    return Row(
        side,
        float(right.mean()),
        low,
        high,
        near / grids,
        float(right_share(samples, side, hexagons, grids, rng).mean()),
        float(np.mean(nets)),
        float(np.median(of_zones)) if len(of_zones) >= 10 * grids else None,
        float(seen[1] / seen[0]),
        float(flows[1] / flows[0]) if flows[0] else 1.0,
    )


HEAD = (
    "| side of the zones | in the phone's zone | in one next to it | hexagons of that area | net error of counts "
    "| a zone's count is off by | zones in an hour | flows in an hour |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def line(row: Row) -> str:
    """A line of the table."""
    percent = "{:.0%}".format
    shares = f"{percent(row.right)} ({percent(row.low)} to {percent(row.high)})".replace("%", " %")
    error = "-" if row.zone_error is None else percent(row.zone_error)
    others = (percent(row.next_to), percent(row.hexagons), percent(row.net), error)
    cells = [f"{row.side:,} m", shares, *(each.replace("%", " %") for each in others)]
    return f"| {' | '.join([*cells, f'{row.seen:.1f} times', f'{row.flows:.1f} times'])} |"


def about(samples: Samples) -> dict[str, object]:
    """How many samples there are, and how far phones are from their cells, in metres. Were the two in different
    coordinate systems, the median way from the one to the other would not be short."""
    away = samples.phone - samples.cell
    apart = np.hypot(*away.T)
    east, north = np.median(away, axis=0)
    slow = samples.speed <= np.median(samples.speed)
    return {
        "samples": len(apart),
        "left_out": samples.left_out,
        "hours": int(samples.hour.max()) + 1,
        "metres_apart": {"mean": round(float(apart.mean()))}
        | {f"p{part}": round(float(np.percentile(apart, part))) for part in (50, 90, 99)},
        "median_metres_apart": {
            "slower_half": round(float(np.median(apart[slow]))),
            "faster_half": round(float(np.median(apart[~slow]))),
        },
        "median_shift_m": {"east": round(float(east)), "north": round(float(north))},
    }


def main() -> int:
    """Print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help=f"columns: {', '.join(COLUMNS)}")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="of the zones, in metres")
    parser.add_argument("--every", type=int, default=0, help="only one sample in so many seconds")
    parser.add_argument("--grids", type=int, default=GRIDS, help="how many grids of a size")
    arguments = parser.parse_args()
    samples = read(arguments.file, arguments.every)
    rows = []
    print(HEAD)
    for side in arguments.sides:
        rows.append(row_of(samples, side, arguments.grids))
        print(line(rows[-1]), flush=True)
    rounded = [
        {name: value if value is None else round(value, 3) for name, value in row._asdict().items()} for row in rows
    ]
    emit({"bench": "zone_size", "file": arguments.file.name, **about(samples), "rows": rounded})
    return 0


if __name__ == "__main__":
    end(main)
