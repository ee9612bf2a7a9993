"""From where a device is: its home area, its country, or unknown, as a small number for each event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import compress, repeat

import numpy as np
from numpy.typing import NDArray

from config.sections import OriginsSettings
from indicators.origin_tables import Country, read_areas, read_countries

#: The code of a device of which nothing is known; also its label.
UNKNOWN = 0
UNKNOWN_LABEL = "unknown"
LOCAL_LABEL = "local"
NATIONAL, FOREIGN = "national", "foreign"

#: In the table of MCCs: the home area decides; there is no MCC.
_HOME, _NO_MCC = -1, -2
#: Digits of an IMSI, of which the first three are an MCC (ITU-T E.212).
_SHORTEST_IMSI, _LONGEST_IMSI = 14, 15

_Keys = dict[str | int | None, int]


class Origins:
    """The origins that are told apart, by code: 0 is unknown, then come the home areas in the order of their table,
    then the countries in order of their alpha-2 codes. It does not change.

    ``size``: how many codes there are; ``names``: the title, for people, of each label; ``fingerprint``: of all that
    decides what a code means and who gets it.
    """

    def __init__(self, areas: Mapping[str, str], countries: Sequence[Country], home_mcc: Sequence[str]) -> None:
        """``areas``: code to name of at most 10,000; ``home_mcc``: the MCCs of SIMs that are not foreign."""
        self._areas = tuple(areas)
        ordered = sorted(countries)
        self._labels = (
            UNKNOWN_LABEL,
            *(f"{NATIONAL}:{area}" for area in self._areas),
            *(f"{FOREIGN}:{country.code}" for country in ordered),
        )
        self.size = len(self._labels)
        titles = ("Unknown", *areas.values(), *(country.name for country in ordered))
        self.names: Mapping[str, str] = dict(zip(self._labels, titles, strict=True)) | {LOCAL_LABEL: "Local"}
        first = 1 + len(self._areas)
        foreign = {mcc: first + at for at, country in enumerate(ordered) for mcc in country.mccs}
        of_mcc = foreign | dict.fromkeys(home_mcc, _HOME)
        self._of_mcc: _Keys = {**_with_numbers(of_mcc), None: _NO_MCC, "": _NO_MCC}
        self._of_area = _with_numbers({area: 1 + at for at, area in enumerate(self._areas)})
        decides = repr((self._labels, sorted(of_mcc.items())))
        self.fingerprint = hashlib.sha256(decides.encode()).hexdigest()

    @classmethod
    def of(cls, settings: OriginsSettings) -> Origins:
        """The origins of the settings; raises SettingsError if the table of areas cannot be used."""
        return cls(read_areas(settings.areas), read_countries(), settings.home_mcc)

    def codes(
        self, mcc: Sequence[str | int | None], home: Sequence[str | int | None], subscribers: Sequence[str]
    ) -> NDArray[np.int16]:
        """The origin of each event, int16 (n,), from columns of n entries.

        By the ``mcc``, else by the first three digits of a ``subscriber`` of 14 or 15 digits (an IMSI): a country that
        is not at home; with an MCC that is at home, or without any, by ``home``. A number is read as its digits.
        """
        # Whole columns through dicts: what a dict does not have is unknown, and nothing is kept of what was asked.
        codes = _looked_up(self._of_mcc, mcc)
        silent = codes == _NO_MCC
        if silent.any():
            codes[silent] = self._by_imsi(list(compress(subscribers, silent.tolist())))
        at_home = codes == _HOME
        return np.where(at_home, _looked_up(self._of_area, home), codes) if at_home.any() else codes

    def _by_imsi(self, subscribers: list[str]) -> NDArray[np.int16]:
        of_mcc = self._of_mcc
        codes = (
            of_mcc.get(one[:3], UNKNOWN)
            if _SHORTEST_IMSI <= len(one) <= _LONGEST_IMSI and one.isdecimal() and one.isascii()
            else _HOME
            for one in subscribers
        )
        return np.fromiter(codes, np.int16, len(subscribers))

    def code_of(self, area: str | None) -> int:
        """The code of a home area; -1 for one that the table does not have."""
        return -1 if area is None else self._of_area.get(area, -1)

    def label(self, code: int, area: str | None) -> str:
        """The name of an origin in a zone of the home area ``area`` (None: of no area): "unknown", "local",
        "national:AREA" or "foreign:COUNTRY"."""
        return LOCAL_LABEL if self._is_local(code, area) else self._labels[code]

    def pool(self, code: int, area: str | None) -> str | None:
        """The class of an origin in a zone of the home area ``area``: "national", "foreign", or None for those that
        are in a class of their own, unknown and local."""
        if code == UNKNOWN or self._is_local(code, area):
            return None
        return NATIONAL if code <= len(self._areas) else FOREIGN

    def _is_local(self, code: int, area: str | None) -> bool:
        return 0 < code <= len(self._areas) and self._areas[code - 1] == area


def _with_numbers(codes: Mapping[str, int]) -> _Keys:
    """The codes also by the integers that are written like their keys."""
    digits = [key for key in codes if key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0")]
    found: _Keys = dict(codes.items())
    return found | {int(key): codes[key] for key in digits}


def _looked_up(table: _Keys, column: Sequence[str | int | None]) -> NDArray[np.int16]:
    return np.fromiter(map(table.get, column, repeat(UNKNOWN)), np.int16, len(column))
