"""From where the people of the festival are, in the words of the published numbers."""

import numpy as np
from numpy.typing import NDArray

from simulator.population import FRANCE, Population

COUNTRY_CODES = {"234": "GB", "262": "DE", "206": "BE", "204": "NL", "214": "ES", "222": "IT", "228": "CH"}
"""ISO 3166 code of each home country of a foreign SIM (ITU-T E.212: MCC to country)."""

LOCAL = "local"


def origins_of(population: Population) -> NDArray[np.str_]:
    """The origin of each person, (people,): "national:75" by the contract's departement, "foreign:DE" by the SIM."""
    return np.array(
        [
            f"national:{home}" if mcc == FRANCE else f"foreign:{COUNTRY_CODES[mcc]}"
            for mcc, home in zip(population.mcc, population.home, strict=True)
        ]
    )


def seen_from(origin: str, area: str | None) -> str:
    """What an origin is called in a zone of this area (None for none): "local" if it is the area's own."""
    return LOCAL if area is not None and origin == f"national:{area}" else origin
