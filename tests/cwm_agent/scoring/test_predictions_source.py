"""What `score` was given, and which rows may judge it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.batch.manifest import BatchRecord, begin
from cwm_agent.errors import UsageError
from cwm_agent.scoring.predictions_source import check_dataset, source_of_file, source_of_run
from results.records import AttemptResult, RunInfo
from results.store import Store

ROWS = "SWE-bench/SWE-bench_Verified@main"


@pytest.mark.parametrize(
    ("own", "named", "said"),
    [
        ("math500:sample", "math500:/other/rows.jsonl", ""),
        ("math500:sample", "aime24:/rows.jsonl", "aime24 rows.*math500,.*--dataset math500:FILE"),
        ("math500:sample", ROWS, "other rows, but run one answered math500"),
        (ROWS, "livecodebench:sample", "livecodebench rows, but run one answered SWE-bench/"),
        ("", "aime25:sample", "answered tasks of its own"),
        ("", ROWS, ""),
        (ROWS, "/corrected/rows.jsonl", ""),
    ],
)
def test_a_run_is_judged_by_rows_of_its_own_suite(
    tmp_path: Path, own: str, named: str, said: str
) -> None:
    run = Store(tmp_path).create(RunInfo("2026-01-01T00:00:00Z", ("run",)), "one")
    begin(run, BatchRecord(own or "tasks.yaml", 1, dataset=own))
    attempt = run.attempt("i01")
    attempt.journal().close()
    attempt.finish(
        AttemptResult("i01", 0, "submitted", "83", 1, 1.0, 1, 1, "p", "none", "improved", "d")
    )
    source = source_of_run(run, None)
    if not said:
        check_dataset(named, source)
        return
    with pytest.raises(UsageError, match=said):
        check_dataset(named, source)


def test_predictions_of_a_file_are_judged_by_what_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"instance_id": "i01", "model_name_or_path": "m", "model_patch": "83"}\n')
    check_dataset("aime24:sample", source_of_file(path, None))
