"""What a run left in Kafka and Redis, in the shape in which the oracle counts, and the comparison with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

import msgspec
import numpy as np
from redis import Redis

import zones
from config.settings import Settings
from foule.oracle.oracle import Locate, Parameters, Record, Result, Tallies, WindowKey, run
from foule.oracle.visits import Cell
from indicators.calendar import Calendar, label_of_start, width_of_label
from indicators.counts import FLOWS
from streams import wire
from streams.checkpoint import AdvanceNote
from tests.e2e.running import LogRecord, read_topic
from zones import Layer, Places

Logs = dict[int, list[Record]]
Advances = dict[int, list[tuple[int, int]]]
Numbers = Mapping[str, int]


def event_logs(settings: Settings) -> Logs:
    """The events topic as the oracle reads it: by partition, with offsets and Kafka timestamps."""
    logs: Logs = {partition: [] for partition in range(settings.topics.partitions)}
    for record in read_topic(settings, settings.topics.events):
        logs[record.partition].append(Record(record.offset, record.timestamp, record.value))
    return logs


def applied_advances(settings: Settings) -> Advances:
    """The advances that each shard applied, (next offset, watermark), as noted in its changelog."""
    advances: Advances = defaultdict(list)
    for record in read_topic(settings, settings.topics.checkpoints):
        if record.key and record.key.startswith(b"advance/") and record.value is not None:
            noted = msgspec.json.decode(record.value, type=AdvanceNote)
            if noted.applied:
                advances[record.partition].append((noted.next, noted.watermark))
    return dict(advances)


def dead_letters(settings: Settings) -> Counter[str]:
    """Distinct records of the rejected topic, by reason."""
    letters = {record.headers for record in read_topic(settings, settings.topics.rejected)}
    return Counter(dict(headers)["reason"].decode() for headers in letters)


def locator(places: Places) -> Locate:
    """How the oracle locates an event: by the zones that foule has loaded."""

    def named(place: int) -> dict[str, str]:
        return {layer.name: layer.zone_name(int(places.zones[place, at])) for at, layer in enumerate(places.layers)}

    @cache
    def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
        if cell is not None:
            place = int(places.of_cells([cell])[0])
            return None if place < 0 else named(place)
        return named(int(places.of_points(_column(lat), _column(lon))[0]))

    return locate


def _column(value: float | None) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([value], dtype=np.float64)


def oracle_of(settings: Settings, locate: Locate | None = None) -> Result:
    """The oracle on the partition logs as they lie in Kafka, with the advances that the shards noted."""
    found = locator(zones.load(settings.zones)) if locate is None else locate
    return run(Parameters.of(settings), event_logs(settings), applied_advances(settings), found)


def raw_tallies(settings: Settings, layers: Iterable[Layer]) -> dict[int, Tallies]:
    """By shard, the raw counts that the tallies topic holds, before any threshold.

    Fails where a tally that was sent again differs from the first: they are final.
    """
    by_index = dict(enumerate(layers))
    seen: dict[tuple[object, ...], wire.TallyPart] = {}
    for record in read_topic(settings, settings.topics.tallies):
        part = wire.decode(record.value or b"")
        if isinstance(part, wire.TallyPart):
            key = (part.shard, part.layer, part.width, part.start, part.indicator, part.part)
            assert seen.setdefault(key, part) == part, f"a tally of shard {part.shard} changed: offset {record.offset}"
    return tallies_of_parts(seen.values(), by_index, settings.topics.partitions)


def tallies_of_parts(parts: Iterable[wire.TallyPart], layers: Mapping[int, Layer], shards: int) -> dict[int, Tallies]:
    """Tally records in the oracle's shape, by shard."""
    found: dict[int, Tallies] = {shard: {} for shard in range(shards)}
    for part in parts:
        layer = layers[part.layer]
        window = WindowKey(layer.name, part.width, part.start, part.end)
        cells = found[part.shard].setdefault(window, {}).setdefault(part.indicator, {})
        for index, count in part.values().as_dict().items():
            cell = cell_name(layer, part.indicator, index)
            assert cell not in cells
            cells[cell] = count
    return found


def cell_name(layer: Layer, indicator: str, cell: int) -> Cell:
    """A tally's cell as the oracle writes it: a zone, or the pair of a flow."""
    if indicator != FLOWS:
        return layer.zone_name(cell)
    origin, to = divmod(cell, layer.outside + 1)
    return (layer.zone_name(origin), layer.zone_name(to))


def add_zone(published: Tallies, window: WindowKey, zone: str, numbers: Numbers) -> None:
    """Put a zone's published numbers among ``published``; fails where they are there with other values."""
    for name, people in numbers.items():
        _put(published, window, "presence" if name == "people" else name, zone, people)


def _put(published: Tallies, window: WindowKey, indicator: str, cell: Cell, people: int) -> None:
    assert published.setdefault(window, {}).setdefault(indicator, {}).setdefault(cell, people) == people


def released_in_kafka(settings: Settings) -> Tallies:
    """All that ``foule.presence`` and ``foule.flows`` hold; what is there twice must be the same."""
    topics = settings.topics
    values = [*map(_value, read_topic(settings, topics.presence)), *map(_value, read_topic(settings, topics.flows))]
    return released_of_values(settings, values)


def _value(record: LogRecord) -> dict[str, object]:
    value: dict[str, object] = msgspec.json.decode(record.value or b"")
    assert record.headers == (("schema", b"1"),)
    assert (record.key or b"").decode() == f"{value['layer']}|{value.get('zone', value.get('from'))}"
    return value


def released_of_values(settings: Settings, values: Iterable[Mapping[str, object]]) -> Tallies:
    """Published records (docs/contracts.md) in the oracle's shape.

    A record names no width: it is the one whose window begins and ends there.
    """
    calendar = Calendar.of(settings.time)

    @cache
    def width_of(start: int, end: int) -> int:
        found = [width for width in calendar.widths if calendar.window_of(width, start)[1:] == (start, end)]
        assert len(found) == 1, f"{start} to {end} is a window of {len(found)} widths"
        return found[0]

    published: Tallies = {}
    for value in values:
        fields = dict(value)
        layer, start, end = str(fields.pop("layer")), int(str(fields.pop("start"))), int(str(fields.pop("end")))
        window = WindowKey(layer, width_of(start, end), start, end)
        assert fields.pop("coverage") == 1.0
        assert int(str(fields.pop("version"))) >= 0
        if "from" in fields:
            assert set(fields) == {"from", "to", "people"}
            _put(published, window, FLOWS, (str(fields["from"]), str(fields["to"])), int(str(fields["people"])))
        else:
            zone = str(fields.pop("zone"))
            add_zone(published, window, zone, {name: int(str(people)) for name, people in fields.items()})
    return published


def released_in_redis(settings: Settings) -> Tallies:
    """All windows and flows that Redis holds; live hashes and series must say the same as these windows."""
    with Redis.from_url(settings.redis.url.reveal(), decode_responses=True) as client:
        hashes = {key: client.hgetall(key) for key in client.scan_iter("foule:{*}:*", _type="hash")}
        series = {key: client.xrange(key) for key in client.scan_iter("foule:{*}:series:*", _type="stream")}
    published: Tallies = {}
    windows: dict[tuple[str, str, int], WindowKey] = {}
    flows = {key: fields for key, fields in hashes.items() if "_" not in fields}
    for key, fields in hashes.items():
        if key in flows:
            continue
        head, (layer, kind) = msgspec.json.decode(fields.pop("_")), _layer_and_rest(key)
        name = f"{head['width']}:{label_of_start(head['start'])}"
        assert kind in ("live", name)
        assert (head["coverage"], head["k"]) == (1.0, settings.privacy.k)
        window = WindowKey(layer, width_of_label(head["width"]), head["start"], head["end"])
        windows[layer, head["width"], head["start"]] = window
        for zone, text in fields.items():
            add_zone(published, window, zone, msgspec.json.decode(text))
        for pair, people in flows.get(f"foule:{{{layer}}}:flows:{name}", {}).items():
            origin, _, to = pair.partition(">")
            _put(published, window, FLOWS, (origin, to), int(people))
    for key in flows:
        layer, rest = _layer_and_rest(key)
        assert f"foule:{{{layer}}}:{rest.removeprefix('flows:')}" in hashes, f"{key} belongs to no window"
    for key, entries in series.items():
        layer, rest = _layer_and_rest(key)
        _, width, zone = rest.split(":", 2)
        for name, fields in entries:
            window = windows[layer, width, int(name.partition("-")[0])]
            add_zone(published, window, zone, {indicator: int(people) for indicator, people in fields.items()})
    return published


def _layer_and_rest(key: str) -> tuple[str, str]:
    layer, _, rest = key.removeprefix("foule:{").partition("}:")
    return layer, rest
