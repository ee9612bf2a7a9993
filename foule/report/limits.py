"""What is not promised, and what the operator must do outside the software."""

from __future__ import annotations

from foule.report.document import Block, Heading, Paragraph, listing, plain, say
from foule.report.facts import Facts


def not_promised(facts: Facts) -> list[Block]:
    """The section on what is not promised."""
    least = facts.settings.privacy.k + facts.settings.privacy.noise
    return [
        Heading(2, plain("6. What is not promised")),
        listing(
            [
                plain(
                    "Secrets of a whole group. That a stadium was full, or a village empty, is what the numbers are "
                    "for."
                ),
                plain(
                    "Secrets of a group that a segment names: that all who come from one country, or all who sleep in "
                    "a zone, do the same is in the numbers if they are k at least."
                ),
                plain("Anything about a person with many SIMs, who is many devices."),
                plain(
                    "One error for the same people under several names. People of a day, their origins, categories, "
                    "first zones and numbers of days each have errors of their own; the sums of segments tell the same "
                    "total again, and the mean of all of them is closer to it than one number."
                ),
                plain(
                    "That numbers of nested layers, of pairs, or of several indicators prove nothing together. Held "
                    "against each other are people, those who appeared and vanished, and origins of people, of layers "
                    "that nest; lengths of stay by origin and those of all. Arrivals, departures, flows, trips, nights "
                    "(by origin or not), categories and first zones are not."
                ),
                plain(
                    "Small stable groups that are watched over many epochs. Errors are drawn anew for each epoch, so "
                    "who compares many epochs of the same people comes closer to their true number; so do many windows "
                    "of a day in which a few people change."
                ),
                plain(
                    "Protection from somebody who knows everybody else in a crowd, over a whole day: he has many "
                    "numbers in which the one whom he looks for counts or does not."
                ),
                say(
                    "That nobody sees a change. Two windows of an epoch with exactly the same published number "
                    "probably had the same people, since the error depends on the set of devices alone: an unchanged "
                    "crowd keeps its number, and a change shows. Who surrounds a place where nobody else is with "
                    "phones of his own, more than `privacy.k` + `privacy.noise` of them (here {least}), or fewer at a "
                    "time that take turns over many windows, can see that somebody came, though not who.",
                    least=least,
                ),
                plain(
                    "Safety of a worker's memory. Who can read it reads ids and keys. Python cannot overwrite every "
                    "copy that it has made of a key."
                ),
                plain(
                    "That people are counted right: a device is a SIM, not a person, and a phone that is off is not "
                    "seen."
                ),
            ]
        ),
    ]


def duties(facts: Facts) -> list[Block]:
    """The section on what the software cannot do."""
    topics, kafka = facts.settings.topics, facts.settings.kafka
    return [
        Heading(2, plain("7. What the operator must do outside the software")),
        Paragraph(
            plain("None of this can be seen from the settings. Who is responsible, and since when, belongs here.")
        ),
        listing(
            [
                say(
                    "Access. Nobody but the feed and the workers reads `{events}`; `{rejected}` only who mends the "
                    "feed; `{tallies}`, `{checkpoints}` and `{shuffled}` only workers; the key store only workers. No "
                    "person has both the key store and one of these.",
                    events=topics.events,
                    rejected=topics.rejected,
                    tallies=topics.tallies,
                    checkpoints=topics.checkpoints,
                    shuffled=topics.shuffled,
                ),
                say(
                    "Kafka. ACLs for each of these topics, TLS and a login (now {set}), encrypted disks for brokers, "
                    "since `{events}` is in clear there.",
                    set=facts.set_to("kafka.security_protocol"),
                    events=topics.events,
                ),
                say(
                    "The group of consumers `{group}` and the names of the topics belong to foule alone: who else can "
                    "write to `{tallies}` or `{epochs}` can disturb the release.",
                    group=kafka.group,
                    tallies=topics.tallies,
                    epochs=topics.epochs,
                ),
                say(
                    "The key store. No disk, no replicas, no copies of its machine's memory, no snapshots of the "
                    "virtual machine; core dumps off. `foule doctor` looks at what the Redis says of itself, not at "
                    "its machine."
                ),
                plain("Swap off, or encrypted under a key that is not kept, where workers and the key store run."),
                say(
                    "Backups. Leave out `{events}`, `{rejected}` and the key store: a backup outlives every retention.",
                    events=topics.events,
                    rejected=topics.rejected,
                ),
                say(
                    "What comes before and behind foule: other consumers of `{events}`, the probes, logs of the "
                    "broker, copies of released numbers, and other statistics from the same subscribers that could be "
                    "compared with these.",
                    events=topics.events,
                ),
                plain(
                    "Zones. None that is drawn around a home, a workplace or a path of single persons, and none that "
                    "is made to be compared with another. New zones begin with a new epoch, and are reviewed."
                ),
                plain(
                    "Home areas. The list of areas decides how closely origins are told: areas of many people, and of "
                    "all of them the same kind. The feed must give the area of the contract, not where somebody was "
                    "last night."
                ),
                plain(
                    "Copies of numbers. What foule export writes, and what readers keep, outlives every retention. It "
                    "passed the gate, and cannot be called back: decide before who gets it and what of it is kept."
                ),
                plain(
                    "Watching. Run foule doctor regularly, look at lost keys and expired windows in the metrics, and "
                    "make this report again after each change of settings, zones or version."
                ),
                plain(
                    "Law. A data protection impact assessment; a legal basis for the events and for making them "
                    "anonymous, which is itself processing of personal data (for location data of a network also the "
                    "rules on electronic communications, Directive 2002/58/EC, Article 9, and national law); "
                    "information of subscribers and their right to object, in the feed before foule."
                ),
            ]
        ),
    ]
