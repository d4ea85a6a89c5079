"""What an issue task is: the issue, the repository, where it runs, how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a repository needs to run, independent of the kind of sandbox.

    Docker turns it into an image, bubblewrap into a virtual environment on the
    host. `pip` are exact pins; `apt` are Debian packages (Docker only).
    """

    pip: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HiddenTests:
    """Tests that the model never sees; run on a clean copy with the patch applied.

    `files` maps a path in the repository to the content written over it.
    `command` runs them and reports as `report` says (envs.repository.reports): it
    prints pytest's `-rA` summary, writes JUnit XML, or only ends. `pass_to_pass`
    empty means every other test that passed before the patch.
    """

    files: Mapping[str, bytes]
    command: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] = ()
    timeout: float = 600.0
    report: str = "pytest"


@dataclass(frozen=True, slots=True)
class IssueTask:
    """One issue to solve.

    `repository` is a local git repository that stands by itself (no alternates,
    no linked worktree), because all of it is copied; None when `image` holds it.
    `setup` are bash commands that make a fresh sandbox ready, run in `root`.
    """

    instance: str
    issue: str
    repository: Path | None = None
    image: str | None = None
    recipe: Recipe | None = None
    root: str = "/testbed"
    tests: HiddenTests | None = None
    setup: tuple[str, ...] = ()
