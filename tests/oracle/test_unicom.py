"""The oracle on a month of real sessions, against facts counted from the file by other means."""

import csv
import gzip
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from foule.oracle.oracle import Parameters, Record, final_advances, run
from foule.oracle.parameters import DAY

FILE = Path(__file__).parents[3] / "shared/data/unicom_xdr_201508.csv.gz"
UNIX = datetime(1970, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not in ../shared/data")


def when(text: str) -> int | None:
    """Local time of China in ms since the Unix epoch, floored; None where it is damaged."""
    try:
        return (datetime.fromisoformat(text + "+08:00") - UNIX) // timedelta(milliseconds=1)
    except ValueError:
        return None


def test_moves_between_areas_over_the_whole_month_are_those_counted_from_the_file() -> None:
    with gzip.open(FILE, "rt", newline="") as source:
        rows = [(when(row["start_time"]), row) for row in csv.DictReader(source)]
    rows.sort(key=lambda row: (row[0] is None, row[0] or 0))
    areas = {f"{row['lac']}-{row['ci']}": {"lac": row["lac"]} for _, row in rows}
    logs: dict[int, list[Record]] = defaultdict(list)
    for ts, row in rows:
        fields = {"ts": row["start_time"] if ts is None else ts, "subscriber": row["user"]}
        log = logs[crc32(row["user"].encode()) % 4]
        log.append(Record(len(log), -1, json.dumps(fields | {"cell": f"{row['lac']}-{row['ci']}"}).encode()))
    parameters = Parameters(
        zone="Asia/Shanghai", linger=32 * DAY, epoch_days=32, epoch_start=date(2015, 7, 31), widths=(DAY,)
    )

    def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
        return areas.get(cell or "")

    result = run(parameters, logs, final_advances(parameters, logs, locate), locate)
    assert (result.read, result.late, dict(result.rejected)) == (293_768, 0, {"bad_time": 6_258})
    assert (len(result.moves["lac"]), result.moves["lac"].total()) == (3_892, 7_563)
    assert result.complete() == result.tallies
