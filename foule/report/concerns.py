"""What somebody has to approve: settings weaker than the defaults, risks that were accepted, results that are missing.

The defaults that leave a risk are here, too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from config.secret import MASK
from config.settings import Settings
from foule import several_days
from foule.report import detail
from foule.report.concern import Concern, differing
from foule.report.document import code, joined, plain, say
from foule.report.facts import Facts
from zones import Layer

_LESS: Final = {
    "privacy.k": "Groups of fewer people than usual are published; each number says more about each of them.",
    "privacy.noise": "The errors hide the presence of one person less well, and sums and differences give away more.",
}
_MORE: Final = {
    "keys.max_age": "The key, and with it the way from a person to a pseudonym, may live longer after its epoch.",
    "topics.events_retention": "Subscriber ids with times and places stay longer. CNIL speaks of 24 hours for "
    "pseudonymous data of crowd counting; these are not even pseudonymous.",
    "topics.rejected_retention": "Dead letters, which may hold subscriber ids, stay longer.",
    "topics.shuffled_retention": "Sealed events under pseudonyms stay longer; while the key lives it opens them.",
    "topics.tallies_retention": "Sealed counts below the threshold stay longer; while the key lives it opens them.",
}
_ACCEPTED: Final = {
    "snapshots": "The key store may write snapshots to a disk: a key in one of them undoes the destruction.",
    "append-only file": "The key store may write each change to a file: a key in it undoes the destruction.",
    "replicas": "The key store may have replicas, which may write to a disk, or keep a key that is destroyed.",
    "unknown": "The key store does not say whether it writes to a disk: nobody has checked that it does not.",
}


def concerns(facts: Facts) -> list[Concern]:
    """All of them, the gravest kinds first."""
    return [
        *_accepted(facts),
        *_several_days(facts),
        *_weaker(facts),
        *detail.concerns(facts),
        *_zones(facts),
        *_attacks(facts),
        *_dead_letters(facts),
        *_in_transit(facts),
    ]


def _accepted(facts: Facts) -> Iterator[Concern]:
    for risk in facts.settings.keys.accept_risks:
        yield Concern(
            "keys.accept_risks",
            say("The risk `{risk}` is accepted by its name.", risk=risk),
            plain(_ACCEPTED[risk]),
            say("Give the keys a Redis that keeps nothing on a disk, and leave `keys.accept_risks` empty."),
        )


def _weaker(facts: Facts) -> Iterator[Concern]:
    for key, risk in [*_LESS.items(), *_MORE.items()]:
        found, default = facts.numbers(key)
        if (found < default if key in _LESS else found > default) and _in_use(facts.settings, key):
            yield differing(facts, key, plain(risk))
    if min(facts.settings.time.windows) < min(Settings().time.windows):
        risk = "Shorter windows show the movements of small groups more closely."
        yield differing(facts, "time.windows", plain(risk))
    if not _is_here(facts.settings.metrics.host):
        risk = "Whoever reaches the port reads the metrics: no zone and no person, but exact numbers of records."
        yield differing(facts, "metrics.host", plain(risk))


def _several_days(facts: Facts) -> Iterator[Concern]:
    sentences = several_days.consequences(facts.settings)
    if sentences:
        key = "time.epoch_days"
        risk = plain(" ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences))
        yield differing(facts, key, risk)


def _in_use(settings: Settings, key: str) -> bool:
    return settings.events.shuffle or key != "topics.shuffled_retention"


def _zones(facts: Facts) -> Iterator[Concern]:
    key = "zones.min_difference"
    found, default = facts.numbers(key)
    if not found:
        yield differing(
            facts,
            key,
            plain(
                "Zones that differ by a cell or two are accepted: the difference of their "
                "numbers is about the few people there, hidden by the errors alone."
            ),
        )
    elif found < default:
        yield differing(facts, key, plain("Zones may differ by fewer cells, in which fewer people are."))
    if facts.settings.zones.cells is None:
        yield Concern(
            "zones.cells",
            plain("There is no cell catalogue."),
            say("`{key}` counts cells: zones that nearly coincide are not found.", key=key),
            say("Name a catalogue in `zones.cells`, or compare the zones by hand."),
        )
    for one, other in combinations(range(len(facts.layers)), 2):
        if not (_is_above(facts.layers, one, other) or _is_above(facts.layers, other, one)):
            first, second = facts.layers[one].name, facts.layers[other].name
            yield Concern(
                "zones.layers",
                say("Neither of the layers `{one}` and `{other}` is the parent of the other.", one=first, other=second),
                plain(
                    "Differences between zones of both that overlap are hidden by the errors alone: nothing is "
                    "withheld for them."
                ),
                say("Draw both from the same borders and name the `parent`, or publish one of them only."),
            )
    for line in facts.zones_report:
        if line.endswith("is about a few people"):
            yield Concern(
                "zones.layers",
                plain(f"{line[0].upper()}{line[1:]}."),
                plain(
                    "A published zone less its published parts is a number about these few people, hidden by the "
                    "errors, and by the rule of groups only where the numbers prove more than twice noise of them."
                ),
                plain("Let the parts cover the whole zone, or leave at least so many cells as are required."),
            )


def _is_above(layers: tuple[Layer, ...], above: int, layer: int) -> bool:
    parent = layers[layer].parent
    return parent is not None and (parent == above or _is_above(layers, above, parent))


def _attacks(facts: Facts) -> Iterator[Concern]:
    results, again = facts.results, say("Run `make attack`, and make this report with its results (`--attacks FILE`).")
    if results is None:
        yield Concern(
            "attack suite",
            plain("No results of the attack suite are there: it has not been run."),
            plain("Nothing shows that the rules withstand an attack."),
            again,
        )
        return
    if results.version != facts.version:
        text = f"Its results are of version {results.version}; this is {facts.version}."
        yield Concern("attack suite", plain(text), plain("They may not be true of this version."), again)
    different = [key for key in ("privacy.k", "privacy.noise") if _differs(facts, key)]
    if different:
        yield Concern(
            "attack suite",
            say("Its results were made under another {keys}.", keys=joined((code(key) for key in different), " and ")),
            plain("They say nothing about the settings in force."),
            plain("Go back to those, or have the suite run under these."),
        )
    if not (results.full and results.promised):
        text = "Its results are of a part of the suite." if results.promised else "Its results hold no attack."
        yield Concern("attack suite", plain(text), plain("What the rest would show is not known."), again)
    for attack in results.failing:
        found = say("Attack {id}, {name}: {verdict}.", id=attack.id, name=attack.name, verdict=attack.verdict)
        yield Concern("attack suite", found, plain("What was promised is not shown."), plain("Do not publish."))
    if results.untried:
        ids = ", ".join(attack.id for attack in results.untried)
        yield Concern("attack suite", plain(f"Not tried: {ids}."), plain("What they would show is not known."), again)


def _differs(facts: Facts, key: str) -> bool:
    """Whether the results were made under another value: as the file says, or by default if it does not."""
    assert facts.results is not None
    section, _, name = key.partition(".")
    made = facts.results.settings
    inner = made.get(section)
    found = inner.get(name) if isinstance(inner, dict) else made.get(key, made.get(name))
    in_force, default = facts.numbers(key)
    return in_force != (default if found is None else found)


def _dead_letters(facts: Facts) -> Iterator[Concern]:
    if facts.settings.events.rejected_payload:
        key = "events.rejected_payload"
        yield Concern(
            key,
            facts.set_to(key),
            say(
                "Records that cannot be used are kept as they came, with subscriber ids, in `{topic}` for {kept}.",
                topic=facts.settings.topics.rejected,
                kept=facts.settings.topics.rejected_retention.text,
            ),
            say("With `{key} = false` the reason alone is kept.", key=key),
            by_default=True,
        )


def _in_transit(facts: Facts) -> Iterator[Concern]:
    settings = facts.settings
    if not settings.kafka.security_protocol.endswith("SSL"):
        brokers = [broker.strip().rpartition(":")[0] for broker in settings.kafka.bootstrap.split(",")]
        yield Concern(
            "kafka.security_protocol",
            facts.all_set("kafka.security_protocol", "kafka.bootstrap"),
            plain("Subscriber ids travel between broker and worker unencrypted" + _if_here(brokers)),
            say("Use `SASL_SSL`, or `SSL` with a network of its own, wherever broker and worker are two machines."),
            by_default=settings.kafka.security_protocol == Settings().kafka.security_protocol,
        )
    place = str(settings.keys.url)
    host = _host(place)
    if not settings.keys.url.reveal().startswith(("rediss://", "unix://")):
        yield Concern(
            "keys.url",
            facts.set_to("keys.url"),
            plain("Keys travel between workers and the key store unencrypted" + _if_here([host])),
            say("Use `rediss://` wherever the key store and a worker are two machines."),
            by_default=settings.keys.url == Settings().keys.url,
        )
    if place != MASK and _server(place) == _server(str(settings.redis.url)):
        yield Concern(
            "keys.url",
            facts.all_set("keys.url", "redis.url"),
            plain("Keys and published numbers are in the same server: its readers may reach the keys."),
            plain("Give the keys a Redis of their own."),
        )


def _if_here(hosts: list[str]) -> str:
    return ": here on one machine only." if all(map(_is_here, hosts)) else "."


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _server(url: str) -> str:
    """An address without its login and the number of its database."""
    return re.sub(r"^\w+://(.*@)?|/[0-9]*(\?.*)?$", "", url)


def _host(url: str) -> str:
    return _server(url).rpartition(":")[0] or _server(url)
