"""The three examples, with candidates by hand: tables by real execution, choices by recipes."""

from __future__ import annotations

from pathlib import Path

import handmade
import pytest
from real_bugs import BUGS, STEER, Bug

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.config.resolve import load_settings
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.generate import as_script
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.table import Table
from cwm_agent.tasks import examples
from cwm_agent.tasks.job import Job
from envs.progress import quiet
from envs.repository.verify import Verifier
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner
from envs.task import IssueTask

THAT_RUN_TESTS = {"cwm", "agentless", "hybrid", "kozuchi", "posterior"}


def candidates(bug: Bug, source: Path) -> dict[str, str]:
    """The patch of each candidate by its name: those that fix something come last."""
    text = (source / bug.path).read_text()
    tests = (source / bug.test_file).read_text()
    changes: dict[str, handmade.Changes] = {
        "nothing": {},
        "tests only": {bug.test_file: f"{tests}\n\ndef test_new():\n    assert True\n"},
        "steers the tests": {"conftest.py": STEER, "tests/conftest.py": STEER},
    }
    for name, (old, new) in reversed(bug.fixes.items()):
        assert text.count(old) == 1, name
        changes[name] = {bug.path: text.replace(old, new)}
    return {name: handmade.patch(source, change) for name, change in changes.items()}


def job_of(task: IssueTask, source: Path) -> Job:
    assert task.recipe is not None
    return handmade.job(
        task.instance,
        source,
        task.issue,
        "bubblewrap",
        pip=task.recipe.pip,
        environment=dict(task.recipe.environment),
    )


def by_upstream_tests(task: IssueTask, job: Job, patches: dict[str, str]) -> set[str]:
    """The candidates that the grader's tests accept."""
    settings = load_settings(environment={}).settings.sandbox
    maker = SandboxMaker(job, settings, Owner("test", job.instance, 0, 1, boot_id()), quiet)
    verifier = Verifier(maker.make)
    return {name for name, patch in patches.items() if verifier.verify(task, patch).resolved}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BUGS)
def test_recipes_pick_a_patch_that_the_upstream_tests_accept(name: str, tmp_path: Path) -> None:
    bug, task = BUGS[name], examples.load(name).task
    assert task.repository is not None
    source = tmp_path / "source"
    handmade.clone(task.repository, source)
    patches = candidates(bug, source)
    job = job_of(task, source)
    assert by_upstream_tests(task, job, patches) == bug.right
    run = handmade.handmade_run(tmp_path / "runs", job, list(patches.values()))
    settings = load_settings(flags={"batch.workers": 2}, environment={})
    written = [as_script(source, number) for number, source in enumerate(bug.tests)]
    (gathered,) = gather(run, settings, quiet, generate=lambda *_: written)
    assert gathered.table is not None, gathered.error
    table = gathered.table
    show(table, list(patches))
    assert len(table.candidates) >= 8
    assert table.of_kind("existing")
    assert len(table.of_kind("generated")) >= len(bug.tests)  # and calls that the issue quotes
    for recipe in RECIPES:
        if recipe.name in THAT_RUN_TESTS:
            chosen = recipe.make([table])(table).chosen
            assert chosen is not None
            assert list(patches)[int(chosen)] in bug.right, recipe.name


def show(table: Table, names: list[str]) -> None:
    """The table as people read it (pytest -s)."""
    print(f"\n{table.instance}: {len(table.of_kind('existing'))} existing tests")
    for candidate in table.candidates:
        row = []
        for role in ("regression", "reproduction"):
            cells = [table.cell(candidate, column) for column in table.of_role(role)]  # type: ignore[arg-type]
            passed = sum(cell is not None and cell.passed for cell in cells)
            row.append(f"{passed}/{len(cells)}")
        print(f"  {names[candidate.sample]:20} regression {row[0]:9} reproduction {row[1]}")
