"""The examples: real bugs of real packages, fetched from the package index when first used.

A folder in `examples/` holds `task.yaml` (which release has the bug, which one
fixed it, the issue, the tests of the fixed release that show it) and
`conversation.yaml` (a recorded solution). No code of the packages is kept here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cwm_agent.errors import UsageError
from envs.progress import Say, quiet
from envs.repository.releases import Release, fetch
from envs.task import HiddenTests, IssueTask, Recipe

FOLDER = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """A task ready to be solved, and the recording of one solution."""

    name: str
    title: str
    task: IssueTask
    conversation: Path


def names() -> list[str]:
    """The examples there are, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/task.yaml"))


def conversation(name: str) -> Path:
    """The recording of an example; raises UsageError for an unknown name."""
    return _folder(name) / "conversation.yaml"


def load(name: str, progress: Say = quiet) -> Example:
    """The example `name`; fetches its package on first use.

    Raises UsageError for an unknown name and SandboxError when the package
    cannot be fetched.
    """
    described = _described(name)
    with ThreadPoolExecutor() as pool:
        buggy, fixed = pool.map(
            lambda which: _release(described, which, progress), ("buggy", "fixed")
        )
    return Example(
        name=name,
        title=described["title"],
        task=_task(name, described, buggy, fixed),
        conversation=conversation(name),
    )


def _task(name: str, described: dict[str, Any], buggy: Path, fixed: Path) -> IssueTask:
    tests = HiddenTests(
        files={path: (fixed / path).read_bytes() for path in described["test_files"]},
        command=described["command"],
        fail_to_pass=tuple(described["fail_to_pass"]),
    )
    recipe = Recipe(
        pip=tuple(described["pip"]),
        environment=tuple(described.get("environment", {}).items()),
    )
    return IssueTask(
        instance=name, issue=described["issue"], repository=buggy, recipe=recipe, tests=tests
    )


def _described(name: str) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((_folder(name) / "task.yaml").read_text("utf-8"))
    return described


def _release(described: dict[str, Any], which: str, progress: Say) -> Path:
    return fetch(Release(described["package"], **described[which]), progress)


def _folder(name: str) -> Path:
    if name not in names():
        raise UsageError(
            f"there is no example '{name}'; there are: {', '.join(names()) or 'none'} "
            "(examples come with a checkout of the project, not with an installed package)"
        )
    return FOLDER / name
