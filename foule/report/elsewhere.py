"""What lies neither in Kafka nor in a Redis: in memory, in logs and metrics, in files."""

from __future__ import annotations

from typing import Final

from foule.report.document import plain, say
from foule.report.facts import Facts
from foule.report.place import Place, pseudonymous

_TABLES: Final = ("origins.areas", "events.machine_tacs", "people.shares")


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
                    f"PERSONAL DATA: ids while a fetch is decoded; then {'; '.join(pseudonymous(facts))}; raw counts; "
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
            (
                say("files that `foule export` writes"),
                plain("released numbers, and what follows from them: of the topics for readers, and nothing else"),
                plain("as long as you keep them: no setting ends them"),
                plain("the gate; nothing else is needed"),
                plain("readers; a number that was released cannot be taken back"),
            ),
            (
                say("files that {settings} name", settings=facts.all_set(*_TABLES)),
                plain(
                    "lists of areas, of types of machines, of market shares; nothing about a person. With a number and "
                    "its estimate, readers know the market share"
                ),
                plain("as long as you keep them"),
                plain("-"),
                plain("who sets up foule; every worker reads them"),
            ),
        )
    ]
