"""Each privacy rule: what it does, where it is in the code, the settings in force, and whether they are weaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from anonymizer.threshold import Threshold
from config.settings import Duration
from foule.report import noise, noise_tables, segment_rules
from foule.report.concern import Concern
from foule.report.document import (
    Block,
    Heading,
    Paragraph,
    Table,
    Text,
    code,
    joined,
    listing,
    plain,
    printable,
    say,
    table,
)
from foule.report.facts import Facts, source_of
from foule.report.rule import Rule

#: The names of rules to which other sections refer.
KEY_LIFE: Final = "The key lives as long as its epoch"
ZONES: Final = "Zones that nearly coincide are refused"


def section(facts: Facts, approve: Sequence[Concern]) -> list[Block]:
    """The section on the rules; ``approve``: all that is to be approved."""
    blocks: list[Block] = [Heading(2, plain("4. The privacy rules, with the settings in force"))]
    for number, rule in enumerate(rules(facts), 1):
        blocks += [Heading(3, plain(f"4.{number} {rule.name}")), Paragraph(rule.does), *rule.more]
        if rule.settings or rule.about:
            blocks.append(_settings(facts, [*rule.settings, *rule.about]))
        blocks.append(Paragraph(_verdict(rule, approve)))
    return blocks


def _settings(facts: Facts, keys: Sequence[str]) -> Table:
    rows = [(code(key), code(facts.value(key)), code(facts.default(key))) for key in keys]
    return table(("Setting", "In force", "Default"), rows)


def _verdict(rule: Rule, approve: Sequence[Concern]) -> Text:
    of_rule = {*rule.settings, *rule.besides, *rule.about}
    lines = [str(number) for number, concern in enumerate(approve, 1) if concern.about in of_rule]
    where = joined(code(module) for module in rule.modules)
    if lines:
        listed = ", ".join(lines)
        return say("Verdict: to be approved, section 1, no. {lines}. Code: {where}.", lines=listed, where=where)
    settings = "as by default or stricter" if rule.settings else "always in force, no setting weakens it"
    return say("Verdict: {settings}. Code: {where}.", settings=settings, where=where)


def rules(facts: Facts) -> list[Rule]:
    """All rules, in the order of the data."""
    return [
        _identifiers(facts),
        _key_life(),
        _at_rest(),
        _gate(),
        _one_count(),
        _perturbation(facts),
        _threshold(facts),
        _absence(),
        _groups(),
        *segment_rules.rules(facts),
        _zones(facts),
        _once(facts),
    ]


def _identifiers(facts: Facts) -> Rule:
    return Rule(
        "Identifiers are replaced at once",
        ("singling out", "linkability"),
        ("anonymizer/pseudonyms.py", "streams/intake.py", "streams/machines.py"),
        ("events.rejected_payload",),
        say(
            "Right after an event is decoded, the subscriber id is replaced by 8 bytes of a keyed BLAKE2b hash; 4 "
            "more bytes are the device's record key (see perturbation). foule writes the id nowhere else: to no other "
            "topic, no Redis, log, error or metric. Two places hold ids by their nature: `{events}`, which the feed "
            "writes, and `{rejected}`, which holds records that cannot be used, unless `events.rejected_payload` is "
            "false. A keyed hash alone is pseudonymisation, not anonymisation (Conseil d'Etat, decision 393714 of 8 "
            "February 2017): while the key lives, all that is computed from it is personal data. Events of SIMs of "
            "machines are counted as rejected and kept nowhere: they are no dead letters.",
            events=facts.settings.topics.events,
            rejected=facts.settings.topics.rejected,
        ),
        about=("events.machine_tacs", "events.machine_networks"),
    )


def _key_life() -> Rule:
    return Rule(
        KEY_LIFE,
        ("singling out", "linkability"),
        ("anonymizer/keys.py", "streams/key_life.py", "streams/keystore.py"),
        ("time.epoch_days", "keys.max_age", "keys.lost_after", "keys.accept_risks", "keys.url"),
        say(
            "The key is 32 random bytes, made for one epoch by the first worker that needs it, held in the memory of "
            "the workers and in a Redis that writes nothing to a disk; workers refuse to start with another one. When "
            "the epoch's last window is released and no checkpoint needs the key, it is destroyed, at the latest "
            "`keys.max_age` after the later of the epoch's end and its making; windows not released by then never "
            "are. The destruction is written down, so that no late worker makes another key for that epoch or puts "
            "the old one back. A key that is lost, and that nobody puts back within `keys.lost_after`, ends its epoch "
            "early: windows that were open are not released, so nobody is counted twice. Without the key nobody can "
            "compute whose a pseudonym is, and the pseudonyms of two epochs cannot be joined. A worker overwrites its "
            "copy; copies that Python and the libraries made are freed, not overwritten."
        ),
    )


def _at_rest() -> Rule:
    return Rule(
        "What lies on a disk is sealed",
        ("singling out", "linkability", "inference"),
        ("anonymizer/cipher.py", "indicators/sealing.py", "streams/wire.py"),
        ("stream.checkpoint_every", "topics.tallies_retention", "topics.shuffled_retention", "events.shuffle"),
        plain(
            "Checkpoints, tallies (counts below the threshold included) and shuffled events are sealed with "
            "AES-256-GCM under a key that is derived from the epoch's and is written nowhere. What is sealed says "
            "what it is, so that no piece can be put in the place of another. With the key's destruction all copies "
            "are noise, also those in backups. In clear stay times, offsets, counters and sizes."
        ),
    )


def _gate() -> Rule:
    return Rule(
        "One gate",
        ("singling out", "inference"),
        ("anonymizer/gate.py", "tests/test_imports.py"),
        (),
        plain(
            "One place decides what is published, and makes a type that nothing else can make; a sink takes this type "
            "only. A raw count in its place is refused by the type checker before the program runs, and by the "
            "constructor when it runs. Exactly one worker releases at a time."
        ),
    )


def _one_count() -> Rule:
    return Rule(
        "One device, one count",
        ("inference",),
        ("indicators/counts.py", "indicators/windows.py"),
        (),
        plain(
            "Each number counts distinct devices: whoever comes and goes thirty times in a window adds 1. Nobody can "
            "stand out by being often there, and one device changes any raw count by at most 1."
        ),
    )


def _perturbation(facts: Facts) -> Rule:
    threshold = Threshold(facts.settings.privacy.k, facts.settings.privacy.noise)
    bound = threshold.bound
    variance = noise.variance(bound)
    does = say(
        "Each number gets an error: one of the whole numbers from -{bound} to {bound}, all equally likely. Mean 0, "
        "variance {bound} x ({bound} + 1) / 3 = {variance}, standard deviation {deviation}, mean size {size}. It is a "
        "fixed function of the devices that are counted (the sum of their record keys), of what is counted (indicator, "
        "layer, zone) and of a secret derived from the epoch's key. So the same devices in the same zone give the same "
        "error, in every window, after a restart, however often one asks: it cannot be averaged away by asking again; "
        "and when one device comes or goes, the error is drawn anew. The numbers of parts need not add up to that of "
        "the whole.",
        bound=bound,
        variance=f"{float(variance):.4g}",
        deviation=f"{float(variance) ** 0.5:.2f}",
        size=f"{float(noise.mean_size(bound)):.2f}",
    )
    size = 2 * bound + 1
    told = say(
        "What one number tells somebody who knows everybody else in it: whether one more device is there, with an area "
        "under the curve of {advantage} (0.5 is a guess, 1 is certainty); with a probability of 1/{size} = {share} the "
        "number is so far out that he is certain.",
        advantage=f"{noise.advantage(bound):.3f}",
        size=size,
        share=f"{1 / size:.1%}",
    )
    together = Paragraph(plain("What errors and threshold together do to counts:"))
    more = (noise_tables.chances(bound), Paragraph(told), together, noise_tables.effects(threshold))
    return Rule(
        "Perturbation", ("singling out", "inference"), ("anonymizer/perturbation.py",), ("privacy.noise",), does, more
    )


def _threshold(facts: Facts) -> Rule:
    threshold = Threshold(facts.settings.privacy.k, facts.settings.privacy.noise)
    return Rule(
        "Threshold",
        ("singling out", "inference"),
        ("anonymizer/threshold.py",),
        ("privacy.k", "privacy.noise"),
        say(
            "A number is published only if, with its error, it is at least `privacy.k` + `privacy.noise`: here {k} + "
            "{noise} = {least}. So none is published of fewer than {k} devices, and whether a number exists says no "
            "more about one device than the number itself: who brings k - 1 phones of his own into a zone learns "
            "little from a window about whether one more is there. (Of phones that take turns over many windows see "
            "section 6.) Nothing is moved up to the threshold. The settings refuse less than 10.",
            k=threshold.k,
            noise=threshold.bound,
            least=threshold.least,
        ),
    )


def _absence() -> Rule:
    return Rule(
        "Absent is absent",
        ("inference",),
        ("sinks/redis.py", "sinks/kafka.py"),
        (),
        plain(
            "What is not published leaves no trace: no zero, no empty field, no key, no message. Nobody, a few, and "
            "withheld look the same. The metric of unpublished numbers counts them all."
        ),
    )


def _groups() -> Rule:
    return Rule(
        "Groups: what would give others away is withheld",
        ("singling out", "inference"),
        ("anonymizer/groups.py", "zones/nesting.py"),
        ("privacy.k", "privacy.noise"),
        plain(
            "Where the zones of a layer lie in those of a parent layer, a published parent less its published parts "
            "is what remains, but for the errors of both. If the published numbers prove, whatever their errors are, "
            "that more than twice noise and fewer than k devices remain, the smallest published part is withheld: for "
            "people with all numbers of that zone and window, whatever they part it by, and those of all pairs that "
            "it is in (flows, trips); for appeared and "
            "vanished, which add up in the same way, the number alone. So what remains is never known more closely "
            "than to k - 1 devices, as far as one layer lies in the other, over any number of them; two layers beside "
            "each other in one parent are not compared. The true remainder does not decide: a part that is withheld "
            "because somebody is beside it would say that somebody is there. Arrivals, departures and flows do not "
            "add up to those of the parent. Of numbers that part the devices of a zone, the next rules speak."
        ),
        besides=("zones.layers",),
    )


def _zones(facts: Facts) -> Rule:
    layers = [
        (
            code(layer.name),
            source_of(facts, at),
            plain(f"{len(layer.ids):,}"),
            code(facts.layers[layer.parent].name) if layer.parent is not None else plain("none"),
        )
        for at, layer in enumerate(facts.layers)
    ]
    said = [plain(printable(line)) for line in facts.zones_report]
    return Rule(
        ZONES,
        ("singling out", "inference"),
        ("zones/differences.py", "zones/nesting.py"),
        ("zones.min_difference", "zones.cells"),
        say(
            "Two zones of two layers that have cells in common must hold the same cells, or differ by at least "
            "`zones.min_difference`; else the settings are refused. It looks at the cells of the catalogue, and knows "
            "nothing of events that have a point and no cell. A layer's parent is named in the settings, or found "
            "where its zones nest in another layer's."
        ),
        (
            table(("Layer", "From", "Zones", "Parent layer"), layers),
            Paragraph(plain("What foule said when it loaded the zones:")),
            listing(said),
        ),
        ("zones.layers",),
    )


def _once(facts: Facts) -> Rule:
    return Rule(
        "Once",
        ("inference",),
        ("streams/release.py", "streams/releaser.py"),
        ("time.windows", "time.lateness", "stream.max_wait"),
        say(
            "A window is decided once. What comes later for it is dropped and counted, so that no two versions can be "
            "compared. A successor of the worker that releases publishes the same bytes. A part of the feed that is "
            "silent for {wait} is left out, and the numbers say so (coverage below 1).",
            wait=Duration(facts.settings.stream.max_wait).text,
        ),
    )
