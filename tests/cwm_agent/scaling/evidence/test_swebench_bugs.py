"""Instances of SWE-bench Verified with candidates by hand, in their images, by the official grader.

Needs rows and images: SWEBENCH_ROWS=rows.jsonl, made by `cwm-agent images build` (docs/images.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import handmade
import pytest
from real_bugs import STEER, Bug
from swebench_bugs import BLIND, SWEBENCH
from test_real_bugs import THAT_RUN_TESTS, show

from cwm_agent.config.resolve import load_settings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.generate import as_script
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.tasks.datasets import job_of, rows_of_file
from envs.progress import quiet
from envs.swebench.rows import Instance, read_instance
from results.predictions import digest
from results.scores import Verdicts
from results.store import Run

ROWS = os.environ.get("SWEBENCH_ROWS", "")
SUITE = "python -m pytest -rA -q --tb=short -p no:cacheprovider"


def file_in(image: str, path: str) -> str:
    """What the image has there."""
    command = ["docker", "run", "--rm", "--network", "none", image, "cat", f"/testbed/{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def candidates(bug: Bug, instance: Instance, folder: Path) -> dict[str, str]:
    """The patch of each candidate by its name: those that fix something come last."""
    files = {path: file_in(instance.image, path) for path in (bug.path, bug.test_file)}
    source = handmade.repository(folder, files)
    tests = f"{files[bug.test_file]}\n\ndef test_new():\n    assert True\n"
    changes: dict[str, handmade.Changes] = {
        "nothing": {},
        "tests only": {bug.test_file: tests},
        "steers the tests": {"conftest.py": STEER},
    }
    for name, (old, new) in reversed(bug.fixes.items()):
        assert files[bug.path].count(old) == 1, name
        changes[name] = {bug.path: files[bug.path].replace(old, new)}
    return {name: handmade.patch(source, change) for name, change in changes.items()}


def accepted(run: Run, instance: Instance, patches: dict[str, str]) -> set[str]:
    """The patches of a run that the official grader accepts."""
    command = [sys.executable, "-m", "cwm_agent", "score", str(run.folder), "--dataset", ROWS]
    done = subprocess.run([*command, "--no-network"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    verdicts = Verdicts(run.scores)
    return {
        name
        for name, patch in patches.items()
        if verdicts.standing(instance.id, digest(patch), None) == "resolved"
    }


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not ROWS, reason="set SWEBENCH_ROWS to rows whose images are here")
@pytest.mark.parametrize("name", SWEBENCH)
def test_recipes_pick_a_patch_that_the_official_grader_accepts(name: str, tmp_path: Path) -> None:
    bug, tests = SWEBENCH[name]
    rows = [read_instance(row.value, row.place) for row in rows_of_file(Path(ROWS))]
    (instance,) = [row for row in rows if row.id == name]
    patches = candidates(bug, instance, tmp_path / "source")
    job = job_of(instance, PolicyChoice("replay", "nobody"), "docker")
    run = handmade.handmade_run(tmp_path / "runs", job, list(patches.values()))
    settings = load_settings(
        flags={"scaling.repeats": 1, "scaling.existing": f"{SUITE} {tests}"}, environment={}
    )
    written = [as_script(source, number) for number, source in enumerate(bug.tests)]
    (gathered,) = gather(run, settings, quiet, generate=lambda *_: written)
    assert gathered.table is not None, gathered.error
    table = gathered.table
    show(table, list(patches))
    picked = {}
    for recipe in RECIPES:
        choice = recipe.make([table])(table)
        picked[recipe.name] = None if choice.chosen is None else list(patches)[int(choice.chosen)]
        print(f"  {recipe.name:20} {picked[recipe.name]} {choice.probability or ''}")
    fixes = {name: patch for name, patch in patches.items() if name in bug.fixes}
    graded = handmade.handmade_run(tmp_path / "graded", job, list(fixes.values()))
    right = accepted(graded, instance, fixes)
    print("  accepted:", ", ".join(sorted(right)))
    assert len(table.candidates) >= 8
    assert right == bug.right
    wrong = {recipe: picked[recipe] for recipe in THAT_RUN_TESTS if picked[recipe] not in right}
    assert wrong.keys() <= BLIND.get(name, set()), wrong
