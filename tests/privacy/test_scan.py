"""The scanner finds an id that is planted in any form, and nothing where there is none."""

import base64
import json
from random import Random

import pytest

from tests.privacy.scan import Finding, find_identifiers

IMSI = "208011234567890"
IDS = {IMSI, "33612345678", "abonné-17", "A50E2F674B137B0428C74DB9B927D907"}


def noise(seed: int, pieces: int) -> list[bytes]:
    random = Random(seed)
    return [random.randbytes(random.randrange(200)) for _ in range(pieces)]


@pytest.mark.parametrize("one", sorted(IDS))
@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("raw", lambda raw: raw),
        ("hex", lambda raw: raw.hex().encode()),
        ("hex", lambda raw: raw.hex().upper().encode()),
        ("base64", lambda raw: base64.b64encode(raw)),
        ("base64", lambda raw: base64.b64encode(b'{"subscriber":"' + raw + b'"}')),
        ("base64", lambda raw: base64.b64encode(b"1" + raw + b"tail")),
        ("base64", lambda raw: base64.urlsafe_b64encode(b"\xff\xfe" + raw + b"?>")),
        ("utf-16", lambda raw: raw.decode().encode("utf-16")),
    ],
)
def test_a_planted_id_is_found_in_each_form(one: str, form: str, written: object) -> None:
    assert callable(written)
    haystack = noise(1, 500)
    haystack.insert(313, b"before " + written(one.encode()) + b" after")
    found = find_identifiers(haystack, IDS)
    assert {(finding.piece, finding.form) for finding in found} == {(313, form)}


@pytest.mark.parametrize("order", ["little", "big"])
def test_an_id_of_digits_is_found_packed_as_a_number(order: str) -> None:
    packed = int(IMSI).to_bytes(8, "little" if order == "little" else "big")
    assert find_identifiers([b"", b"xyz" + packed], IDS) == [Finding(1, 3, "number")]


def test_an_id_is_found_where_json_escapes_its_letters() -> None:
    assert find_identifiers([json.dumps({"id": "abonné-17"}).encode()], IDS) == [Finding(0, 8, "json")]


def test_every_place_of_an_id_is_told_but_not_the_id() -> None:
    haystack = [IMSI.encode(), b"", b"x" + IMSI.encode() + IMSI.encode()]
    found = find_identifiers(haystack, IDS)
    assert found == [Finding(0, 0, "raw"), Finding(2, 1, "raw"), Finding(2, 16, "raw")]
    assert IMSI not in repr(found)


def test_without_an_id_nothing_is_found() -> None:
    assert find_identifiers(noise(2, 5_000), IDS) == []
    assert find_identifiers([], IDS) == find_identifiers([b"", b"abc"], IDS) == []
    assert find_identifiers([IMSI.encode()], set()) == []


def test_an_id_split_between_two_pieces_is_in_neither() -> None:
    assert find_identifiers([IMSI[:9].encode(), IMSI[9:].encode()], IDS) == []
    assert find_identifiers([b"x" * 50 + IMSI.encode()[:-1], b"0"], IDS) == []


def test_an_id_is_found_among_thousands_in_pieces_of_any_size() -> None:
    ids = {f"2080{n:011d}" for n in range(20_000)}
    haystack = [b"y" * 6_000_000, *noise(3, 20_000), b"x" * 5_000_000 + b"208000000012345" + b"x" * 9]
    assert find_identifiers(haystack, ids) == [Finding(20_001, 5_000_000, "raw")]


def test_ids_that_are_found_by_chance_are_refused_without_telling_them() -> None:
    with pytest.raises(ValueError, match="fewer than 6 bytes") as refused:
        find_identifiers([b"abc"], {"98765"})
    assert "98765" not in str(refused.value)
