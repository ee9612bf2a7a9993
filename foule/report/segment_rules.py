"""The privacy rules on numbers that part the devices of a zone, and on what follows from released numbers."""

from __future__ import annotations

from foule.report.document import Text, plain, say
from foule.report.facts import Facts
from foule.report.rule import Rule
from indicators.definitions import Release

_K_NOISE = ("privacy.k", "privacy.noise")
_INFERENCE = ("singling out", "inference")


def rules(facts: Facts) -> list[Rule]:
    """All of them; those of what is off as well: what is off today may be on tomorrow."""
    return [_from_lists(facts), _pooled(facts), _merged(facts), _stays(facts), _nested(), _derived(facts)]


def _sentence(facts: Facts, release: Release) -> str:
    return release.sentence(facts.settings.privacy.k, facts.settings.privacy.noise)


def _from_lists(facts: Facts) -> Rule:
    used = facts.plan.needs_origins
    told = say("Here {areas} home areas are on the list.", areas=facts.areas) if used else plain("Here it is not used.")
    return Rule(
        "Where somebody is from: from lists, once an epoch",
        ("singling out", "linkability"),
        ("indicators/origins.py", "indicators/origin_tables.py"),
        (),
        (
            *plain(
                "A device has one origin for an epoch, that of its first event: the country of the SIM if it is "
                "foreign, else the home area. Both are numbers from lists. A home area that is not on the list of "
                "areas, and a country code that is assigned to no country, are unknown: nothing that a feed says of "
                "somebody gets further than the list. In a zone of the home area it is called local. The origin is "
                "kept with the pseudonym, and ends with the epoch. "
            ),
            *told,
        ),
        besides=("origins.areas",),
        about=("origins.areas", "origins.home_mcc", "indicators.origins", "indicators.categories"),
    )


def _pooled(facts: Facts) -> Rule:
    return Rule(
        "Segments: those that are too small are put together",
        _INFERENCE,
        ("anonymizer/segments.py", "anonymizer/numbers.py"),
        _K_NOISE,
        (
            *plain(
                "Origins, visitor categories and the zones in which a day began part the devices of a zone. "
                f"{_sentence(facts, Release.POOLED)} So no segment follows from the total less the others: what is "
                "missing is in no number, or in a pool of k devices at least. The smallest published segment joins "
                "also where nobody is in the pool: otherwise its absence would say that somebody is. All is decided "
                "by perturbed numbers, not by true ones."
            ),
        ),
        about=("indicators.origins", "indicators.nights", "indicators.categories", "indicators.catchment"),
    )


def _merged(facts: Facts) -> Rule:
    return Rule(
        "Lengths of stay, numbers of days: bins are put together",
        _INFERENCE,
        ("anonymizer/segments.py", "indicators/bins.py"),
        _K_NOISE,
        plain(
            f"{_sentence(facts, Release.MERGED)} A run must pass with a second error as well, which is the same "
            "however far the run goes. Without it, a group beside empty bins would be tried again with each of them. "
            "The last run always reaches to the end, also where nobody is there. "
            "Quartiles follow from the published runs alone; one that lies in the last, open run is not told."
        ),
        about=(
            "indicators.dwell",
            "indicators.dwell_edges",
            "indicators.recurrence",
            "indicators.sojourns",
        ),
    )


def _stays(facts: Facts) -> Rule:
    return Rule(
        "Lengths of stay by origin: both, and held against those of all",
        _INFERENCE,
        ("anonymizer/segments.py", "anonymizer/numbers.py"),
        _K_NOISE,
        plain(f"{_sentence(facts, Release.POOLED_THEN_MERGED)} Such an origin goes with all its bins in that zone."),
        about=("indicators.dwell", "indicators.origins"),
    )


def _nested() -> Rule:
    return Rule(
        "Origins of zones that lie in others are held against theirs",
        _INFERENCE,
        ("anonymizer/gate.py", "anonymizer/groups.py"),
        _K_NOISE,
        plain(
            "Presence by origin of the zones of a layer adds up to that of the zones that hold them, origin by origin. "
            "So for each origin the published numbers of the layer and of those above it are held against each other "
            "as people are. Where they prove a small rest, the zone that would have to go loses all its origins of "
            "that window, since one that is missing beside the others would follow from them; and again, until "
            "nothing is proven."
        ),
        besides=("zones.layers",),
        about=("indicators.origins",),
    )


def _derived(facts: Facts) -> Rule:
    shares: Text = (
        say("Market shares are those of the file {set}.", set=facts.set_to("people.shares"))
        if facts.settings.people.shares is not None
        else plain("No market shares are set: nothing is said of people.")
    )
    return Rule(
        "What is derived tells no more than what is released",
        ("inference",),
        ("sinks/extrapolation.py", "indicators/occupancy.py", "sinks/values.py", "foule/history/history.py"),
        (),
        (
            *plain(
                "Estimates of people are functions of released numbers, market shares and the noise: the threshold "
                "comes first, on devices, and no device is multiplied before it. So are quartiles, occupancy, "
                "distances, and all that foule export writes: behind the gate there is no raw count to compute from. "
            ),
            *shares,
        ),
        about=("people.shares", "people.confidence", "indicators.occupancy"),
    )
