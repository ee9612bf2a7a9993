"""What an epoch of several days means for people, in words: the worker, ``foule doctor`` and the report all say it."""

from __future__ import annotations

from config.sections import Settings
from config.times import HOUR
from indicators.plan import Plan


def key_hours(settings: Settings) -> float:
    """How many hours a key that is made as its epoch begins lives at most; the day on which summer time ends has one
    more."""
    return settings.time.epoch_days * 24 + 1 + int(settings.keys.max_age) / HOUR


def uses(settings: Settings) -> list[str]:
    """The indicators that are on and rest on several days of an epoch."""
    chosen, days = settings.indicators, settings.time.epoch_days
    if days == 1:
        return []
    # on the last day of an epoch a device was there on at most ``days - 1`` days before
    habitual = ['categories ("habitual")'] * (chosen.categories and days > chosen.habitual_days)
    return [*habitual, *(name for name in ("recurrence", "sojourns", "usual") if getattr(chosen, name))]


def consequences(settings: Settings) -> list[str]:
    """What a data protection officer must approve of an epoch of several days, a sentence each, without a full stop;
    nothing for an epoch of one."""
    days = settings.time.epoch_days
    if days == 1:
        return []
    return [
        f"pseudonyms live for {days} days, and their key up to keys.max_age ({settings.keys.max_age.text}) longer: "
        f"{key_hours(settings):g} hours at worst",
        f"a device can be followed over these {days} days by whoever reads the memory of a worker, or a sealed "
        "checkpoint together with its key; few places and times are enough to tell one person from all others (de "
        "Montjoye and others, Unique in the Crowd, Scientific Reports 3, 2013)",
        _remembered(Plan.of(settings.indicators, settings.time)),
        _needed_by(settings),
        "for attackers there is more to compare: an unchanged crowd keeps its number, error included, "
        "from day to day, so that a change between two days shows; and who knows everybody else has the numbers of "
        f"{days} days, of which those of days and nights in a row say when the one whom he looks for came",
        f"CNIL's guidance on footfall (2020) has pseudonyms deleted within 24 hours: {days} days are longer",
        "what is sealed can be opened as long as its key lives: checkpoints, tallies (kept for "
        f"{settings.topics.tallies_retention.text}) and, with events.shuffle, events on their way; if the key is lost, "
        "the days behind it are forgotten, and what counts days begins anew",
    ]


def _remembered(plan: Plan) -> str:
    if plan.several_days:
        return (
            "of each device and each zone in which it was is remembered until the epoch's end: on how many days, how "
            "many nights, how many of these in a row, and the last of them"
        )
    if plan.trips:
        return "of a day that is over, origins, visits that go on and the last stop are remembered, and no days"
    return "of a day that is over, visits that go on are remembered, and no days"


def _needed_by(settings: Settings) -> str:
    names = uses(settings)
    if names:
        return f"it is for: {', '.join(names)}"
    return "no indicator that is on needs it: time.epoch_days = 1 would do"
