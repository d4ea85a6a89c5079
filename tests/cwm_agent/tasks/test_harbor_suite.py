"""Folders of tasks as a suite: what is chosen, and what is left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.harbor import needs_patch, only_task, plan_task, read_suite, unchanged_task
from cwm_agent.tasks.suite import choose
from envs.errors import HarborError
from envs.harbor.task import read_task

TASKS = Path(__file__).parents[2] / "envs" / "harbor" / "tasks"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two good tasks, and one that wants what is not supported."""
    for name in ("count-words", "lock-key", "fix-total"):
        shutil.copytree(TASKS / name, tmp_path / name)
    (tmp_path / "fix-total" / "environment" / "docker-compose.yaml").write_text("services: {}\n")
    return tmp_path


def test_a_task_that_is_not_supported_is_left_out_and_named(suite: Path) -> None:
    found = read_suite(str(suite))
    assert [task.id for task in found.tasks] == ["count-words", "lock-key"]
    assert len(found.left_out) == 1
    assert "fix-total" in found.left_out[0]
    chosen = choose(str(suite), Selection(difficulties=("easy",)), None)
    assert list(chosen.requests) == ["count-words", "lock-key"]
    assert chosen.notes == found.left_out


def test_one_that_is_asked_for_is_refused(suite: Path) -> None:
    with pytest.raises(HarborError, match="several services"):
        read_suite(str(suite), Selection(ids=("fix-total",)))
    with pytest.raises(HarborError, match="several services"):
        read_suite(str(suite / "fix-total"))
    with pytest.raises(UsageError, match="3 tasks"):
        only_task(str(suite))


def test_a_folder_without_tasks_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no task"):
        choose(str(tmp_path), Selection(), None)


def test_a_task_that_changed_is_not_gone_on_with(suite: Path) -> None:
    task = read_task(suite / "lock-key")
    said: list[str] = []
    job = plan_task(task, PolicyChoice("human"), "docker", network=False, say=said.append)
    assert job.harbor is not None
    assert "network" in said[0]
    assert unchanged_task(job.harbor).key == task.key
    with pytest.raises(UsageError, match="has none"):
        needs_patch(job, "evidence")
    (suite / "lock-key" / "tests" / "test.sh").write_text("exit 0\n")
    with pytest.raises(HarborError, match="changed since"):
        unchanged_task(job.harbor)
