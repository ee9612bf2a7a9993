"""The table says what an attack has shown, and the verdict is good only if all attacks work and none succeeds."""

from pathlib import Path

import msgspec
import pytest

from tests.privacy.__main__ import main
from tests.privacy.outcome import Outcome
from tests.privacy.table import Results, lines, verdict, write


def outcome(*, works: bool | None = True, fails: bool | None = True, id: str = "6a") -> Outcome:
    return Outcome(
        id=id,
        name="own SIMs",
        claim="inference",
        knows="his SIMs",
        figure="AUC",
        without="perturbation",
        off=1.0,
        on=0.54,
        target="at most 0.60",
        works=works,
        fails=fails,
    )


def test_the_verdict_holds_if_all_attacks_work_and_none_succeeds() -> None:
    found = verdict([outcome(), outcome(works=None, fails=None, id="6d")])
    assert found.holds
    assert str(found) == "verdict: holds. 1 attacks succeed without protection, none with it"


@pytest.mark.parametrize(
    ("works", "fails", "words"),
    [
        (False, True, "6a does not work without protection"),
        (True, False, "6a succeeds in spite of the protection"),
    ],
)
def test_the_verdict_names_what_does_not_hold(works: bool, fails: bool, words: str) -> None:
    found = verdict([outcome(works=works, fails=fails)])
    assert not found.holds
    assert words in str(found)


def test_nothing_tried_is_no_good_verdict() -> None:
    assert not verdict([]).holds
    assert not verdict([outcome(works=None, fails=None)]).holds


def test_a_line_shows_both_figures_and_the_target() -> None:
    text = " ".join(" ".join(lines(outcome())).split())
    assert "off 1 -> succeeds; on 0.54 -> fails; target at most 0.60; holds" in text
    text = " ".join(" ".join(lines(outcome(works=None, fails=None))).split())
    assert "AUC: 0.54" in text
    assert "target" not in text


def test_results_are_written_for_the_report(tmp_path: Path) -> None:
    write(tmp_path / "new" / "results.json", [outcome(), outcome(works=None, fails=None, id="6d")], 1.23, full=True)
    results = msgspec.json.decode((tmp_path / "new" / "results.json").read_bytes(), type=Results)
    assert (results.holds, results.full, results.seconds) == (True, True, 1.2)
    assert [(one["id"], one["claim"], one["holds"], one["reported"]) for one in results.outcomes] == [
        ("6a", "inference", True, False),
        ("6d", "inference", None, True),
    ]


def test_one_attack_can_be_run_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--small", "--only", "9", "--results", str(tmp_path / "results.json")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("verdict: holds. 6 attacks")
    assert (tmp_path / "results.json").exists()


def test_an_unknown_attack_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "11"])
    assert "expected one of 1, 2, 3" in capsys.readouterr().err
