"""Where a study's verdicts come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.scaling.labels import LABELS_FILE, Labels, save_labels
from cwm_agent.scaling.storage import save_table, table_path
from cwm_agent.scaling.study.cases import load_cases
from results.errors import RunNotFoundError
from results.files import write_record
from results.predictions import digest
from results.records import AttemptResult, Verdict
from results.scores import Score, ScoreBook

from ..marks import table

MADE = table("e", {"a": "+", "b": "+", "c": "+"})


def run_with_results(folder: Path, *resolved: bool | None) -> Path:
    """A run whose own tests said that of its samples."""
    path = table_path(folder, MADE.instance)
    save_table(path, MADE)
    for sample, verdict in enumerate(resolved):
        place = path.parent / str(sample)
        place.mkdir()
        write_record(
            place / "result.json",
            AttemptResult(
                MADE.instance,
                sample,
                "submitted",
                MADE.candidates[sample].patch,
                1,
                1.0,
                1,
                1,
                "nano",
                "bubblewrap",
                "improved",
                "pack",
                resolved=verdict,
            ),
        )
    return path


def test_the_runs_own_verdicts_count_and_missing_ones_do_not(tmp_path: Path) -> None:
    run_with_results(tmp_path, True, False, None)
    ((_, labels),) = load_cases(tmp_path)
    assert labels.right == {"a": True, "b": False}


def test_the_official_score_of_a_patch_comes_before_them(tmp_path: Path) -> None:
    run_with_results(tmp_path, True, False, None)
    book = ScoreBook(tmp_path / "scores")
    for name, outcome in (("a", "unresolved"), ("c", "resolved"), ("b", "infrastructure")):
        patch = digest(MADE.by_id[name].patch)
        book.add(Score(MADE.instance, patch, "row", outcome, Verdict(False)))  # type: ignore[arg-type]
    ((_, labels),) = load_cases(tmp_path)
    assert labels.right == {"a": False, "c": True}


def test_labels_beside_the_table_come_before_all(tmp_path: Path) -> None:
    path = run_with_results(tmp_path, True, True, True)
    save_labels(path.parent / LABELS_FILE, Labels(MADE.instance, {"a": False}))
    ((_, labels),) = load_cases(tmp_path)
    assert labels.right == {"a": False}


def test_nothing_judged_and_no_table_are_errors_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="cwm-agent evidence"):
        load_cases(tmp_path)
    run_with_results(tmp_path, None)
    with pytest.raises(UsageError, match="cwm-agent score"):
        load_cases(tmp_path)
