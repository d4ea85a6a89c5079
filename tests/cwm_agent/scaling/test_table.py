"""An evidence table in memory and on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.scaling.labels import LABELS_FILE, Labels, save_labels
from cwm_agent.scaling.storage import (
    labels_beside,
    load_table,
    load_tables,
    save_table,
    table_path,
)
from cwm_agent.scaling.table import Candidate, Cell, Column, Table
from results.errors import RunFolderError, RunNotFoundError

TABLE = Table(
    "repo__issue-1",
    (Candidate("s0", 0, "diff --git a/x\udce9 b/x\n"), Candidate("s1", 1, "")),
    (
        Column("t1", "existing", before="pass"),
        Column("t2", "harvested", origin=1, before="fail", source="assert f(1) == 2"),
        Column("g", "grade"),
    ),
    {
        "s0": {"t1": Cell("pass", passes=1), "g": Cell("pass", score=0.8)},
        "s1": {"t2": Cell("fail", repeats=3, passes=1, log="cells/1.log")},
    },
)


def test_a_saved_table_is_the_same_and_is_found_in_its_run(tmp_path: Path) -> None:
    path = table_path(tmp_path, TABLE.instance)
    save_table(path, TABLE)
    assert load_table(path) == TABLE
    assert list(load_tables(tmp_path)) == [TABLE]
    assert list(load_tables(path.parent)) == [TABLE]
    assert list(load_tables(path)) == [TABLE]


def test_the_file_holds_no_verdict_and_labels_stand_beside_it(tmp_path: Path) -> None:
    path = table_path(tmp_path, TABLE.instance)
    save_table(path, TABLE)
    assert labels_beside(path) is None
    save_labels(path.parent / LABELS_FILE, Labels(TABLE.instance, {"s0": True, "s1": False}))
    labels = labels_beside(path)
    assert labels is not None
    assert labels.marginal
    assert "right" not in json.loads(path.read_text())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 99}, "version 99"),
        ({"columns": 7}, "must be a list"),
        ({"gold": "x"}, "unknown keys"),
        ({"cells": {"nobody": {}}}, "is no candidate"),
        ({"cells": {"s0": {"t9": {"outcome": "pass"}}}}, "is no column"),
        ({"cells": {"s0": {"t1": {"outcome": "pass", "score": 1.5}}}}, "from 0 to 1"),
    ],
)
def test_a_damaged_or_foreign_file_says_what_is_wrong(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "evidence.json"
    save_table(path, TABLE)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RunFolderError, match=said):
        load_table(path)


def test_no_table_is_an_error_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="cwm-agent evidence"):
        list(load_tables(tmp_path))


def test_a_column_says_by_its_first_outcome_what_it_is_evidence_of() -> None:
    assert [column.role for column in TABLE.columns] == ["regression", "reproduction", "none"]
    assert Column("t", "generated", before="other").role == "none"
    assert Column("t", "existing", before="pass", flaky=True).role == "none"


def test_repeats_that_differ_are_no_pass() -> None:
    assert not Cell("pass", repeats=3, passes=2).passed
    assert Cell("pass", repeats=3, passes=3).passed
    assert [cell.value for _, _, cell in TABLE.filled()] == [1.0, 0.8, 0.0]
