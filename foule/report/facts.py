"""What a report rests on: the settings in force, the zones as they were loaded, the results of the attack suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

import zones
from anonymizer.keys import EpochKeys, MemoryKeyStore
from config import show
from config.settings import Instant, Settings, require_layers
from foule.report.attacks import Results
from foule.report.document import Text, code, joined, say
from indicators.origins import NATIONAL
from indicators.plan import Plan
from streams.parts import ShardParts
from zones import Layer

#: A zone of fewer cells than this is a small one.
FEW_CELLS: Final = 3

_DEFAULTS = Settings()


class Facts(NamedTuple):
    """``zones_report``: what loading the zones said, without folders; ``fingerprint``: of what published numbers depend
    on (``streams.parts``); ``version``: of foule; ``results``: None if the attack suite has not been run; ``areas``:
    how many home areas are told apart, 0 where no indicator needs them; ``small_zones``: for each layer, how many of
    its zones have cells, but fewer than :data:`FEW_CELLS`."""

    settings: Settings
    layers: tuple[Layer, ...]
    zones_report: tuple[str, ...]
    fingerprint: str
    version: str
    made: Instant
    results: Results | None
    areas: int = 0
    small_zones: tuple[int, ...] = ()

    @property
    def plan(self) -> Plan:
        """What is counted besides presence and flows."""
        return Plan.of(self.settings.indicators, self.settings.time)

    def value(self, key: str) -> str:
        """The setting ``section.key`` as ``foule settings`` shows it: secrets masked, of a file its name alone."""
        return _value(self.settings, key)

    def default(self, key: str) -> str:
        """Its default, in the same way."""
        return _value(_DEFAULTS, key)

    def set_to(self, key: str) -> Text:
        """``section.key = value``."""
        return code(f"{key} = {self.value(key)}")

    def all_set(self, *keys: str) -> Text:
        """Several of them."""
        return joined(self.set_to(key) for key in keys)

    def numbers(self, key: str) -> tuple[int, int]:
        """A setting that is a number or a duration (ms), and its default."""
        section, _, name = key.partition(".")
        return int(getattr(getattr(self.settings, section), name)), int(getattr(getattr(_DEFAULTS, section), name))


def gather(settings: Settings, version: str, made: Instant, results: Results | None) -> Facts:
    """The facts; loads the zones. Raises ``SettingsError`` without a layer or where a table cannot be used,
    ``ZonesError`` if a file of zones cannot be."""
    require_layers(settings)
    places = zones.load(settings.zones)
    keys = EpochKeys(MemoryKeyStore(), settings.keys.max_age, lambda: int(made))
    parts = ShardParts.of(settings, places, keys)
    origins = parts.counting.origins
    areas = 0 if origins is None else sum(label.startswith(f"{NATIONAL}:") for label in origins.names)
    cells = map(places.cells_of_zones, range(len(places.layers)))
    small = tuple(int(np.count_nonzero((counts > 0) & (counts < FEW_CELLS))) for counts in cells)
    lines = tuple(_without_folders(line, settings) for line in places.report)
    return Facts(settings, places.layers, lines, parts.fingerprint, version, made, results, areas, small)


def source_of(facts: Facts, at: int) -> Text:
    """Where the layer ``at`` comes from: a file, by its name, or a column of the cell catalogue."""
    layer = facts.settings.zones.layers[at]
    if layer.file is not None:
        return say("file `{name}`", name=layer.file.name)
    return say("column `{column}` of the cells", column=layer.column)


def _files(settings: Settings) -> list[Path]:
    files = [settings.zones.cells, settings.kafka.ca_file, *(layer.file for layer in settings.zones.layers)]
    return [path for path in files if path is not None]


def _without_folders(line: str, settings: Settings) -> str:
    for path in _files(settings):
        line = line.replace(str(path), path.name)
    return line


def _value(settings: Settings, key: str) -> str:
    section, _, name = key.partition(".")
    found = getattr(getattr(settings, section), name)
    if isinstance(found, Path):
        return json.dumps(found.name, ensure_ascii=False)
    table = show.as_dict(settings)[section]
    assert isinstance(table, dict)
    return json.dumps("" if found is None else table[name], ensure_ascii=False)
