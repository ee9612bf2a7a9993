"""Zones, shares and errors of the bench of zone sizes are as worked out by hand; the document has its table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bench import zone_size
from bench.zone_size import FILE, Samples, codes, hexagons, in_hours, interval, net_error, read, row_of, squares
from config.errors import EventFileError
from tests.documents import ROOT, text_of

HEADER = ",".join(zone_size.COLUMNS)
DOCUMENT = text_of(ROOT / "docs" / "zones.md")


def samples(*phones_and_cells: tuple[float, float, float, float], apart: int = 5) -> Samples:
    """Samples so many seconds apart: metres to the east and north, of the phone and of the cell."""
    points = np.array(phones_and_cells, np.float64)
    count = len(points)
    return Samples(points[:, :2], points[:, 2:], np.arange(count, dtype=np.int64) * apart, np.full(count, 9.0))


def spread(count: int, away: float) -> Samples:
    """Phones anywhere in a town of 20 km, each this far to the east of its cell."""
    phone = np.random.default_rng(3).uniform(0, 20_000, (count, 2))
    return Samples(phone, phone - [away, 0.0], np.arange(count, dtype=np.int64) * 60, np.full(count, 9.0))


def test_the_square_of_a_point() -> None:
    points = np.array([[0.0, 0.0], [249.9, 250.0], [-0.1, 749.0]])
    assert squares(points, 250).tolist() == [[0, 0], [0, 1], [-1, 2]]
    assert len(set(codes(squares(points, 250)).tolist())) == 3


def test_hexagons_are_as_large_as_the_squares_and_each_holds_the_points_nearest_to_its_centre() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 40_000, (20_000, 2))
    zones = hexagons(points, 1_000)
    # 1,600 squares would have so many points each; hexagons at the rim are cut, so only those within are counted
    inner = ((points > 3_000) & (points < 37_000)).all(axis=1)
    _, held = np.unique(codes(zones[inner]), return_counts=True)
    assert np.median(held) == pytest.approx(12.5, abs=1)
    edge = 1_000 * np.sqrt(2 / np.sqrt(27))
    own = zones[:, :1] * [np.sqrt(3), 0.0] * edge + zones[:, 1:] * [np.sqrt(3) / 2, 1.5] * edge
    ways = [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]
    for q, r in ways:
        beside = own + np.array([np.sqrt(3) * (q + r / 2), 1.5 * r]) * edge
        assert (np.hypot(*(points - own).T) <= np.hypot(*(points - beside).T) + 1e-6).all()


@pytest.mark.parametrize("away", [0.0, 100.0, 400.0])
def test_the_share_in_the_right_zone_is_what_geometry_says(away: float) -> None:
    row = row_of(spread(2_000, away), 1_000, grids=60)
    # a line of length d in any direction lies within a square of a grid with this probability (Buffon, Laplace)
    expected = 1 - (4 * away * 1_000 - away**2) / (np.pi * 1_000**2)
    assert row.right == pytest.approx(expected, abs=0.015)
    assert row.right + row.next_to == pytest.approx(1)
    assert row.low <= row.right <= row.high


def test_what_evens_out_is_no_error_of_counts() -> None:
    phone, cell = np.array([1] * 150 + [2] * 150), np.array([2] * 150 + [1] * 150)
    assert net_error(phone, cell)[0] == 0
    net, of_zones = net_error(phone, np.where(np.arange(300) < 30, 2, phone))
    assert (net, of_zones.tolist()) == (0.1, [0.2, 0.2])


def test_a_cell_that_changes_to_and_fro_at_a_border_makes_a_flow_back_and_no_zone_more() -> None:
    drive = samples(
        (900, 0, 900, 0),
        (950, 0, 1_050, 0),
        (960, 0, 900, 0),
        (1_010, 0, 1_050, 0),
        (1_100, 0, 950, 0),
        (1_200, 0, 1_200, 0),
    )
    phone, cell = (codes(squares(points, 1_000)) for points in (drive.phone, drive.cell))
    assert in_hours(drive, phone) == (2, 1)
    assert in_hours(drive, cell) == (2, 2)


def test_after_long_silence_no_move_is_seen() -> None:
    drive = samples((0, 0, 0, 0), (1_500, 0, 1_500, 0), apart=1_801)
    assert in_hours(drive, codes(squares(drive.phone, 1_000)))[1] == 0


def test_hours_that_differ_make_the_interval_wide_and_samples_of_one_hour_do_not_narrow_it() -> None:
    rng = np.random.default_rng(5)
    hour = np.repeat(np.arange(20), 200)
    same, other = np.tile([0.0, 1.0], 2_000), np.repeat(np.arange(20) % 2, 200).astype(np.float64)
    assert interval(same, hour, rng) == (0.5, 0.5)
    low, high = interval(other, hour, rng)
    assert low < 0.35 and high > 0.65


def test_positions_after_a_gap_or_at_an_impossible_speed_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    good = "20211026,90000,30.3,120.1,5,9.0,30.301,120.1"
    path.write_text("\n".join([HEADER, good, good.replace(",5,", ",60,"), good.replace("9.0,", "66.8,")]))
    found = read(path)
    assert (len(found.time), found.left_out) == (1, 2)
    assert (found.cell - found.phone)[0] == pytest.approx([0, 111.2], abs=0.1)


def test_of_many_samples_one_in_a_minute_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    rows = [f"20211026,0900{second:02},30.3,120.1,5,9.0,30.301,120.1" for second in range(0, 60, 5)]
    path.write_text("\n".join([HEADER, *rows, "20211026,090100,30.3,120.1,5,9.0,30.301,120.1"]))
    assert len(read(path, every=60).time) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file; name one with the columns DAYS"),
        ("DAYS,TIMES,LAT,LNG\n", "the columns TIME_DIFF, SPEED, CELLLAT, CELLLNG are missing"),
        (f"{HEADER}\n20211026,090000,north,120.1,5,9,30.3,120.1\n", "a value cannot be read"),
        (f"{HEADER}\n", "not one usable row"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "samples.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EventFileError) as caught:
        read(path)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_the_document_has_the_table_that_the_bench_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE.name} is not in ../shared/data")
    monkeypatch.setattr(sys, "argv", ["zone_size"])
    assert zone_size.main() == 0
    *table, last = capsys.readouterr().out.splitlines()
    assert "\n".join(table) in DOCUMENT
    assert '"p50": 258, "p90": 496' in last
