"""What is stored where, for how long, how it is protected, and who should have access: a row for each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from config.settings import Duration, Settings
from config.times import HOUR
from foule.report.document import Block, Heading, Paragraph, Text, code, plain, say, table
from foule.report.facts import Facts
from sinks import contract
from sinks.redis import CHANGES_LENGTH
from streams import keystore
from streams.topics import plan

_NOBODY: Final = "workers only; no person in the daily run"
_CIPHER: Final = "sealed: AES-256-GCM under a key derived from the epoch's, noise once that is destroyed"


class Place(NamedTuple):
    """One place: ``where`` it is, what it ``holds``, how long it is ``kept``, by what it is ``protected``, and who
    should have ``access``."""

    where: Text
    holds: Text
    kept: Text
    protected: Text
    access: Text


def storage(facts: Facts) -> list[Block]:
    """The section on storage."""
    head = ("Where", "What it holds", "How long", "Protected by", "Who should have access")
    parts: list[Block] = [
        Heading(2, plain("3. What is stored where, for how long, and how it is protected")),
        Paragraph(
            say(
                "Times are those of the settings in force. `foule doctor` compares them with what the broker and both "
                "Redis really have; let it run regularly and keep what it says."
            )
        ),
    ]
    for title, places in (
        ("Kafka", topics(facts)),
        ("The Redis for published numbers", published(facts)),
        ("The key store, a Redis of its own", keys(facts)),
        ("Elsewhere", elsewhere(facts)),
    ):
        parts += [Heading(3, plain(title)), table(head, places)]
    return parts


class _Topic(NamedTuple):
    """A topic's row but for its name and time. ``setting``: of its retention; None if it is not a setting."""

    setting: str | None
    holds: str
    protected: str
    access: str


def _described(settings: Settings) -> Mapping[str, _Topic]:
    """By the topic's key in the section ``topics`` of the settings."""
    letters = (
        "PERSONAL DATA: records that cannot be used, as they came, and why"
        if settings.events.rejected_payload
        else "why a record cannot be used, and its offset; not the record"
    )
    access = "the feed writes, workers read; nobody else"
    return {
        "events": _Topic(
            "events_retention",
            "PERSONAL DATA: subscriber ids, times, cells",
            "not encrypted by foule; who may read the topic (Kafka ACLs)",
            access,
        ),
        "rejected": _Topic(
            "rejected_retention",
            letters,
            "not encrypted by foule; who may read the topic (Kafka ACLs)",
            "who mends the feed, for the time of the work",
        ),
        "frontier": _Topic(None, "up to which time idle partitions go on; nothing about a device", "-", _NOBODY),
        "tallies": _Topic(
            "tallies_retention",
            "counts of each part of the feed, also below the threshold, with sums of record keys (pseudonymous); in "
            "clear: their windows, ids of keys and sizes in steps of 1,024 bytes, and decisions, which are released "
            "numbers",
            _CIPHER,
            _NOBODY,
        ),
        "checkpoints": _Topic(
            None,
            "pseudonyms, origins, visits, counts of open epochs and events that wait; in clear: open epochs, ids of "
            "keys, offsets, watermarks, counters and sizes",
            _CIPHER,
            _NOBODY,
        ),
        "presence": _Topic(
            "output_retention", "released numbers of zones", "the gate; nothing else is needed", "readers"
        ),
        "flows": _Topic("output_retention", "released numbers of flows", "the gate; nothing else is needed", "readers"),
        "indicators": _Topic(
            "output_retention",
            "released numbers of zones and trips, by origin, length of stay, category and so on",
            "the gate; nothing else is needed",
            "readers",
        ),
        "shuffled": _Topic(
            "shuffled_retention",
            "events under pseudonyms on their way to the shards; in clear: how many, and between which whole minutes",
            _CIPHER,
            _NOBODY,
        ),
        "sources": _Topic(None, "offsets, watermarks and counters, ids of keys; nothing about a device", "-", _NOBODY),
        "epochs": _Topic(None, "which keys (by id) are in force, lost or destroyed, and when; no key", "-", _NOBODY),
    }


def topics(facts: Facts) -> list[Place]:
    """A row for each topic of the settings, as the broker is told to keep it, in use or not."""
    settings = facts.settings
    planned = {topic.name: topic.config for topic in plan(settings)}
    renewed = dict.fromkeys(("checkpoints", "sources"), settings.stream.checkpoint_every)
    rows = []
    for key, about in _described(settings).items():
        name = getattr(settings.topics, key)
        kept = (
            _kept(planned[name], about.setting, renewed.get(key))
            if name in planned
            else say("not in use: {why}", why=facts.set_to("events.shuffle"))
        )
        rows.append(
            Place(
                say("topic `{name}`", name=name), plain(about.holds), kept, plain(about.protected), plain(about.access)
            )
        )
    return rows


def _kept(config: Mapping[str, str], setting: str | None, renewed: Duration | None) -> Text:
    segment = Duration(int(config["segment.ms"])).text
    if config["cleanup.policy"] == "compact":
        return say(
            "the newest of each name stays{renewed}; older ones go when Kafka compacts the log, from {segment} on",
            renewed=f" (one each {renewed.text})" if renewed else "",
            segment=segment,
        )
    kept = Duration(int(config["retention.ms"])).text
    by = say("`topics.{setting} = {kept}`", setting=setting, kept=f'"{kept}"') if setting else plain(f"{kept} (fixed)")
    return say("{by}; up to {segment} more, since Kafka deletes whole segments", by=by, segment=segment)


def published(facts: Facts) -> list[Place]:
    """A row for each pattern of keys of the contract with readers."""
    settings = facts.settings
    live = Duration(contract.LIVE_WINDOWS * min(settings.time.windows)).text
    ttl = say("{set} after its release", set=facts.set_to("redis.window_ttl"))
    series = say("{set} entries; no end of its own, delete it with its zone", set=facts.set_to("redis.series_length"))
    start = contract.window_key("LAYER", "WIDTH", 0).rpartition(":")[2]
    rows = (
        (contract.live_key("LAYER"), "released numbers of the last window, by zone", plain(f"{live}, unless renewed")),
        (contract.window_key("LAYER", "WIDTH", 0), "released numbers of a window, by zone", ttl),
        (contract.flows_key("LAYER", "WIDTH", 0), "released flows of a window", ttl),
        (contract.series_key("LAYER", "WIDTH", "ZONE"), "released numbers of a zone, window after window", series),
        (
            contract.CHANGES,
            "which windows were released, as a stream and a Pub/Sub channel",
            plain(f"about {CHANGES_LENGTH:,} entries"),
        ),
    )
    return [
        Place(
            code(key.replace(start, "START")),
            plain(holds),
            kept,
            plain("the gate; not encrypted, and need not be"),
            plain("readers; workers write"),
        )
        for key, holds, kept in rows
    ]


def longest_hours(facts: Facts) -> float:
    """How long a key that is made as its epoch begins lives at most; the day on which summer time ends has an hour
    more."""
    return facts.settings.time.epoch_days * 24 + 1 + int(facts.settings.keys.max_age) / HOUR


def keys(facts: Facts) -> list[Place]:
    """The rows of the key store."""
    label = keystore.PREFIX + "LABEL"
    place = say("`{label}` at {url}", label=label, url=code(facts.settings.keys.url))
    return [
        Place(
            place,
            plain("SECRET: the key of an open epoch, 32 random bytes"),
            say(
                "until the epoch's last window is released and no checkpoint needs it; at most {age} after the later "
                "of the epoch's end and its making, so {longest} hours or less with {days} if it is made as its epoch "
                "begins",
                age=facts.set_to("keys.max_age"),
                days=facts.set_to("time.epoch_days"),
                longest=f"{longest_hours(facts):g}",
            ),
            say(
                "memory only: workers refuse a Redis that may write to a disk, but for {accepted}",
                accepted=facts.set_to("keys.accept_risks"),
            ),
            plain("workers only; never the people who may read events or sealed topics"),
        ),
        Place(
            place,
            plain("an empty mark in the place of a destroyed key"),
            say("{age}", age=facts.set_to("keys.max_age")),
            plain("nothing: it tells that the key is gone"),
            plain("workers only"),
        ),
    ]


def elsewhere(facts: Facts) -> list[Place]:
    """Memory, logs, metrics, disks."""
    host, port = facts.settings.metrics.host, facts.settings.metrics.port
    metrics = plain("off") if not port else say("`{host}:{port}`, as Prometheus keeps them", host=host, port=port)
    return [
        Place(*row)
        for row in (
            (
                plain("memory of the workers"),
                plain(
                    "PERSONAL DATA: ids while a fetch is decoded; then pseudonyms, origins, visits, raw counts; "
                    "SECRET: keys"
                ),
                plain("until an epoch is over; keys are overwritten as far as Python can, copies of the libraries not"),
                plain("the operating system; no core dumps, no debugger of the same user; swap is for you to turn off"),
                plain("nobody; root can"),
            ),
            (
                plain("disks of the workers"),
                plain("nothing of the events: all state is in Kafka"),
                plain("-"),
                plain("-"),
                plain("-"),
            ),
            (
                say("logs of the workers ({set})", set=facts.set_to("log.level")),
                plain("partitions, keys (by label), windows and what went wrong; no id, pseudonym, key or raw count"),
                plain("as long as you keep them"),
                plain("not encrypted"),
                plain("operators"),
            ),
            (
                plain("metrics"),
                plain(
                    "lag, delays, exact numbers of records and of unpublished numbers over all; no zone and no person"
                ),
                metrics,
                plain("not encrypted, no login"),
                plain("operators; not the public, since the totals are not perturbed"),
            ),
            (
                say("`foule demo`"),
                plain("the keys of its own simulated crowd, in memory, to check its numbers; it takes no feed"),
                plain("until it ends"),
                plain("-"),
                plain("who runs the demo; never point a real feed at its broker"),
            ),
            (
                say("files that `foule batch` and `foule replay` read"),
                plain("PERSONAL DATA: recorded events"),
                plain("as long as you keep them"),
                plain("nothing of foule's"),
                plain("who runs the trial"),
            ),
            (
                say("folders that `foule batch` writes"),
                plain("numbers that passed the gate in a trial: a second version of them gives people away"),
                plain("delete them after the trial"),
                plain("marked as not for publication"),
                plain("your organisation only"),
            ),
        )
    ]
