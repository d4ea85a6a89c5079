"""Predictions read from what others write, and scores that survive a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.errors import PredictionError, RunFolderError
from results.predictions import Prediction, digest, number, read_predictions
from results.records import Verdict
from results.scores import Score, ScoreBook

SCORE = Score("a", digest("x"), "k", "resolved", Verdict(True, {"t": True}, {"u": True}), 1.5)
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
        ("[1]", "prediction 1 is no object"),
        ('[{"instance_id": "a"}]', "prediction 1 lacks model_patch"),
        ('[{"instance_id": 1, "model_patch": ""}]', "must be texts"),
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


def test_a_score_is_found_again_unless_the_infrastructure_failed(tmp_path: Path) -> None:
    book = ScoreBook(tmp_path / "scores")
    failed = replace(SCORE, outcome="infrastructure", verdict=Verdict(False))
    book.add(failed)
    assert ScoreBook(book.folder).get(SCORE.key) == failed
    assert ScoreBook(book.folder).final(SCORE.key) is None
    book.add(SCORE)
    assert ScoreBook(book.folder).final(SCORE.key) == SCORE
    for other in (("b", *SCORE.key[1:]), ("a", digest("y"), "k"), ("a", digest("x"), "other")):
        assert book.get(other) is None


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
        assert (book.get(SCORE.key), book.get(second.key)) == (SCORE, None)
        book.add(second)
        assert path.read_bytes() == data


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text('{"instance": 1}\n{}\n')
    with pytest.raises(RunFolderError, match="damaged in line 1"):
        ScoreBook(tmp_path)
