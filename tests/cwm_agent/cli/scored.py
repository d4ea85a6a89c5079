"""Runs with scores, made by the real writers; what the grader left is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from envs.swebench.rows import read_instances
from results.predictions import digest
from results.records import AttemptResult, Verdict
from results.scores import Conditions, Score, ScoreBook, ScoreOutcome
from results.store import Run, Store

from ...envs.swebench_rows import row
from .conftest import EVENTS, PATCH, RESULT, STARTED

ROWS = [row(f"a__x-{number}") for number in range(4)]
UNDER = Conditions("sha256:" + "a" * 64, 1800, True, f"swebench {version('swebench')}")
LOGS = ("eval.sh", "patch.diff", "report.json", "run_instance.log", "test_output.txt")


def write_rows(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def make_run(
    store: Store, info: object, name: str, outcomes: Mapping[str, ScoreOutcome], samples: int = 1
) -> Run:
    """A run whose attempts all submitted one patch, scored as `outcomes` says."""
    run = store.create(info, name)  # type: ignore[arg-type]
    book = ScoreBook(run.folder / "scores")
    keys = {instance.id: instance.key for instance in read_instances(ROWS, "rows")}
    for instance, outcome in outcomes.items():
        for sample in range(samples):
            attempt = run.attempt(instance, sample)
            with attempt.journal() as journal:
                journal.append(replace(STARTED, instance=instance, sample=sample))
                for event in EVENTS[1:]:
                    journal.append(event)
            attempt.finish(result(instance, sample))
        log = f"logs/run_evaluation/{instance}"
        (book.folder / log).mkdir(parents=True)
        for file in LOGS:
            content = PATCH if file == "patch.diff" else file
            (book.folder / log / file).write_bytes(content.encode())
        verdict = Verdict(outcome == "resolved", {"t": outcome == "resolved"}, {"u": True})
        score = Score(instance, digest(PATCH), keys[instance], outcome, verdict, 2.0, 1, log)
        book.add(replace(score, under=UNDER))
    return run


def result(instance: str, sample: int) -> AttemptResult:
    return replace(
        RESULT, instance=instance, sample=sample, patch=PATCH, resolved=None, verdict=None
    )
