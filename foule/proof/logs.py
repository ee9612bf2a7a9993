"""The logs that decide what must be counted, as they lie in Kafka, and the oracle on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np

import zones
from config.settings import Settings
from foule.oracle.oracle import Keys, Locate, Parameters, Record, Result, run
from foule.proof.topics import read_topic
from streams.checkpoint import Record as ChangelogRecord
from streams.checkpoint import Restorer
from streams.decode import MACHINE
from zones import Layer, Places

Logs = dict[int, list[Record]]
"""The events of each partition, in order of offset."""

Advances = dict[int, list[tuple[int, int]]]
"""By partition, (next offset, watermark in UTC ms)."""


def oracle_of(settings: Settings, keys: Keys, locate: Locate | None = None, layers: Sequence[Layer] = ()) -> Result:
    """The oracle on the events topic, with the advances that were noted.

    ``keys``: of the epochs, as a witness has seen them; ``locate``: where events are, in zones of ``layers``; by
    default in the zones that the settings name. Raises ServiceError, ContractError.
    """
    if locate is None:
        places = zones.load(settings.zones)
        locate, layers = locator(places), places.layers
    return run(Parameters.of(settings), event_logs(settings), applied_advances(settings), locate, keys, layers)


def event_logs(settings: Settings) -> Logs:
    """The events topic as the oracle reads it."""
    logs: Logs = {partition: [] for partition in range(settings.topics.partitions)}
    for record in read_topic(settings, settings.topics.events):
        logs[record.partition].append(Record(record.offset, record.timestamp, record.value))
    return logs


def applied_advances(settings: Settings) -> Advances:
    """The advances that each shard, or each source of a shuffled feed, noted on its changelog as applied."""
    restorers: dict[int, Restorer] = {}
    topics = settings.topics
    for record in read_topic(settings, topics.sources if settings.events.shuffle else topics.checkpoints):
        restorer = restorers.setdefault(record.partition, Restorer())
        restorer.take(ChangelogRecord(record.key, record.value, record.offset))
    return {
        partition: [(note.next, note.watermark) for note in restorer.notes if note.applied]
        for partition, restorer in restorers.items()
    }


def dead_letters(settings: Settings) -> Counter[str]:
    """Distinct records of the rejected topic, by reason."""
    letters = {record.headers for record in read_topic(settings, settings.topics.rejected)}
    return Counter(dict(headers)["reason"].decode() for headers in letters)


def due_letters(oracle: Result) -> Counter[str]:
    """The dead letters that there must be, by reason: with the event of a machine nothing is wrong."""
    return Counter({reason: count for reason, count in oracle.rejected.items() if reason != MACHINE})


def locator(places: Places) -> Locate:
    """The zone in each layer of a cell or a point, as the oracle asks for it."""

    @cache
    def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
        if cell is None:
            place = int(places.of_points(np.array([lat], np.float64), np.array([lon], np.float64))[0])
        else:
            place = int(places.of_cells([cell])[0])
        if place < 0:
            return None
        of_layer = places.zones[place].tolist()
        return {layer.name: layer.zone_name(zone) for layer, zone in zip(places.layers, of_layer, strict=True)}

    return locate
