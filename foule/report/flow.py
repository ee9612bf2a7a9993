"""What foule is for, what personal data comes in, which way it takes, and who can see it."""

from __future__ import annotations

from foule.report.document import (
    Block,
    Drawing,
    Heading,
    Listing,
    Paragraph,
    Table,
    code,
    joined,
    listing,
    plain,
    say,
    table,
)
from foule.report.facts import Facts
from indicators.definitions import DEFINITIONS


def purpose(facts: Facts) -> list[Block]:
    """The section on purpose and data flow."""
    return [
        Heading(2, plain("2. Purpose and data flow")),
        Paragraph(
            plain(
                "foule counts how many people are in zones, where they come from and go to, and how long they stay, "
                "from the location events of a mobile network, and publishes the counts within minutes. It is made for "
                "statistics about crowds: nothing that it publishes is about one person, and it has no function that "
                "looks a person up."
            )
        ),
        _drawing(facts),
        Heading(3, plain("Words")),
        _words(facts),
        Heading(3, plain("What comes in")),
        _fields(facts),
        Heading(3, plain("What goes out")),
        _indicators(facts),
        _published(facts),
        Heading(3, plain("Who can see what")),
        _readers(facts),
    ]


def _drawing(facts: Facts) -> Drawing:
    topics, events = facts.settings.topics, facts.settings.events
    letters = "PERSONAL DATA" if events.rejected_payload else "reasons only"
    lines = [
        ("mobile network (probes, a feed)", ""),
        ("   |  events: subscriber id, time, cell", "PERSONAL DATA"),
        ("   v", ""),
        (f"Kafka topic {topics.events}, kept for {topics.events_retention.text}", "PERSONAL DATA"),
        ("   |", ""),
        ("   v", ""),
        ("worker, in memory: decode, replace the id by a pseudonym", "PERSONAL DATA"),
        ("   |  \\--> key store: the epoch's key, in memory", "SECRET"),
        (f"   |  \\--> {topics.rejected}: cannot be used, kept for {topics.rejected_retention.text}", letters),
    ]
    if events.shuffle:
        lines += [
            ("   v", ""),
            (f"Kafka topic {topics.shuffled}, kept for {topics.shuffled_retention.text}", "pseudonymous, sealed"),
            ("   |", ""),
        ]
    lines += [
        ("   v", ""),
        (f"worker, in memory, by pseudonym: {_kept(facts)}", "pseudonymous"),
        ("   |  counts of zones and windows", "pseudonymous"),
        (f"   |  \\--> {topics.checkpoints}: checkpoints", "pseudonymous, sealed"),
        ("   v", ""),
        (f"Kafka topic {topics.tallies}: counts of each part of the feed", "pseudonymous, sealed"),
        ("   |", ""),
        ("   v", ""),
        ("THE GATE, in one worker: sum, perturb, threshold, withhold what gives others away", "pseudonymous"),
        ("   |", ""),
        ("   v", ""),
        (f"Redis foule:*; Kafka topics {topics.presence}, {topics.flows}, {topics.indicators}", "released numbers"),
        ("   |                                   \\--> files of foule export, for good", "released numbers"),
        ("   v", ""),
        ("readers", ""),
    ]
    wide = max(len(line) for line, _ in lines) + 3
    return Drawing(tuple(f"{line:<{wide}}{kind}".rstrip() for line, kind in lines))


def _kept(facts: Facts) -> str:
    """What is known of devices while an epoch is open."""
    plan = facts.plan
    kept = ["visits"]
    kept += ["origins"] * plan.needs_origins
    kept += ["stays of the day"] * plan.daily
    kept += ["days before"] * plan.several_days
    return ", ".join(kept)


def _words(facts: Facts) -> Block:
    time, privacy = facts.settings.time, facts.settings.privacy
    rows = (
        ("zone, layer", "an area; all areas of one kind, such as the communes. A parent layer's zones hold another's."),
        ("window", "the time that a number is about."),
        ("epoch", f"{time.epoch_days} local day(s) from {time.day_start} on: as long as a pseudonym lasts."),
        ("key", "a secret of one epoch, from which everything secret is derived."),
        ("pseudonym", "what stands for a subscriber within an epoch. Personal data while the key lives."),
        ("device", "a SIM, by its pseudonym."),
        ("sealed", "encrypted under a key derived from the epoch's, and protected against changes."),
        ("raw count", "how many devices there were, exactly; never published."),
        ("released", "has passed the gate, so it may be published."),
        ("k, noise", f"the settings privacy.k and privacy.noise, here {privacy.k} and {privacy.noise}."),
    )
    return table(("Word", "Means here"), [(plain(word), plain(means)) for word, means in rows])


def _fields(facts: Facts) -> Block:
    events = facts.settings.events
    meanings = (
        (events.subscriber, "the subscriber's id (IMSI, MSISDN or any text)", "directly identifying"),
        (events.ts, "when the phone was seen", "personal, with the id"),
        (events.cell, "the radio cell where it was seen", "personal, with the id"),
        (f"{events.lat}, {events.lon}", "or else a point (WGS84)", "personal, with the id"),
        (
            f"{events.mcc}, {events.home}",
            "country of the SIM, home area of the contract, where the feed has them",
            "become one number, the origin, which is kept with the pseudonym"
            if facts.plan.needs_origins
            else "checked for their form and not used: no indicator that is on needs them",
        ),
        (
            events.tac,
            "type of the device, where the feed has it",
            "tells whether it is a machine, and is not kept"
            if events.machine_tacs is not None
            else "checked for its form and not used",
        ),
        (events.rat, "radio technology, where the feed has it", "checked for its form and not used"),
    )
    return table(
        ("Field of an event", "What it says", "Kind"),
        [(code(name), plain(says), plain(kind)) for name, says, kind in meanings],
    )


def _indicators(facts: Facts) -> Table:
    """What is published under the settings: each indicator with its windows and the rule of its release."""
    return table(
        ("Indicator", "Is", "Of each", "Parted by", "Windows", "Released by the rule"),
        [
            (
                code(one.name),
                plain(one.title),
                plain(one.of.value),
                plain(one.segments.value.replace("none", "-")),
                joined(code(width.text) for width in one.widths(facts.settings)),
                plain(one.release.value),
            )
            for one in DEFINITIONS
            if one.is_on(facts.settings)
        ],
    )


def _published(facts: Facts) -> Listing:
    time = facts.settings.time
    return listing(
        [
            say(
                "Windows of {widths}; a day begins at {start} ({zone}).",
                widths=joined(code(width.text) for width in time.windows),
                start=time.day_start,
                zone=time.zone,
            ),
            plain(
                "No list, path, identifier or pseudonym. Segments are origins, lengths of stay, categories and the "
                "like: each is a count of devices and passes the gate, as section 4 says."
            ),
            say(
                "Off, and so not published: {names}.",
                names=joined(code(one.name) for one in DEFINITIONS if not one.is_on(facts.settings)),
            ),
        ]
    )


def _readers(facts: Facts) -> Block:
    topics = facts.settings.topics
    rows = (
        (
            say("who may read `{events}`", events=topics.events),
            plain("everything: who was where"),
        ),
        (
            say("who may read `{rejected}`", rejected=topics.rejected),
            plain("the same of records that could not be used")
            if facts.settings.events.rejected_payload
            else plain("why and when records could not be used"),
        ),
        (
            plain("who administers the machines of workers (root)"),
            plain("everything, in the memory of the workers, while an epoch is open"),
        ),
        (
            say("who may read the key store, and besides `{events}` or a sealed topic", events=topics.events),
            plain("the path of a known subscriber within the open epoch"),
        ),
        (
            plain("who may read a sealed topic alone, or a backup of it"),
            plain("sizes, times, counters and released numbers; no device and no raw count"),
        ),
        (
            plain("readers of the numbers, the public"),
            plain("released numbers; what that can tell them is the subject of the attack suite"),
        ),
    )
    return table(("Who", "Can see"), rows)
