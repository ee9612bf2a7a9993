"""The settings tree: one frozen struct for each section, with its defaults and what each value may be."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct

from config.checks import (
    BROKERS,
    CHARACTER,
    CLOCK,
    EDGES,
    INSTANCE,
    LAYER,
    NETWORK_COUNTRIES,
    NETWORKS,
    REDIS,
    RISKS,
    TEMPLATE,
    TEXT,
    TIME_FORMAT,
    TOPIC,
    WIDTHS,
    WINDOWS,
    ZONE,
    at_least,
    share,
    whole,
)
from config.secret import Secret
from config.times import DAY, HOUR, MINUTE, SECOND, Duration, Instant

Field = Annotated[str, TEXT]
Topic = Annotated[str, TOPIC]
Template = Annotated[str, TEMPLATE]
MaybeTemplate = Annotated[str | None, TEMPLATE]
Delimiter = Annotated[str, CHARACTER]
Length = Annotated[Duration, at_least(0)]
Interval = Annotated[Duration, at_least(100)]
Retention = Annotated[Duration, at_least(MINUTE)]


class KafkaSettings(Struct, frozen=True, kw_only=True):
    """How to reach Kafka."""

    bootstrap: Annotated[str, BROKERS] = "127.0.0.1:9092"
    group: Field = "foule"
    instance: Annotated[str | None, INSTANCE] = None
    session_timeout: Annotated[Duration, at_least(6 * SECOND)] = Duration(10 * SECOND)
    rebalance_timeout: Annotated[Duration, at_least(SECOND)] = Duration(30 * SECOND)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str = ""
    password: Secret = Secret("")
    ca_file: Path | None = None


class TopicsSettings(Struct, frozen=True, kw_only=True):
    """Names, sizes and retention of the topics; retentions in ms."""

    partitions: Annotated[int, whole(1, 10_000)] = 4
    replication: Annotated[int, whole(1, 100)] = 1
    events: Topic = "events"
    rejected: Topic = "foule.rejected"
    frontier: Topic = "foule.frontier"
    tallies: Topic = "foule.tallies"
    checkpoints: Topic = "foule.checkpoints"
    presence: Topic = "foule.presence"
    flows: Topic = "foule.flows"
    indicators: Topic = "foule.indicators"
    shuffled: Topic = "foule.shuffled"
    sources: Topic = "foule.sources"
    epochs: Topic = "foule.epochs"
    events_retention: Retention = Duration(DAY)
    rejected_retention: Retention = Duration(DAY)
    tallies_retention: Retention = Duration(7 * DAY)
    output_retention: Retention = Duration(7 * DAY)
    shuffled_retention: Retention = Duration(HOUR)


class EventsSettings(Struct, frozen=True, kw_only=True):
    """Names of the JSON fields of an event, the bounds of its time (ms since the epoch), which SIMs are machines', and
    whether the feed is to be shuffled, since it is not keyed by subscriber.

    ``machine_tacs``: a file with a type allocation code (8 digits) a line; ``machine_networks``: MCC and MNC, with
    which a subscriber's IMSI begins.
    """

    ts: Field = "ts"
    subscriber: Field = "subscriber"
    cell: Field = "cell"
    lat: Field = "lat"
    lon: Field = "lon"
    mcc: Field = "mcc"
    home: Field = "home"
    rat: Field = "rat"
    tac: Field = "tac"
    machine_tacs: Path | None = None
    machine_networks: Annotated[tuple[str, ...], NETWORKS] = ()
    max_skew: Length = Duration(5 * MINUTE)
    not_before: Instant | None = None
    not_after: Instant | None = None
    rejected_payload: bool = True
    shuffle: bool = False


class TimeSettings(Struct, frozen=True, kw_only=True):
    """Days, epochs, windows, and how long to wait for what is late; durations in ms."""

    zone: Annotated[str, ZONE] = "Europe/Paris"
    day_start: Annotated[str, CLOCK] = "04:00"
    lateness: Length = Duration(2 * MINUTE)
    linger: Annotated[Duration, at_least(SECOND)] = Duration(30 * MINUTE)
    windows: Annotated[
        tuple[Duration, ...],
        WINDOWS,
    ] = (Duration(5 * MINUTE), Duration(HOUR), Duration(DAY))
    epoch_days: Annotated[int, whole(1, 62)] = 1
    epoch_start: date = date(2014, 1, 1)


class LayerSettings(Struct, frozen=True, kw_only=True):
    """One layer of zones: areas from a GeoJSON file, or the values of a column of the cell catalogue; ``parent`` is the
    name of the layer whose zones hold its own."""

    name: Annotated[str, LAYER]
    file: Path | None = None
    id: Field = "id"
    title: Field = "name"
    column: MaybeTemplate = None
    parent: Annotated[str | None, LAYER] = None


class ZonesSettings(Struct, frozen=True, kw_only=True):
    """The cell catalogue (a CSV) and the layers of zones; zones that differ by fewer cells than ``min_difference`` are
    refused, but for equal ones."""

    cells: Path | None = None
    cell: Template = "cell"
    lat: Template = "lat"
    lon: Template = "lon"
    delimiter: Delimiter = ","
    min_difference: Annotated[int, whole(0, 1_000)] = 3
    layers: tuple[LayerSettings, ...] = ()


class PrivacySettings(Struct, frozen=True, kw_only=True):
    """No number of fewer than ``k`` devices is published, and each is up to ``noise`` too large or too small."""

    k: Annotated[int, whole(10, 1_000_000)] = 20
    noise: Annotated[int, whole(1, 1_000)] = 5


class OriginsSettings(Struct, frozen=True, kw_only=True):
    """From where devices are: ``home_mcc``, the MCC of SIMs that are not foreign; ``areas``, a CSV (code, name) of the
    home areas that are told apart, by default the departements of France."""

    home_mcc: Annotated[tuple[str, ...], NETWORK_COUNTRIES] = ("208",)
    areas: Path | None = None


class IndicatorsSettings(Struct, frozen=True, kw_only=True):
    """Which indicators are published besides presence and flows, and the rules by which they are counted.

    ``dwell`` and ``origins`` are the widths of the windows in which they are; the others are of local days. Durations
    in ms.
    """

    dwell: Annotated[tuple[Duration, ...], WIDTHS] = ()
    dwell_edges: Annotated[tuple[Duration, ...], EDGES] = tuple(
        Duration(minutes * MINUTE) for minutes in (15, 30, 60, 120, 240, 480)
    )
    origins: Annotated[tuple[Duration, ...], WIDTHS] = ()
    nights: bool = False
    night_from: Annotated[str, CLOCK] = "20:00"
    night_until: Annotated[str, CLOCK] = "04:00"
    night_stay: Annotated[Duration, at_least(MINUTE)] = Duration(HOUR)
    categories: bool = False
    visit_stay: Annotated[Duration, at_least(MINUTE)] = Duration(2 * HOUR)
    habitual_days: Annotated[int, whole(1, 61)] = 4
    catchment: bool = False
    trips: bool = False
    trip_stay: Length = Duration(20 * MINUTE)
    occupancy: bool = False
    recurrence: bool = False
    sojourns: bool = False
    usual: bool = False
    usual_nights: Annotated[int, whole(1, 62)] = 3


class PeopleSettings(Struct, frozen=True, kw_only=True):
    """From devices to people: ``shares``, a CSV (area, origin, share) of the operator's market shares; without it
    nothing is extrapolated. ``confidence``: the probability with which an interval is to hold the true number."""

    shares: Path | None = None
    confidence: Annotated[float, share(0.5, 0.999)] = 0.95


class StreamSettings(Struct, frozen=True, kw_only=True):
    """The pace of the worker; durations in ms."""

    idle_after: Interval = Duration(30 * SECOND)
    max_wait: Interval = Duration(5 * MINUTE)
    seal_every: Interval = Duration(5 * SECOND)
    checkpoint_every: Interval = Duration(30 * SECOND)


class RedisSettings(Struct, frozen=True, kw_only=True):
    """The Redis that serves the released numbers."""

    url: Annotated[Secret, REDIS] = Secret("redis://127.0.0.1:6379/0")
    window_ttl: Annotated[Duration, at_least(MINUTE)] = Duration(7 * DAY)
    series_length: Annotated[int, whole(1, 1_000_000)] = 2016


class KeysSettings(Struct, frozen=True, kw_only=True):
    """The Redis, without persistence, for the keys of epochs; the ways in which it may write to disk all the same."""

    url: Annotated[Secret, REDIS] = Secret("redis://127.0.0.1:6380/0")
    max_age: Annotated[Duration, at_least(MINUTE)] = Duration(12 * HOUR)
    lost_after: Annotated[Duration, at_least(SECOND)] = Duration(2 * MINUTE)
    accept_risks: Annotated[tuple[str, ...], RISKS] = ()


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """Where Prometheus reads; port 0 is off."""

    host: Field = "127.0.0.1"
    port: Annotated[int, whole(0, 65_535)] = 9464


class ReplaySettings(Struct, frozen=True, kw_only=True):
    """Columns (or templates of columns) of a recorded file, and how its times are written."""

    ts: Template = "ts"
    subscriber: Template = "subscriber"
    cell: MaybeTemplate = "cell"
    lat: MaybeTemplate = None
    lon: MaybeTemplate = None
    mcc: MaybeTemplate = None
    home: MaybeTemplate = None
    rat: MaybeTemplate = None
    tac: MaybeTemplate = None
    time_format: Annotated[
        str,
        TIME_FORMAT,
    ] = "ms"
    time_zone: Annotated[str, ZONE] = "UTC"
    delimiter: Delimiter = ","


class LogSettings(Struct, frozen=True, kw_only=True):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, frozen=True, kw_only=True):
    """All settings of foule; made by :func:`config.settings.load`."""

    kafka: KafkaSettings = KafkaSettings()
    topics: TopicsSettings = TopicsSettings()
    events: EventsSettings = EventsSettings()
    time: TimeSettings = TimeSettings()
    zones: ZonesSettings = ZonesSettings()
    privacy: PrivacySettings = PrivacySettings()
    origins: OriginsSettings = OriginsSettings()
    indicators: IndicatorsSettings = IndicatorsSettings()
    people: PeopleSettings = PeopleSettings()
    stream: StreamSettings = StreamSettings()
    redis: RedisSettings = RedisSettings()
    keys: KeysSettings = KeysSettings()
    metrics: MetricsSettings = MetricsSettings()
    replay: ReplaySettings = ReplaySettings()
    log: LogSettings = LogSettings()
