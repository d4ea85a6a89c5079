"""A grader with real sandboxes of each kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envs.contest.batch import ContestLimits, ContestVerdict
from envs.contest.grader import ContestGrader, Solution
from envs.contest.places import grading_sandboxes, processors
from envs.contest.rows import read_contest_problems

from .test_rows import row

Grade = Callable[..., dict[str, tuple[ContestVerdict, int]]]
LIMITS = ContestLimits(seconds=1.0, memory_bytes=2**30, output_bytes=2**20)


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def grade(request: pytest.FixtureRequest, tmp_path: Path) -> Grade:
    """Grades texts as solutions to "add one": the verdicts, with the number of tries."""
    if request.param == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row()) + "\n")
    (problem,) = read_contest_problems(path)
    make = grading_sandboxes(request.param, lambda _line: None)

    def run(*codes: str, workers: int = 1) -> dict[str, tuple[ContestVerdict, int]]:
        found: dict[str, tuple[ContestVerdict, int]] = {}
        grader = ContestGrader(make, processors(workers), LIMITS)
        grader.grade(
            [Solution(code, code, problem) for code in codes],
            lambda solution, verdict, tries: found.update({solution.name: (verdict, tries)}),
        )
        return found

    return run
