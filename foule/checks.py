"""What ``foule doctor`` checks: each part that foule needs, whether it is fit, and what to do if it is not."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from redis import Redis, RedisError

import zones
from config.errors import FouleError, SettingsError, TopicsError
from config.settings import Secret, Settings, require_layers
from foule import dumps, retention
from foule.finding import Finding
from foule.indicator_checks import (
    check_areas,
    check_epochs,
    check_machines,
    check_origins,
    check_sampled_origins,
    check_share_areas,
    check_shares,
    check_stays,
    judge_memory,
)
from foule.keying import Keying, judge, sample
from foule.redis_client import client
from streams import topics
from streams.connection import administration
from streams.counting import require_room
from streams.keystore import RedisKeyStore

_CLOCK_TOLERANCE_MS = 2_000
_KEYED_PRODUCER = (
    "let the producer set the key of each record to the subscriber id and use Kafka's default partitioner"
    ' (in librdkafka: partitioner = "murmur2_random")'
)
_KEYED_OR_SHUFFLED = (
    f"{_KEYED_PRODUCER}; or, for a feed that cannot be keyed, set events.shuffle = true: workers then part"
    " the events by subscriber themselves"
)


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, as it is made. What needs a part that does not answer is not checked, and says so."""
    files = {"zones": check_zones, "origins": check_origins, "machines": check_machines, "market shares": check_shares}
    for part, check in files.items():
        yield from _guarded(part, check, settings)
    yield from check_epochs(settings)
    yield from check_stays(settings)
    broker = list(_guarded("broker", check_broker, settings))
    yield from broker
    if any(finding.level == "fail" for finding in broker):
        yield Finding("warn", "topics", "not checked, since the broker does not answer")
        yield Finding("warn", "keying", "not checked, since the broker does not answer")
    else:
        yield from _guarded("topics", check_topics, settings)
        yield from _guarded("keying", check_keying, settings)
    yield from check_indicators(settings)
    yield from _guarded("key store", check_key_store, settings)
    if any(finding.level == "fail" for finding in broker):
        yield Finding("warn", "retention", "of topics not checked, since the broker does not answer")
    else:
        yield from _guarded("retention", retention.check_topics, settings)
    yield from retention.check_windows(settings)
    yield from retention.check_keys(settings)
    yield from check_clock(settings)
    yield from check_swap(settings)


def check_zones(settings: Settings) -> Iterator[Finding]:
    """Loads the layers and the cell catalogue; what was repaired or counted is said."""
    require_layers(settings)
    places = zones.load(settings.zones)
    require_room(places.layers)
    sizes = ", ".join(f"{layer.name} ({len(layer.ids)} zones)" for layer in places.layers)
    yield Finding("ok", "zones", f"layers: {sizes}; {len(places.zones)} places")
    for line in places.report:
        yield Finding("ok", "zones", line)
    try:
        yield from check_areas(settings, places.layers)
        yield from check_share_areas(settings, places.layers)
    except SettingsError:
        return  # said by the check of the origins


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Kafka answers, and has as many brokers as the topics have replicas."""
    with administration(settings.kafka) as admin:
        brokers = len(admin.describe_cluster()["brokers"])
    wanted = settings.topics.replication
    if brokers < wanted:
        yield Finding(
            "fail",
            "broker",
            f"{brokers} brokers at {settings.kafka.bootstrap}, but topics.replication is {wanted}",
            f"start more brokers, or set topics.replication to at most {brokers}",
        )
    else:
        yield Finding("ok", "broker", f"Kafka answers at {settings.kafka.bootstrap}, brokers: {brokers}")


def check_topics(settings: Settings) -> Iterator[Finding]:
    """All topics are there, with the planned partitions, replicas and settings."""
    states = topics.inspect(settings)
    problems = topics.problems_of(states, settings)
    for problem in problems:
        text, _, advice = problem.partition(": ")
        yield Finding("fail", "topics", text, advice)
    if problems:
        return
    yield Finding("ok", "topics", f"all {len(states)} are there, as planned")
    if not any(state.config for state in states):
        yield Finding(
            "warn",
            "topics",
            "the broker does not tell the settings of topics, so retention and compaction are not checked",
            "allow the user of kafka.username to describe the configs of topics",
        )


def check_keying(settings: Settings) -> Iterator[Finding]:
    """A sample of events: each subscriber in one partition, the one that Kafka's partitioner gives the key."""
    try:
        records, partitions = sample(settings)
    except TopicsError as error:
        yield Finding("warn", "keying", f"not checked: {error}")
        return
    if not records:
        yield Finding(
            "warn",
            "keying",
            f"topic {settings.topics.events} holds no records, so keying is not checked",
            "run this again when events flow",
        )
        return
    yield from judge_keying(judge(records, partitions, settings.events.subscriber), settings)
    yield from _guarded("origins", partial(check_sampled_origins, records), settings)


def judge_keying(keying: Keying, settings: Settings) -> Iterator[Finding]:
    """What a sample's numbers mean: unless the feed is shuffled, counts are sums over partitions, so keying decides."""
    size = f"of {keying.records} sampled records"
    problems = list(_keying_problems(keying, size))
    shown = f"{keying.records} records of {keying.subscribers} subscribers sampled"
    if settings.events.shuffle:
        rest = "any partition will do" if problems else "but the feed is keyed: events.shuffle = false would cost less"
        yield Finding("ok", "keying", f"{shown}: events.shuffle is on, {rest}")
    elif problems:
        yield from problems
    else:
        yield Finding("ok", "keying", f"{shown}: each subscriber is in one partition, as its key decides")
    if keying.unreadable:
        yield Finding(
            "warn",
            "keying",
            f"{keying.unreadable} {size} have no readable subscriber and would be rejected",
            f"check events.subscriber (now {settings.events.subscriber!r}) and the reasons in the headers of"
            f" {settings.topics.rejected}",
        )
    ahead = keying.newest - now_ms()
    if ahead > int(settings.events.max_skew):
        yield Finding(
            "warn",
            "keying",
            f"the newest Kafka timestamp is {ahead / 1000:.0f} s ahead of this machine's clock",
            "check the clocks of the producers and of this machine",
        )


def _keying_problems(keying: Keying, size: str) -> Iterator[Finding]:
    advice = _KEYED_OR_SHUFFLED
    if keying.without_key:
        yield Finding("fail", "keying", f"{keying.without_key} {size} have no key", advice)
    if keying.scattered:
        text = f"{keying.scattered} of {keying.subscribers} subscribers are in more than one partition"
        yield Finding("fail", "keying", f"{text} and would be counted more than once", advice)
    elif keying.several_keys:
        text = f"{keying.several_keys} of {keying.subscribers} subscribers have records with different keys"
        yield Finding("fail", "keying", f"{text}, which may part them over partitions", advice)
    if keying.elsewhere:
        text = f"{keying.elsewhere} {size} are not in the partition that Kafka's default partitioner gives"
        yield Finding(
            "warn", "keying", f"{text} their key: batch and replay would part them otherwise", _KEYED_PRODUCER
        )


def check_indicators(settings: Settings) -> Iterator[Finding]:
    """The Redis for released numbers answers and runs scripts."""
    try:
        with client(settings.redis.url) as redis:
            release = redis.info("server").get("redis_version", "of unknown version")
            redis.eval("return 1", 0)
            yield from judge_memory(redis.info("memory"), settings)
            if _same_server(redis, settings):
                yield Finding(
                    "fail",
                    "indicators Redis",
                    "the key store (keys.url) is the same server",
                    "give the keys a Redis of their own, without persistence, that readers cannot reach",
                )
    except (RedisError, ValueError) as error:  # ValueError: no address that the client understands
        yield Finding(
            "fail",
            "indicators Redis",
            f"{settings.redis.url} cannot be used: {type(error).__name__}",
            "start it, or set redis.url to where it is; its user must be allowed INFO and EVAL",
        )
    else:
        yield Finding("ok", "indicators Redis", f"{settings.redis.url} answers ({release}) and runs scripts")


def check_key_store(settings: Settings) -> Iterator[Finding]:
    """The key store answers and keeps its keys in memory only, but for the risks that are accepted by name: a destroyed
    key must not be on a disk."""
    store = RedisKeyStore(settings.keys)
    try:
        ways = store.persistence()
    finally:
        store.close()
    for way in ways:
        text = f"{settings.keys.url} {way.text}"
        if way.risk in settings.keys.accept_risks:
            yield Finding("warn", "key store", f"{text}: accepted (keys.accept_risks), and not safe")
        else:
            yield Finding("fail", "key store", text, way.remedy)
    if not ways:
        yield Finding("ok", "key store", f"{settings.keys.url} answers and keeps keys in memory only")


def check_clock(settings: Settings) -> Iterator[Finding]:
    """This machine's clock agrees with those of both Redis, as far as they answer."""
    compared = []
    for name, url in (("indicators Redis", settings.redis.url), ("key store", settings.keys.url)):
        try:
            offset, uncertainty = _clock_offset(url)
        except (RedisError, ValueError):
            continue
        compared.append(name)
        if abs(offset) > _CLOCK_TOLERANCE_MS + uncertainty:
            way = "behind" if offset > 0 else "ahead of"
            yield Finding(
                "warn",
                "clock",
                f"this machine's clock is {abs(offset) / 1000:.1f} s {way} that of the {name}",
                "synchronise both with NTP",
            )
            return
    if compared:
        yield Finding("ok", "clock", f"agrees with: {', '.join(compared)}")
    else:
        yield Finding("warn", "clock", "not checked, since no Redis answers")


def check_swap(settings: Settings) -> Iterator[Finding]:
    """This machine's swap is off: it would write a worker's memory, with ids and keys, to a disk."""
    areas = dumps.swaps()
    if areas is None:
        yield Finding("warn", "swap", "not checked, since this machine has no /proc/swaps")
    elif areas:
        yield Finding(
            "warn",
            "swap",
            f"swap is on ({areas} areas): what workers hold in memory, ids and keys, may be written to a disk",
            "turn it off (swapoff -a) where workers and the key store run, or encrypt it under a key that is not kept",
        )
    else:
        yield Finding("ok", "swap", "off on this machine")


def _guarded(part: str, check: Check, settings: Settings) -> Iterator[Finding]:
    """A check whose error is a finding, so that the others still run."""
    try:
        yield from check(settings)
    except FouleError as error:
        for line in str(error).splitlines():
            yield Finding("fail", part, line)


def _same_server(redis: Redis, settings: Settings) -> bool:
    try:
        with client(settings.keys.url) as keys:
            other = keys.info("server").get("run_id")
    except (RedisError, ValueError):
        return False  # said by the check of the key store
    return other is not None and other == redis.info("server").get("run_id")


def _clock_offset(url: Secret) -> tuple[int, int]:
    """How far the server's clock is ahead of this one's, ms, and the uncertainty of that, ms."""
    with client(url) as redis:
        redis.ping()  # connects, so that the question alone is timed
        asked = now_ms()
        seconds, microseconds = redis.time()
        answered = now_ms()
    there = seconds * 1000 + microseconds // 1000
    return there - (asked + answered) // 2, (answered - asked) // 2


def now_ms() -> int:
    """This machine's clock, ms since the epoch."""
    return time.time_ns() // 1_000_000
