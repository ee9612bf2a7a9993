"""The whole report, in its order: what to approve first, then how it works, then what it was tried on."""

from __future__ import annotations

import json
from collections.abc import Sequence

from config.settings import Settings
from foule.report import criteria, flow, limits, rules, storage
from foule.report.attacks import Attack, Results
from foule.report.concern import Concern
from foule.report.concerns import concerns
from foule.report.document import (
    Block,
    Document,
    Heading,
    Paragraph,
    Table,
    Warned,
    code,
    joined,
    plain,
    say,
    table,
)
from foule.report.facts import Facts

_ELSEWHERE = (("zones", "layers"), ("kafka", "username"), ("kafka", "password"))


def build(facts: Facts) -> Document:
    """The report on these facts; the same facts always give the same report."""
    approve = concerns(facts)
    return Document(
        "foule: privacy report",
        (
            *_head(facts),
            *_approve(approve),
            *flow.purpose(facts),
            *storage.storage(facts),
            *rules.section(facts, approve),
            *_attacks(facts.results),
            *limits.not_promised(facts),
            *limits.duties(facts),
            *criteria.mapping(facts),
            *_appendix(facts),
        ),
    )


def _head(facts: Facts) -> list[Block]:
    return [
        Paragraph(
            plain(
                "For the data protection officer. Made by foule from its code and the settings in force; what it says "
                "of the settings is so for whoever runs foule with these, and with these only."
            )
        ),
        table(
            ("About", "Is"),
            [
                (plain("version of foule"), plain(facts.version)),
                (plain("made"), plain(facts.made.text)),
                (plain("layers of zones"), joined(code(layer.name) for layer in facts.layers)),
                (plain("fingerprint of zones, windows, times, what is counted, k and noise"), code(facts.fingerprint)),
            ],
        ),
    ]


def _approve(approve: Sequence[Concern]) -> list[Block]:
    heading = Heading(2, plain("1. What a DPO must approve"))
    if not approve:
        return [heading, Paragraph(plain("Nothing: no setting is weaker than its default, and no risk is accepted."))]
    rows = [
        (
            plain(number),
            code(concern.about) if "." in concern.about else plain(concern.about),
            (*concern.found, *(plain(" (foule's default)") if concern.by_default else ())),
            concern.risk,
            concern.instead,
        )
        for number, concern in enumerate(approve, 1)
    ]
    return [
        heading,
        Paragraph(
            plain(
                "Each line is a setting that is weaker than its default, a risk that is accepted, a default that "
                "leaves one, or a proof that is missing. Besides these: section 6, what is not promised, and section "
                "7, what must be done outside the software."
            )
        ),
        table(("No.", "About", "Found", "What is risked", "Instead"), rows),
    ]


def _attacks(results: Results | None) -> list[Block]:
    heading = Heading(2, plain("5. Results of the attack suite"))
    about = Paragraph(
        plain(
            "The suite tries to break the rules from outside, with the code, the settings and all published numbers in "
            "hand, and more where it is said. Each attack also runs with a protection switched off and must succeed "
            "then, so that it is known to work. It runs on simulated crowds, not on your feed."
        )
    )
    if results is None:
        missing = say("The attack suite has not been run, or its results are not here: run `make attack`.")
        return [heading, about, Warned(missing)]
    held = sum(attack.verdict == "holds" for attack in results.attacks)
    made = say(
        "Version {version}, {date}, {seconds} seconds{settings}. Of {all} attacks with a target {held} hold, and {bad} "
        "do not.",
        version=results.version,
        date=results.date,
        seconds=results.seconds,
        settings=f", settings {json.dumps(results.settings)}" if results.settings else ", default settings",
        all=len(results.promised),
        held=held,
        bad=len(results.failing),
    )
    blocks: list[Block] = [heading, about, Paragraph(made)]
    if results.failing:
        ids = ", ".join(attack.id for attack in results.failing)
        blocks.append(Warned(plain(f"What was promised is not shown by: {ids}.")))
    blocks.append(_tried(results.attacks))
    if results.reported:
        ids = ", ".join(attack.id for attack in results.reported)
        blocks.append(Paragraph(plain(f"Reported, not promised: {ids}. These attacks may succeed; see section 6.")))
    if results.accuracy:
        blocks += [Heading(3, plain("What the protection costs")), _costs(results.accuracy)]
    return blocks


def _tried(attacks: Sequence[Attack]) -> Table:
    head = ("No.", "Attack", "Would be", "Attacker also knows", "Protection off", "On", "Target", "Result")
    return table(
        head,
        [
            (
                plain(attack.id),
                plain("; ".join(filter(None, (attack.name, attack.figure, attack.note)))),
                plain(attack.criterion),
                plain(attack.knows or "-"),
                plain(f"{attack.off} (without {attack.without})" if attack.without else attack.off),
                plain(attack.on),
                plain(attack.target),
                plain(attack.verdict),
            )
            for attack in attacks
        ],
    )


def _costs(costs: Sequence[Attack]) -> Table:
    return table(
        ("What", "Figure", "Value", "More"),
        [(plain(each.name), plain(each.figure or "-"), plain(each.on), plain(each.note or "-")) for each in costs],
    )


def _appendix(facts: Facts) -> list[Block]:
    """All settings but those of recorded files, logins, and the layers, which have a table of their own."""
    keys = [
        f"{section}.{key}"
        for section in Settings.__struct_fields__
        if section != "replay"
        for key in getattr(facts.settings, section).__struct_fields__
        if (section, key) not in _ELSEWHERE
    ]
    differing = [key for key in keys if facts.value(key) != facts.default(key)]
    return [
        Heading(2, plain("9. All settings in force")),
        Paragraph(say("Secrets are masked; of files the name alone is shown. An empty text means: none.")),
        Paragraph(say("Different from the defaults: {keys}.", keys=joined(code(key) for key in differing))),
        table(
            ("Setting", "In force", "Default"), [(code(k), code(facts.value(k)), code(facts.default(k))) for k in keys]
        ),
    ]
