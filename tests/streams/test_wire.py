"""What goes on the log comes back the same, and what somebody else wrote there is refused by name."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from anonymizer.cipher import Cipher
from config.errors import ContractError
from indicators.counts import Counts, Tally
from streams.watermark import BEGINNING
from streams.wire import (
    Advance,
    Bookmark,
    Claim,
    Decision,
    Message,
    ReleaseClaim,
    Seal,
    TallyPart,
    decode,
    decode_advance,
    encode,
    encode_advance,
    parts_of,
)
from tests.cells import CIPHER


def counts(cells: int, first: int = 0) -> Counts:
    where = np.arange(first, first + cells, dtype=np.int64)
    return Counts(where, where % 1000 + 1, (where * 7).astype(np.uint32))


@pytest.mark.parametrize(
    "message",
    [
        TallyPart("settings", 77, 3, 1, 300_000, 10, 310, 2, "20140628/id", b"\x01" * 8),
        Seal("settings", 0, 0, BEGINNING, 0, True, BEGINNING),
        Seal("settings", 1 << 40, 9, 1_403_949_600_000, 1 << 40, False, 1_403_949_000_000),
        Decision("settings", 5, 1, 300_000, 10, 310, b"window"),
        Claim("settings", 3, 77),
        ReleaseClaim("settings"),
        Bookmark("settings", 5, 40, [(0, 77), (None, 5)], [(0, 300_000, 310), (1, 86_400_000, 5)], [178, 179]),
        Bookmark("settings", 0, 0, [], [], []),
    ],
)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    again = decode(encode(message))
    assert type(again) is type(message)
    assert again == message


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\x80", encode_advance(Advance(1, 2)), encode(Seal("s", 0, 0, 1, 2, True, 0))[:-1]]
)
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match=r"a record of the tallies topic cannot be read .*who else writes there"):
        decode(data)


def test_an_advance_is_plain_json() -> None:
    assert encode_advance(Advance(7, 1_403_949_600_000, 9)) == b'{"next":7,"watermark":1403949600000,"token":9}'
    assert decode_advance(b' {"watermark": -5, "next": 7, "by": "hand"}') == Advance(7, -5)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b'{"next":1}', b'{"next":1.5,"watermark":2}', b'{"next":"1","watermark":2}']
)
def test_bytes_that_are_no_advance_are_refused(data: bytes) -> None:
    with pytest.raises(
        ContractError, match=r'an advance cannot be read .*expected \{"next": OFFSET, "watermark": MS\}'
    ):
        decode_advance(data)


def test_a_tally_of_any_size_comes_back_from_parts_below_a_megabyte() -> None:
    held = {
        "presence": counts(10),
        "flows": counts(123_456, 1 << 33),
        "vanished": counts(50_000),
        "arrivals": counts(1),
        "departures": counts(50_001),
    }
    tally = Tally(2, 300_000, 1000, 301_000, held)
    parts = [decode(encode(part)) for part in parts_of(tally, 5, "settings", 77, CIPHER)]
    back: dict[str, list[Counts]] = {}
    for number, part in enumerate(parts):
        assert isinstance(part, TallyPart)
        assert (part.settings, part.token, part.shard, part.layer, part.width, part.start, part.end) == (
            "settings", 77, 5, 2, 300_000, 1000, 301_000,
        )  # fmt: skip
        assert len(encode(part)) < 1_000_000
        assert part.part == number
        for indicator, found in part.counts(CIPHER).items():
            back.setdefault(indicator, []).append(found)
    assert len(parts) == 5
    assert back.keys() == held.keys()
    for name, pieces in back.items():
        columns = [np.concatenate(column).tolist() for column in zip(*pieces, strict=True)]
        assert columns == [column.tolist() for column in held[name]]


def sealed(tally: Tally, shard: int = 5) -> TallyPart:
    [part] = parts_of(tally, shard, "settings", 77, CIPHER)
    return part


def test_a_tally_shows_neither_its_counts_nor_how_many_there_are_nor_of_what() -> None:
    few = sealed(Tally(0, 300_000, 0, 300_000, {"presence": counts(1)}, "20140628/id"))
    more = sealed(Tally(0, 300_000, 0, 300_000, {"presence": counts(20), "flows": counts(15, 300)}, "20140628/id"))
    assert len(encode(few)) == len(encode(more))
    assert b"presence" not in encode(few) + encode(more)
    column = counts(20).cells.tobytes()
    assert column not in encode(more)


@pytest.mark.parametrize(
    "change", [{"shard": 6}, {"start": 300_000}, {"layer": 1}, {"part": 1}, {"key": "20140629/id"}]
)
def test_a_tally_does_not_open_in_the_place_of_another(change: dict[str, object]) -> None:
    part = sealed(Tally(0, 300_000, 0, 300_000, {"presence": counts(3)}, "20140628/id"))
    assert part.counts(CIPHER)["presence"].as_dict() == {0: 1, 1: 2, 2: 3}
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        msgspec.structs.replace(part, **change).counts(CIPHER)
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        part.counts(Cipher(bytes(32)))


def test_a_tally_of_nobody_has_no_parts() -> None:
    assert list(parts_of(Tally(0, 1, 0, 1, {}), 0, "s", 0, CIPHER)) == []
