"""What ``foule doctor`` checks of the indicators: tables, home areas, what events tell, epochs of several days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from config import market_shares
from config.errors import SettingsError
from config.rules import BY_NIGHT, night_length
from config.settings import Settings
from config.times import DAY
from foule.finding import Finding
from foule.keying import Sampled, telling
from foule.several_days import consequences
from indicators.origins import Origins
from indicators.plan import Plan
from sinks.extrapolation import ANY
from streams.machines import read_tacs
from zones import Layer

#: So many names are in one finding.
_MOST_NAMED = 10


def check_origins(settings: Settings) -> Iterator[Finding]:
    """Where an indicator needs it, the table of home areas can be read."""
    if _needs_origins(settings):
        origins = Origins.of(settings.origins)
        yield Finding("ok", "origins", f"{origins.size} are told apart, unknown ones included")


def check_areas(settings: Settings, layers: Iterable[Layer]) -> Iterator[Finding]:
    """Where an indicator tells who is local, some zone has a home area that the table has."""
    if not _needs_origins(settings):
        return
    origins = Origins.of(settings.origins)
    areas = {area for layer in layers for area in layer.areas if area is not None}
    known = {area for area in areas if origins.code_of(area) >= 0}
    if not known:
        unlike = f" that the list of areas has (of {len(areas)} that zones have)" if areas else ""
        yield Finding(
            "warn",
            "origins",
            f"no zone of any layer has a home area{unlike}: nobody is local, and nobody a resident",
            'give each feature of the zones\' files a property "area" with the code of its home area'
            " (origins.areas; by default that of the departement)",
        )
    elif areas > known:
        yield Finding(
            "warn",
            "origins",
            f"{len(areas - known)} of {len(areas)} home areas of zones are not on the list of areas: nobody is local "
            "there",
            'let the property "area" of zones and the codes in origins.areas be the same',
        )


def check_machines(settings: Settings) -> Iterator[Finding]:
    """Where one is named, the file of the types of machines can be read."""
    file = settings.events.machine_tacs
    if file is not None:
        yield Finding("ok", "machines", f"{len(read_tacs(file))} types of device in {file}")


def check_shares(settings: Settings) -> Iterator[Finding]:
    """Where one is named, the file of market shares can be read, and names origins that there are."""
    file = settings.people.shares
    if file is None:
        return
    shares = market_shares.read(file)
    yield Finding("ok", "market shares", f"{len(shares)} shares in {file}")
    if _needs_origins(settings):
        names = Origins.of(settings.origins).names
        unknown = sorted({origin for _, origin in shares if ":" in origin and origin not in names})
        if unknown:
            yield Finding(
                "warn",
                "market shares",
                f"{len(unknown)} origins in {file} are never told: {', '.join(unknown[:_MOST_NAMED])}",
                "take the codes of origins.areas for national ones, those of ISO 3166-1 alpha-2 for foreign ones",
            )


def check_share_areas(settings: Settings, layers: Iterable[Layer]) -> Iterator[Finding]:
    """The areas of market shares are those of zones."""
    file = settings.people.shares
    if file is None:
        return
    try:
        shares = market_shares.read(file)
    except SettingsError:
        return  # check_shares tells
    areas = {area for layer in layers for area in layer.areas}
    unlike = sorted({area for area, _ in shares if area != ANY} - areas)
    if unlike:
        yield Finding(
            "warn",
            "market shares",
            f"{len(unlike)} areas in {file} are of no zone: {', '.join(unlike[:_MOST_NAMED])}",
            'let the areas there be those of the property "area" of zones',
        )


def check_epochs(settings: Settings) -> Iterator[Finding]:
    """An epoch has one day, or somebody knows what several mean; and it is long enough for what is counted."""
    days, chosen = settings.time.epoch_days, settings.indicators
    sentences = consequences(settings)
    if sentences:
        yield Finding(
            "warn",
            "epochs",
            f"time.epoch_days is {days}: {'; '.join(sentences)}",
            "have a data protection officer approve this (foule privacy-report), or set time.epoch_days = 1",
        )
    if chosen.usual and chosen.usual_nights > days:
        yield Finding(
            "warn",
            "epochs",
            f"indicators.usual_nights is {chosen.usual_nights}, and an epoch has {days} days: nobody has a usual zone",
            "lower indicators.usual_nights, or set indicators.usual = false",
        )
    if days > 1 and chosen.categories and chosen.habitual_days >= days:
        yield Finding(
            "warn",
            "epochs",
            f"indicators.habitual_days is {chosen.habitual_days}, and a day of an epoch has at most {days - 1} before "
            "it: nobody is habitually present",
            f"set indicators.habitual_days to at most {days - 1}, or time.epoch_days = 1 if nothing else needs more",
        )


def check_stays(settings: Settings) -> Iterator[Finding]:
    """The least stay that counts is no longer than the time in which it is looked for."""
    chosen = settings.indicators
    night = night_length(chosen)
    if chosen.night_stay > night and any(getattr(chosen, name) for name in BY_NIGHT):
        yield Finding(
            "warn",
            "stays",
            f"indicators.night_stay is {chosen.night_stay.text}, and the night of {chosen.night_from} to"
            f" {chosen.night_until} has {night.text}: nobody spends a night anywhere",
            f"set indicators.night_stay below {night.text}, or a longer night",
        )
    if chosen.categories and chosen.visit_stay > DAY:
        yield Finding(
            "warn",
            "stays",
            f"indicators.visit_stay is {chosen.visit_stay.text}, and the stays of a day add up to a day at most: nobody"
            " is a day visitor",
            "set indicators.visit_stay to some hours",
        )


def check_sampled_origins(records: Sequence[Sampled], settings: Settings) -> Iterator[Finding]:
    """Where an indicator needs origins, a sample of events tells them."""
    if not records or not _needs_origins(settings):
        return
    told, fields = telling(records, settings.events), settings.events
    sampled = f"of {len(records)} sampled records"
    if told.home:
        yield Finding("ok", "origins", f"{told.home} {sampled} have a home area, {told.mcc} a country")
        return
    without = (
        f"a home area ({fields.home!r})" if told.mcc else f"a country ({fields.mcc!r}) or home area ({fields.home!r})"
    )
    yield Finding(
        "warn",
        "origins",
        f"{sampled} none has {without}: nobody is local, nobody is from an area of the country",
        "let the feed give them, or set events.mcc and events.home to the names of its fields; without a country that"
        " of the subscriber counts, if it is an IMSI",
    )


def judge_memory(memory: Mapping[str, Any], settings: Settings) -> Iterator[Finding]:
    """By what the Redis for released numbers says of its memory: it does not drop keys when that is full."""
    policy = str(memory.get("maxmemory_policy", ""))
    if not memory.get("maxmemory") or not policy or policy == "noeviction":
        return
    lost = "; the occupancy of a day would begin anew and be wrong" if settings.indicators.occupancy else ""
    yield Finding(
        "warn",
        "indicators Redis",
        f"{settings.redis.url} drops keys when its memory is full (maxmemory-policy {policy}): released windows may "
        f"vanish before redis.window_ttl{lost}",
        "set maxmemory-policy noeviction, and maxmemory to what all windows need",
    )


def _needs_origins(settings: Settings) -> bool:
    return Plan.of(settings.indicators, settings.time).needs_origins
