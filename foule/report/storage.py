"""What is stored where, for how long, how it is protected, and who should have access: a row for each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from config.settings import Duration
from foule.report.document import Block, Heading, Paragraph, Text, code, plain, say, table
from foule.report.elsewhere import elsewhere
from foule.report.facts import Facts
from foule.report.place import Place, pseudonymous
from foule.several_days import key_hours
from indicators.cells import PARTED
from indicators.definitions import DEFINITIONS
from sinks import contract
from sinks.contract import TRIPS
from sinks.redis import CHANGES_LENGTH
from streams import keystore
from streams.topics import plan

_NOBODY: Final = "workers only; no person in the daily run"
_CIPHER: Final = "sealed: AES-256-GCM under a key derived from the epoch's, noise once that is destroyed"


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


def _described(facts: Facts) -> Mapping[str, _Topic]:
    """By the topic's key in the section ``topics`` of the settings."""
    settings = facts.settings
    letters = (
        "PERSONAL DATA: records that cannot be used, as they came, and why; none of machines"
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
            f"{'; '.join(pseudonymous(facts))}; counts of open windows; events that wait; in clear: open epochs, "
            "ids of keys, offsets, watermarks, counters and sizes",
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
            f"events under pseudonyms{', with origins' * facts.plan.needs_origins}, on their way to the shards; in "
            "clear: how many, and between which whole minutes",
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
    for key, about in _described(facts).items():
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
        (contract.indicator_key("LAYER", "INDICATOR", "WIDTH", 0), _parted(facts), ttl),
        (contract.occupancy_key("LAYER", 0), _occupancy(facts), ttl),
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


def _parted(facts: Facts) -> str:
    """What is in the hashes of indicators."""
    told = [one.name for one in DEFINITIONS if one.name in (*PARTED, TRIPS) and one.is_on(facts.settings)]
    names = f"INDICATOR is one of {', '.join(told)}" if told else "none is on"
    estimates = ", with estimates of people that follow from them" * (facts.settings.people.shares is not None)
    return f"released numbers of a window by origin, length of stay and so on, and trips{estimates}; {names}"


def _occupancy(facts: Facts) -> str:
    on = "" if facts.settings.indicators.occupancy else "; not in use: indicators.occupancy is off"
    return f"peak, mean and turnover of a day's released numbers, by zone{on}"


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
                longest=f"{key_hours(facts.settings):g}",
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
