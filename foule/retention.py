"""How long things stay: what Kafka and both Redis really have against what the settings say.

What is longer than set fails where it is personal data or a key, and is a warning where it is released numbers. The
topics that foule makes itself are compared whole by the check of the topics.
"""

from collections.abc import Iterator
from typing import Any, cast

from redis import Redis, RedisError

from config.errors import KeyStoreError, TopicsError
from config.settings import Settings
from config.times import DAY, HOUR, MINUTE, Duration
from foule.finding import Finding
from foule.keying import sample
from foule.redis_client import client
from sinks.contract import CHANGES, LIVE_WINDOWS
from sinks.redis import CHANGES_LENGTH
from streams import topics
from streams.keystore import RedisKeyStore
from streams.topics import TopicState

_PART = "retention"
_SAMPLED = 2_000
_SCANS = 1_000  # of a thousand keys each, in a Redis that holds others' keys, too
_TRIMMED_AT = 1_000  # entries; Redis trims a stream about, a node at a time
_FOR_GOOD = -1


def check_topics(settings: Settings) -> Iterator[Finding]:
    """The topic of events, which others may have made, and the dead letters keep what the settings say, as long."""
    states = {state.plan.name: state for state in topics.inspect(settings) if state.exists and state.config}
    events = states.get(settings.topics.events)
    differences = [] if events is None else list(_events_differences(events))
    yield from differences
    kept = [(name, int(state.config["retention.ms"])) for name, state in states.items() if _is_deleted(state)]
    if kept and not differences:
        yield Finding("ok", _PART, f"topics keep records for: {', '.join(f'{name} {_text(ms)}' for name, ms in kept)}")
    yield from _dead_letters(settings)


def _is_deleted(state: TopicState) -> bool:
    return "delete" in state.config.get("cleanup.policy", "") and "retention.ms" in state.config


def _events_differences(events: TopicState) -> Iterator[Finding]:
    name, there, planned = events.plan.name, events.config, events.plan.config
    alter = f"kafka-configs --alter --entity-type topics --entity-name {name} --add-config"
    wanted = int(planned["retention.ms"])
    kept = int(there.get("retention.ms", wanted))
    text = f"topic {name} keeps events for {_text(kept)}, expected topics.events_retention = {_text(wanted)}"
    if kept == _FOR_GOOD or kept > wanted:
        rather = "" if kept == _FOR_GOOD else f', or set topics.events_retention = "{_text(kept)}" to say so'
        yield Finding("fail", _PART, text, f"shorten it with {alter} retention.ms={wanted}{rather}")
    elif kept < wanted:
        advice = f'lengthen it with {alter} retention.ms={wanted}, or set topics.events_retention = "{_text(kept)}"'
        yield Finding("warn", _PART, text, advice)
    segment = int(there.get("segment.ms", planned["segment.ms"]))
    if segment > int(planned["segment.ms"]):
        yield Finding(
            "warn",
            _PART,
            f"topic {name} closes a segment after {_text(segment)}, expected {_text(int(planned['segment.ms']))}: only "
            "closed ones are deleted, so events may stay so much longer",
            f"change it with {alter} segment.ms={planned['segment.ms']}",
        )


def _dead_letters(settings: Settings) -> Iterator[Finding]:
    """Dead letters hold only reasons if that is set, as far as a sample of the newest tells."""
    if settings.events.rejected_payload:
        return
    topic = settings.topics.rejected
    try:
        letters, _ = sample(settings, topic)
    except TopicsError:
        return  # said by the check of the topics
    whole = sum(letter.value is not None for letter in letters)
    if whole:
        yield Finding(
            "fail",
            _PART,
            f"{whole} of {len(letters)} sampled dead letters in {topic} hold the original record, expected none: "
            "events.rejected_payload is false",
            "restart workers that still run under other settings; what is there goes after topics.rejected_retention "
            f"({settings.topics.rejected_retention.text}), or at once with kafka-delete-records",
        )
    else:
        yield Finding("ok", _PART, f"{len(letters)} sampled dead letters in {topic} hold no original record")


def check_windows(settings: Settings) -> Iterator[Finding]:
    """Windows in the Redis for numbers vanish, and its streams are cut, as the settings say, in a sample."""
    try:
        with client(settings.redis.url) as redis:
            yield from _windows(redis, settings)
    except (RedisError, ValueError) as error:
        problem = f"{settings.redis.url}: windows are not checked: {type(error).__name__}"
        yield Finding("warn", _PART, problem, "let its user run SCAN, PTTL and XLEN")


def _windows(redis: Redis, settings: Settings) -> Iterator[Finding]:
    place, windows = settings.redis.url, {"live": int(min(settings.time.windows)) * LIVE_WINDOWS}
    names = _some_names(redis)
    kinds = [_kind(name) for name in names]
    with redis.pipeline(transaction=False) as pipeline:
        for name, kind in zip(names, kinds, strict=True):
            pipeline.xlen(name) if kind == "series" else pipeline.pttl(name)
        pipeline.xlen(CHANGES)
        *found, changes = [int(answer) for answer in pipeline.execute()]
    findings = []
    for kind, setting, most in (
        ("live", "three of the shortest windows", windows["live"]),
        ("windows", "redis.window_ttl", int(settings.redis.window_ttl)),
    ):
        left = [ms for ms, its in zip(found, kinds, strict=True) if its == kind]
        findings += list(_lifetimes(f"{place}: of {len(left)} sampled keys of {kind}", left, setting, most))
    longest = max((length for length, kind in zip(found, kinds, strict=True) if kind == "series"), default=0)
    for what, length, setting, most in (
        ("a series", longest, "redis.series_length", settings.redis.series_length),
        (f"the stream {CHANGES}", changes, "about", CHANGES_LENGTH),
    ):
        if length > most + (_TRIMMED_AT if what.endswith(CHANGES) else 0):
            advice = "it is cut when the next window comes; delete it (DEL) if none will"
            text = f"{place}: {what} holds {length} entries, expected {setting} {most} at most"
            findings.append(Finding("warn", _PART, text, advice))
    yield from findings
    if not findings:
        yield Finding("ok", _PART, f"{place}: {len(names)} sampled keys of windows and series live as they should")


def _lifetimes(what: str, left: list[int], setting: str, most: int) -> Iterator[Finding]:
    unending = left.count(_FOR_GOOD)
    if unending:
        advice = "did another program write them? delete them, or give them a time to live (PEXPIRE)"
        yield Finding("warn", _PART, f"{what} {unending} have no time to live, expected {_text(most)} at most", advice)
    longest = max(left, default=0)
    if longest > most:
        text = f"{what} one stays for {_text(longest)}, expected {setting} ({_text(most)}) at most"
        yield Finding("warn", _PART, text, "they were written under other settings: let them run out, or delete them")


def _some_names(redis: Redis) -> list[bytes]:
    names: list[bytes] = []
    cursor: Any = 0
    for _ in range(_SCANS):
        cursor, some = redis.scan(cursor, match="foule:{*}:*", count=1_000)
        names += cast(list[bytes], some)
        if cursor == 0 or len(names) >= _SAMPLED:
            break
    return names[:_SAMPLED]


def _kind(name: bytes) -> str:
    rest = name.partition(b"}:")[2]
    return "live" if rest == b"live" else "series" if rest.startswith(b"series:") else "windows"


def check_keys(settings: Settings) -> Iterator[Finding]:
    """Every key in the key store goes by itself, at the latest ``keys.max_age`` after its epoch."""
    place = settings.keys.url
    store = RedisKeyStore(settings.keys)
    try:
        left = store.times_to_live()
    except KeyStoreError:
        advice = "let its user run SCAN and PTTL on foule:key:*"
        yield Finding("warn", _PART, f"{place}: the times to live of the keys are not checked", advice)
        return
    finally:
        store.close()
    # a day of the summer time's end has an hour more
    most = settings.time.epoch_days * DAY + HOUR + int(settings.keys.max_age) + int(settings.events.max_skew)
    advice = "who else writes there? delete them once their epochs are over (DEL), and let foule write there alone"
    wrong = False
    if unending := left.count(None):
        wrong = True
        text = f"{place}: {unending} of {len(left)} keys have no time to live, expected {_text(most)} at most"
        yield Finding("fail", _PART, text, advice)
    longest = max((ms for ms in left if ms is not None), default=0)
    if longest > most:
        wrong = True
        text = (
            f"{place}: a key stays for {_text(longest)}, expected {_text(most)} at most: its epoch (time.epoch_days) "
            "and keys.max_age"
        )
        yield Finding("fail", _PART, text, advice)
    if not wrong:
        yield Finding("ok", _PART, f"{place}: {len(left)} keys and tombstones, each goes by itself in time")


def _text(milliseconds: int) -> str:
    """As settings write it where that is short."""
    if milliseconds == _FOR_GOOD:
        return "ever"
    return f"{milliseconds / HOUR:.1f} hours" if milliseconds % MINUTE else Duration(milliseconds).text
