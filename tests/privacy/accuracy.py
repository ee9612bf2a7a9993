"""What the protection costs: how far published counts are from the raw ones, and who is in none of them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from config.settings import load
from foule.core import Closed
from foule.partitioner import Partitioner, by_partition
from foule.recording import Recording
from indicators.calendar import Window
from indicators.cells import Cells
from indicators.counts import Counts
from tests.privacy.crowd_day import Crowd, WindowCounts
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import ON, Tables, epoch_key, publish
from tests.services.settings_file import write_settings
from zones import Layer

ROOT = Path(__file__).parents[2]
UNICOM = "unicom_xdr_201508.csv.gz"

#: Counts of people, [first, last).
SIZES = ((25, 50), (50, 200), (200, 1_000), (1_000, 1 << 62))


def run(crowd: Crowd, windows: list[WindowCounts], data: Path, seed: int = 0) -> list[Outcome]:
    """At the festival, and on the recorded sessions if their file is in the folder ``data``."""
    found = _costs("a", "the festival", crowd.layers, windows, seed, crowd.cells)
    file = data / UNICOM
    if file.exists():
        layers, counted = _recorded(file)
        return found + _costs("b", "recorded sessions of three cities", layers, counted, seed)
    return [
        *found,
        Outcome(
            id="accuracy b",
            name="recorded sessions of three cities",
            claim="accuracy",
            knows="",
            figure="mean absolute error",
            skipped=f"{UNICOM} is not in {data}: name its folder with --data or FOULE_DATA",
        ),
    ]


def data_folder() -> Path:
    """Where recorded files are: ``FOULE_DATA``, or ``../shared/data`` beside the repository."""
    return Path(os.environ.get("FOULE_DATA", ROOT.parent / "shared/data"))


def _costs(
    part: str,
    where: str,
    layers: Sequence[Layer],
    windows: list[WindowCounts],
    seed: int,
    cells: Sequence[Cells] | None = None,
) -> list[Outcome]:
    raw = Tables.raw(layers, windows)
    published = Tables.published(layers, windows, publish(windows, layers, ON, epoch_key(seed), cells))
    truth, numbers = (
        np.concatenate([_inside(tables, key).ravel() for key in sorted(raw.tables)]) for tables in (raw, published)
    )
    outcomes = [_error(part, where, truth, numbers, size) for size in SIZES]
    people = [_presence(raw, width) for width in sorted(raw.starts)]
    seen = [_presence(published, width) for width in sorted(raw.starts)]
    for width, all_of_them, some in zip(sorted(raw.starts), people, seen, strict=True):
        missing = float(all_of_them[some == 0].sum() / all_of_them.sum())
        outcomes.append(
            Outcome(
                id=f"accuracy {part}",
                name=f"{where}: people in zones whose presence in a window of {width // 60_000} minutes is absent",
                claim="accuracy",
                knows="",
                figure="share of people",
                off=0.0,
                on=missing,
                without="threshold, perturbation and groups",
            )
        )
    return outcomes


def _inside(tables: Tables, key: tuple[str, str, int]) -> NDArray[np.int64]:
    """A table without the presence, arrivals and so on of ``outside``, which are never published."""
    table = tables.tables[key]
    return table if key[1] == "flows" else table[:, :-1]


def _presence(tables: Tables, width: int) -> NDArray[np.int64]:
    return np.concatenate([_inside(tables, (layer.name, "presence", width)).ravel() for layer in tables.layers])


def _error(
    part: str, where: str, truth: NDArray[np.int64], numbers: NDArray[np.int64], size: tuple[int, int]
) -> Outcome:
    there = (numbers > 0) & (truth >= size[0]) & (truth < size[1])
    words = f"{size[0]:,} to {size[1] - 1:,}" if size[1] < 1 << 62 else f"over {size[0]:,}"
    error = np.abs(numbers[there] - truth[there])
    relative = float((error / truth[there]).mean()) if there.any() else None
    bias = float((numbers[there] - truth[there]).mean()) if there.any() else None
    return Outcome(
        id=f"accuracy {part}",
        name=f"{where}: published counts of {words} people",
        claim="accuracy",
        knows="",
        figure="mean absolute error, people",
        off=0.0 if there.any() else None,
        on=float(error.mean()) if there.any() else None,
        without="perturbation",
        skipped="" if there.any() else "there is none",
        detail="" if relative is None else f"relative {relative:.4f}, bias {bias:+.2f}, of {there.sum():,} counts",
    )


def _recorded(file: Path) -> tuple[tuple[Layer, ...], list[WindowCounts]]:
    """The raw counts of the recorded sessions under the settings of the example, as ``foule batch`` makes them."""
    sections = tomllib.loads((ROOT / "examples/unicom.toml").read_text())
    sections["zones"]["cells"] = str(file)
    with TemporaryDirectory() as folder:
        settings = load(write_settings(Path(folder) / "foule.toml", sections))
        partitioner, closed = Partitioner(settings.topics.partitions), list[Closed]()
        with Recording(file, settings, sort=True, timestamp=None) as recording:
            for batch in recording.batches(lambda done, note: None):
                for partition, rows in by_partition(partitioner.of(batch.keys)):
                    values = [batch.values[row] for row in rows.tolist()]
                    closed += recording.core.take(partition, values, recording.stamps(len(values)))
            closed += recording.core.finish()
            layers = recording.places.layers
    return layers, _summed(closed, layers)


def _summed(closed: Sequence[Closed], layers: Sequence[Layer]) -> list[WindowCounts]:
    windows: dict[Window, dict[str, dict[str, Counts]]] = {}
    for _, tally in closed:
        window = Window(tally.width, tally.start, tally.end)
        sums = windows.setdefault(window, {}).setdefault(layers[tally.layer].name, {})
        for indicator, counts in tally.counts.items():
            sums[indicator] = sums.get(indicator, Counts.empty()).plus(counts)
    return [WindowCounts(window, windows[window]) for window in sorted(windows)]
