"""Predictions read from what others write, and scores that survive a kill."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.errors import PredictionError, RunFolderError
from results.predictions import Prediction, digest, doubts, number, read_predictions
from results.records import Verdict
from results.scores import Conditions, Score, ScoreBook, ScoreOutcome

UNDER = Conditions("sha256:1", 1800, network=True, grader="swebench 5.0.2")
SCORE = Score(
    "a", digest("x"), "k", "resolved", Verdict(True, {"t": True}, {"u": True}), 1.5, under=UNDER
)
texts = st.text(st.characters(exclude_categories=("Cs",)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), texts), max_size=6))
def test_predictions_come_back_from_both_kinds_of_file(
    tmp_path: Path, pairs: list[tuple[str, str]]
) -> None:
    predictions = number(Prediction(name, patch, "m") for name, patch in pairs)
    rows = [prediction.row() for prediction in predictions]
    lines, listed = tmp_path / "preds.jsonl", tmp_path / "preds.json"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    listed.write_text(json.dumps(rows))
    assert read_predictions(lines) == read_predictions(listed) == predictions


def test_a_table_by_instance_is_read_as_mini_swe_agent_writes_it(tmp_path: Path) -> None:
    rows = {"a": {"instance_id": "a", "model_name_or_path": "m", "model_patch": None}}
    (tmp_path / "preds.json").write_text(json.dumps(rows))
    assert read_predictions(tmp_path / "preds.json") == (Prediction("a", "", "m"),)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[1]", "row 1 is not an object"),
        ('[{"instance_id": "a"}]', "row 1 lacks model_patch"),
        ('[{"instance_id": 1, "model_patch": ""}]', "must be strings"),
        ("5", "must hold a list"),
        ("[", "holds no predictions"),
        (None, "cannot read .*No such file"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, content: Any, error: str) -> None:
    path = tmp_path / "preds.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PredictionError, match=error):
        read_predictions(path)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("p.jsonl", '{"instance_id": "a", "model_patch": ""}\n\n{"x": 1}\n', "line 3 lacks"),
        (
            "p.jsonl",
            '{"instance_id": "a", "model_patch": "\u2028"}\n5\n',
            "line 2 is not an object",
        ),
        ("p.jsonl", '\n\n{"instance_id": }\n', "line 3: Expecting value .column 17.$"),
        ("p.jsonl", json.dumps([{"instance_id": "a"}], indent=1), "line 1: .*over several lines"),
        ("p.jsonl", '{\n "instance_id": "a"\n}\n{\n}\n', "line 1: .*jq -c"),
        ("p.jsonl", "[" * 100_000, "line 1 is nested too deeply"),
        ("p.json", '{"a": 1}\n{"b": 1}\n', "named .jsonl"),
        ("p.json", '{"a": {"instance_id": "a"}}', "p.json, 'a' lacks model_patch"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, error: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PredictionError, match=error):
        read_predictions(tmp_path / name)


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_a_row(tmp_path: Path) -> None:
    patch = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n"
    row = json.dumps({"instance_id": "a", "model_patch": patch, "model_name_or_path": "m"})
    (tmp_path / "p.jsonl").write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n")
    assert read_predictions(tmp_path / "p.jsonl") == (Prediction("a", patch, "m"),)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[]".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (gzip.compress(b"[]", mtime=0), r"compressed \(gzip\); unpack it"),
    ],
)
@pytest.mark.parametrize("name", ["p.json", "p.jsonl"])
def test_what_is_no_text_is_said_to_be(
    tmp_path: Path, name: str, content: bytes, error: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PredictionError, match=error):
        read_predictions(tmp_path / name)


def test_half_a_pair_of_surrogates_has_a_digest_of_its_own() -> None:
    assert len({digest(text) for text in ("", "\ud800", "\udfff", "\udc80", "\x80")}) == 5


def test_mixed_models_and_rows_of_one_instance_are_pointed_out() -> None:
    plain = number([Prediction("a", "", "m"), Prediction("b", "", "m")])
    mixed = number([*plain, Prediction("a", "x", "other")])
    assert doubts(plain, of_file=True) == []
    models, several = doubts(mixed, of_file=True)
    assert "2 models (2 of m, 1 of other)" in models
    assert "1 instances have several predictions (a)" in several
    assert doubts(mixed, of_file=False) == [models]


def test_a_score_is_found_again_unless_the_infrastructure_failed(tmp_path: Path) -> None:
    book = ScoreBook(tmp_path / "scores")
    failed = replace(SCORE, outcome="infrastructure", verdict=Verdict(False))
    book.add(failed)
    assert ScoreBook(book.folder).get(SCORE.key, UNDER) == failed
    assert ScoreBook(book.folder).final(SCORE.key, UNDER) is None
    book.add(SCORE)
    assert ScoreBook(book.folder).final(SCORE.key, UNDER) == SCORE
    for other in (("b", *SCORE.key[1:]), ("a", digest("y"), "k"), ("a", digest("x"), "other")):
        assert book.get(other, UNDER) is None


@pytest.mark.parametrize(
    ("outcome", "changes", "holds"),
    [
        ("resolved", {}, True),
        ("resolved", {"image": "sha256:2"}, False),
        ("resolved", {"image": ""}, True),  # not here: then it was not made anew here
        ("resolved", {"grader": "swebench 6.0.0"}, False),
        ("unresolved", {"network": False}, False),
        ("unresolved", {"timeout": 3600}, True),
        ("timeout", {"timeout": 3600}, False),
        ("timeout", {"timeout": 60}, True),
        ("empty", {"image": "sha256:2", "grader": ""}, True),
    ],
)
def test_a_score_holds_where_grading_would_say_the_same(
    tmp_path: Path, outcome: ScoreOutcome, changes: dict[str, Any], holds: bool
) -> None:
    book, wanted = ScoreBook(tmp_path), replace(UNDER, **changes)
    score = replace(SCORE, outcome=outcome)
    book.add(score)
    assert book.final(SCORE.key, wanted) == (score if holds else None)
    assert book.get(SCORE.key, wanted) == score


def test_a_score_counts_again_when_its_image_is_back(tmp_path: Path) -> None:
    book, other = ScoreBook(tmp_path), replace(UNDER, image="sha256:2")
    mended = replace(SCORE, outcome="unresolved", under=other)
    for score in (SCORE, mended, replace(SCORE, instance="b", under=None)):
        book.add(score)
    book = ScoreBook(tmp_path)
    assert (book.final(SCORE.key, UNDER), book.final(SCORE.key, other)) == (SCORE, mended)
    assert book.final(("b", *SCORE.key[1:]), UNDER) is None  # nobody knows how it was made


def test_a_kill_at_any_byte_loses_at_most_the_last_score(tmp_path: Path) -> None:
    book = ScoreBook(tmp_path)
    book.add(SCORE)
    second = replace(SCORE, instance="b")
    path = tmp_path / "scores.jsonl"
    first = path.stat().st_size
    book.add(second)
    data = path.read_bytes()
    for size in range(first, len(data)):
        path.write_bytes(data[:size])
        book = ScoreBook(tmp_path)
        assert (book.get(SCORE.key, UNDER), book.get(second.key, UNDER)) == (SCORE, None)
        book.add(second)
        assert path.read_bytes() == data


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text('{"instance": 1}\n{}\n')
    with pytest.raises(RunFolderError, match="damaged in line 1"):
        ScoreBook(tmp_path)
