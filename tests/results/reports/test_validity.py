"""The ledger of validity: scores without what audits or a second grading cast doubt on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from results.errors import PredictionError
from results.found import Enforced
from results.records import Verdict
from results.reports.markdown import as_markdown
from results.reports.report import Heading, Line, build_report
from results.reports.validity import Evidence, Flawed, read_flawed
from results.scores import Conditions, Score, ScoreBook

HEADING = Heading("run", "suite", "", 4, "grader")
LINES = [
    Line("a", 0, "", "", "resolved"),
    Line("b", 0, "", "", "resolved"),
    Line("c", 0, "", "", "unresolved"),
    Line("d", 0, "", "", "unresolved"),
]


def test_scores_are_given_without_the_flawed_and_without_the_flipped() -> None:
    evidence = Evidence(
        Flawed("audit", "0" * 64, {"a": "wrong test", "other": ""}), {"b", "c"}, {"c"}
    )
    report = build_report(HEADING, LINES, evidence)
    assert report.validity is not None
    shares = [
        (part.instances, part.resolved.count, part.resolved.n) for part in report.validity.without
    ]
    assert shares == [(("a",), 1, 3), (("c",), 2, 3), (("a", "c"), 1, 2)]
    assert (report.validity.regraded, report.validity.flipped) == (2, ("c",))
    text = as_markdown(report)
    assert "| named by the list of flawed instances | 1 | 1 of 3 |" in text
    assert "verdict not always the same: c" in text


def test_the_shipped_list_names_instances_with_a_reason() -> None:
    shipped = read_flawed()
    assert all("__" in name and why for name, why in shipped.instances.items())
    assert str(shipped).startswith(shipped.name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x__x-1 too strict\n# a comment\n\ny__y-2\n", {"x__x-1": "too strict", "y__y-2": ""}),
        (json.dumps({"name": "n", "instances": {"x__x-1": "why"}}), {"x__x-1": "why"}),
        (json.dumps({"instances": ["x__x-1"]}), {"x__x-1": ""}),
        (json.dumps(["x__x-1"]), {"x__x-1": ""}),
    ],
)  # fmt: skip
def test_a_list_may_have_any_of_these_forms(
    tmp_path: Path, text: str, found: dict[str, str]
) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    assert read_flawed(path).instances == found


@pytest.mark.parametrize("text", ["{", '{"instances": 3}', "{}"])
def test_a_list_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(PredictionError, match="list of flawed instances"):
        read_flawed(path)


def test_the_book_tells_every_verdict_that_holds(tmp_path: Path) -> None:
    book = ScoreBook(tmp_path)
    here = Conditions("sha256:1", 60, True, "grader 1")
    for outcome in ("resolved", "infrastructure", "unresolved"):
        book.add(Score("a", "p", "t", outcome, Verdict(False), under=here))  # type: ignore[arg-type]
    elsewhere = Conditions("sha256:2", 60, True, "grader 1")
    book.add(Score("a", "p", "t", "resolved", Verdict(True), under=elsewhere))
    said = [score.outcome for score in ScoreBook(tmp_path).history(("a", "p", "t"), here)]
    assert said == ["resolved", "unresolved"]


def test_what_is_enforced_reads_as_one_line() -> None:
    said = str(Enforced(2**30, 0.5, 100, None, False, "UTC+0000", "0"))
    assert (
        said
        == "memory 1.0 GiB, CPUs 0.5, processes 100, no network, time zone UTC+0000, hash seed 0"
    )
    assert "time zone of the image, hash seed random" in str(Enforced())
