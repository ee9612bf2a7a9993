"""What must hold between settings: each broken rule names its keys and what is expected."""

from collections.abc import Iterator
from datetime import time
from typing import NamedTuple

from config.sections import (
    EventsSettings,
    IndicatorsSettings,
    KafkaSettings,
    ReplaySettings,
    Settings,
    StreamSettings,
    TimeSettings,
    TopicsSettings,
    ZonesSettings,
)
from config.times import DAY, MINUTE, Duration


class Broken(NamedTuple):
    """A rule that does not hold; the first key is the one to change."""

    keys: tuple[str, ...]
    expected: str


def broken(settings: Settings) -> Iterator[Broken]:
    """Every rule between settings that does not hold, in the order of the sections."""
    yield from _kafka(settings.kafka)
    yield from _stream(settings.stream, settings.kafka)
    yield from _topics(settings.topics)
    yield from _events(settings.events)
    yield from _zones(settings.zones)
    yield from _indicators(settings.indicators, settings.time)
    yield from _replay(settings.replay)


def _kafka(kafka: KafkaSettings) -> Iterator[Broken]:
    if kafka.security_protocol.startswith("SASL"):
        for key, value in (("username", kafka.username), ("password", kafka.password)):
            if not value:
                keys = (f"kafka.{key}", "kafka.security_protocol")
                yield Broken(keys, f"a {key}, since security_protocol is {kafka.security_protocol}")
    if kafka.ca_file is not None and not kafka.security_protocol.endswith("SSL"):
        yield Broken(
            ("kafka.ca_file", "kafka.security_protocol"),
            f"no file, since security_protocol is {kafka.security_protocol} (SSL and SASL_SSL use one)",
        )


def _stream(stream: StreamSettings, kafka: KafkaSettings) -> Iterator[Broken]:
    if stream.max_wait <= kafka.session_timeout:
        yield Broken(
            ("stream.max_wait", "kafka.session_timeout"),
            f"longer than kafka.session_timeout ({kafka.session_timeout.text}):"
            " the partitions of a dead worker do not move before",
        )


def _topics(topics: TopicsSettings) -> Iterator[Broken]:
    topic_fields = [name for name in topics.__struct_fields__ if not name.endswith("_retention")]
    names = [name for name in topic_fields if name not in ("partitions", "replication")]
    yield from _different("topics", {name: getattr(topics, name) for name in names}, "topic")


def _events(events: EventsSettings) -> Iterator[Broken]:
    names = ("ts", "subscriber", "cell", "lat", "lon", "mcc", "home", "rat", "tac")
    yield from _different("events", {name: getattr(events, name) for name in names}, "field name")
    if events.not_before is not None and events.not_after is not None and events.not_after <= events.not_before:
        yield Broken(
            ("events.not_after", "events.not_before"),
            f"an instant after events.not_before ({events.not_before.text})",
        )


def _different(section: str, values: dict[str, str], what: str) -> Iterator[Broken]:
    first: dict[str, str] = {}
    for name, value in values.items():
        other = first.setdefault(value, name)
        if other != name:
            yield Broken((f"{section}.{name}", f"{section}.{other}"), f"another {what} than that of {section}.{other}")


def _zones(zones: ZonesSettings) -> Iterator[Broken]:
    first: dict[str, int] = {}
    for index, layer in enumerate(zones.layers):
        here = f"zones.layers[{index}]"
        other = first.setdefault(layer.name, index)
        if other != index:
            keys = (f"{here}.name", f"zones.layers[{other}].name")
            yield Broken(keys, f"another name than that of zones.layers[{other}]")
        if layer.file is None and layer.column is None:
            yield Broken(
                (f"{here}.file", f"{here}.column"),
                "a GeoJSON file, or instead a column of the cell catalogue",
            )
        if layer.file is not None and layer.column is not None:
            yield Broken((f"{here}.column", f"{here}.file"), "no column, since the layer has a file")
        if layer.column is not None and zones.cells is None:
            yield Broken(
                ("zones.cells", f"{here}.column"),
                f"the file of the cell catalogue, since {here} is made from its column",
            )
    yield from _parents(zones)


def _parents(zones: ZonesSettings) -> Iterator[Broken]:
    """A parent is another layer, and no layer is above itself."""
    named = {layer.name: layer for layer in zones.layers}
    names = tuple(f"zones.layers[{index}].name" for index in range(len(zones.layers)))
    told: set[str] = set()
    for index, layer in enumerate(zones.layers):
        if layer.parent is None:
            continue
        keys = (f"zones.layers[{index}].parent", *names)
        if layer.parent == layer.name or layer.parent not in named:
            others = ", ".join(f'"{name}"' for name in named if name != layer.name)
            yield Broken(keys, f"the name of another layer ({others})" if others else "none: there is no other layer")
            continue
        chain = [layer.name]
        while (above := named[chain[-1]].parent) in named and above not in chain:
            chain.append(above)
        if above == layer.name and layer.name not in told:
            told.update(chain)
            yield Broken(keys, f"no circle of parents ({' in '.join([*chain, layer.name])})")


#: Indicators of local days, and those of them that only an epoch of several days has.
DAILY = ("nights", "categories", "catchment", "trips", "occupancy", "recurrence", "sojourns", "usual")
#: Those that ask where somebody spent the night.
BY_NIGHT = ("nights", "categories", "sojourns", "usual")
SEVERAL_DAYS = ("recurrence", "sojourns", "usual")


def _indicators(indicators: IndicatorsSettings, clock: TimeSettings) -> Iterator[Broken]:
    """Widths are counted, daily indicators have a window of a day, and the night lies in one local day."""
    for name in ("dwell", "origins"):
        missing = [width.text for width in getattr(indicators, name) if width not in clock.windows]
        if missing:
            yield Broken((f"indicators.{name}", "time.windows"), f"widths of time.windows, unlike {', '.join(missing)}")
    for name in DAILY:
        if getattr(indicators, name) and DAY not in clock.windows:
            yield Broken((f"indicators.{name}", "time.windows"), 'false, since time.windows has no "1d"')
    for name in SEVERAL_DAYS:
        if getattr(indicators, name) and clock.epoch_days == 1:
            yield Broken((f"indicators.{name}", "time.epoch_days"), "false, since an epoch has one day only")
    if indicators.occupancy and min(clock.windows) >= DAY:
        yield Broken(("indicators.occupancy", "time.windows"), 'false, since no width of time.windows is below "1d"')
    if not any(getattr(indicators, name) for name in BY_NIGHT):
        return
    begin, end = (_since(clock.day_start, text) for text in (indicators.night_from, indicators.night_until))
    # a night that ends with the day ends at its last minute; equal times are a whole day
    if indicators.night_from == indicators.night_until or begin >= (end or _DAY_MINUTES):
        keys = ("indicators.night_from", "indicators.night_until", "time.day_start")
        yield Broken(keys, _night(indicators.night_from, indicators.night_until, clock.day_start))


_DAY_MINUTES = 24 * 60


def _night(begin: str, end: str, day_start: str) -> str:
    """What is expected of a night that does not lie in one local day, with the times in force and a way out."""
    another = f"such as {day_start} to {_later(day_start, 6 * 60)}"
    if begin == end:
        found = f"from {begin} to {end} is a whole day; set a night {another}"
    else:
        found = (
            f"the night of {begin} to {end} does not lie in a day that begins at {day_start};"
            f' set time.day_start to "{end}", or a night {another}'
        )
    return f"a time before indicators.night_until, both in one local day: {found}"


def night_length(indicators: IndicatorsSettings) -> Duration:
    """From night_from to night_until, on days on which the clock does not change."""
    return Duration(_since(indicators.night_from, indicators.night_until) * MINUTE)


def _later(text: str, minutes: int) -> str:
    """The time of the day so many minutes after another."""
    at = (_since("00:00", text) + minutes) % _DAY_MINUTES
    return f"{at // 60:02}:{at % 60:02}"


def _since(day_start: str, text: str) -> int:
    """Minutes from the beginning of a local day to a time of the day."""
    begin, at = time.fromisoformat(day_start), time.fromisoformat(text)
    return (at.hour * 60 + at.minute - begin.hour * 60 - begin.minute) % _DAY_MINUTES


def _replay(replay: ReplaySettings) -> Iterator[Broken]:
    for one, other in (("lat", "lon"), ("lon", "lat")):
        if getattr(replay, one) is None and getattr(replay, other) is not None:
            yield Broken((f"replay.{one}", f"replay.{other}"), f"a column, since replay.{other} has one")
    if replay.cell is None and replay.lat is None and replay.lon is None:
        yield Broken(
            ("replay.cell", "replay.lat", "replay.lon"),
            "a column, or else columns in replay.lat and replay.lon",
        )
