"""How rules and results relate to WP29's three criteria, and the settings to what CNIL and the Conseil d'Etat said."""

from __future__ import annotations

from foule.report.attacks import Results
from foule.report.document import Block, Heading, Paragraph, Table, Text, listing, plain, say, table
from foule.report.facts import Facts
from foule.report.rule import CRITERIA
from foule.report.rules import KEY_LIFE, ZONES, rules
from foule.several_days import key_hours

_ASKS = {
    "singling out": "Can records of one person be isolated in what is published?",
    "linkability": "Can two records about the same person, or group, be linked?",
    "inference": "Can something about a person be concluded with significant probability?",
}
_REMAINS = {
    "singling out": "groups that are watched for long; whoever knows all others",
    "linkability": "within an epoch and inside the workers devices are followed: that is how visits are counted",
    "inference": "about whole groups; that a crowd changed; whoever knows all others over a whole day",
}

_A_DAY = 24
_LONGER = "Nor the second, with epochs of several days (time.epoch_days in section 1)"


def mapping(facts: Facts) -> list[Block]:
    """The section that maps rules and results to the criteria of the authorities."""
    return [
        Heading(2, plain("8. Against the criteria of the authorities")),
        Paragraph(
            plain(
                "This is evidence for an assessment, not the assessment: whether the published numbers are anonymous "
                "in the sense of the law is for the controller to decide and for the authority to judge."
            )
        ),
        Heading(3, plain("The three criteria (Article 29 Working Party, Opinion 05/2014, WP 216, 10 April 2014)")),
        _wp29(facts),
        Heading(3, plain("CNIL and Conseil d'Etat")),
        _authorities(facts),
        Heading(3, plain("Sources")),
        listing(
            [
                plain(
                    "Article 29 Data Protection Working Party, Opinion 05/2014 on Anonymisation Techniques, WP 216, "
                    "adopted on 10 April 2014."
                ),
                plain("CNIL, L'anonymisation de données personnelles, 19 May 2020."),
                plain(
                    "CNIL, Dispositifs de mesure d'audience et de fréquentation dans des espaces accessibles au "
                    "public: la CNIL rappelle les règles, 24 February 2020 (first 17 October 2018). It is about "
                    "sensors that take identifiers of phones, and is applied here by analogy."
                ),
                plain("Conseil d'Etat, decision 393714, JCDecaux France, 8 February 2017."),
            ]
        ),
    ]


def _wp29(facts: Facts) -> Table:
    known = rules(facts)
    rows = []
    for criterion in CRITERIA:
        serving = [f"4.{number} {rule.name}" for number, rule in enumerate(known, 1) if criterion in rule.serves]
        rows.append(
            (
                plain(criterion),
                plain(_ASKS[criterion]),
                plain("; ".join(serving)),
                _tried(facts.results, criterion),
                plain(_REMAINS[criterion]),
            )
        )
    return table(("Criterion", "It asks", "Rules", "Attack suite", "What remains"), rows)


def _tried(results: Results | None, criterion: str) -> Text:
    if results is None:
        return plain("not run")
    attacks = results.of(criterion)
    asked = [attack for attack in attacks if attack.verdict != "reported, not promised"]
    held = sum(attack.verdict == "holds" for attack in asked)
    reported = f"; {len(attacks) - len(asked)} more reported, not promised" if len(attacks) > len(asked) else ""
    return plain(f"{held} of {len(asked)} hold ({', '.join(attack.id for attack in asked) or 'none'}){reported}")


def _authorities(facts: Facts) -> Table:
    privacy, topics = facts.settings.privacy, facts.settings.topics
    usual = 24 * facts.settings.time.epoch_days
    rows = (
        (
            plain("CNIL, anonymisation, 2020"),
            plain("anonymous is what meets the three criteria; else the risk of re-identification must be studied"),
            plain(
                "sections 4 and 5; released numbers only, which are never of fewer than "
                f"{privacy.k} devices and wrong by up to {privacy.noise}"
            ),
            plain(f"the study of what is left: section 6, and the zones in {_number(facts, ZONES)}"),
        ),
        (
            plain("CNIL, footfall, 2020"),
            plain(
                "either anonymised within minutes (at most 5), each output about many devices, or pseudonymised at "
                "once and deleted within 24 hours"
            ),
            say(
                "pseudonymised at once; the key of an epoch of {days} day(s) is destroyed when its last window is out, "
                "at the latest {age} after its end; raw events stay for {events}",
                days=facts.settings.time.epoch_days,
                age=facts.settings.keys.max_age.text,
                events=topics.events_retention.text,
            ),
            say(
                "not the first way: pseudonyms live longer than 5 minutes. {second}: the key is gone minutes after its "
                "epoch, normally {usual} hours after the first event, at worst {worst}; and as far as `{topic}`, whose "
                "events are not pseudonymised",
                second="The second as far as the key" if usual <= _A_DAY else _LONGER,
                usual=f"{usual:g}",
                worst=f"{key_hours(facts.settings):g}",
                topic=topics.events,
            ),
        ),
        (
            plain("Conseil d'Etat 393714, 2017"),
            plain(
                "salted and keyed hashes of device addresses, by whoever can single out or link with them, are not "
                "anonymous"
            ),
            plain(
                "pseudonyms are treated as personal data: sealed, never published, their key destroyed; only counts "
                "are published"
            ),
            plain(
                f"that the key is really gone: {_number(facts, KEY_LIFE)}, the key store, swap and backups in section 7"
            ),
        ),
    )
    return table(("Source", "What it says", "What foule does here", "What is left to assess"), rows)


def _number(facts: Facts, name: str) -> str:
    """Where a rule is in section 4."""
    return f"4.{[rule.name for rule in rules(facts)].index(name) + 1}"
