"""A run whose samples somebody wrote by hand: patches and, where wanted, what a model did."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.inputs import read_repository
from cwm_agent.tasks.job import Job, TestsRecord, write_job
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Replied,
    Reply,
    RunInfo,
    Submitted,
)
from results.store import Run, Store

Changes = Mapping[str, str | None]
"""New texts of files by path; None removes one."""


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository with one commit."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "start")
    return folder


def clone(source: Path, target: Path) -> None:
    """A copy with a working tree of its own."""
    _git(source, "clone", "-q", str(source), str(target))


def patch(folder: Path, changes: Changes) -> str:
    """The diff of some changes, which are taken back."""
    for path, text in changes.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True) if text is None else target.write_text(text)
    _git(folder, "add", "-AN")
    diff = _git(folder, "diff")
    _git(folder, "reset", "-q", "--hard")
    _git(folder, "clean", "-fdq")
    return diff


def job(instance: str, folder: Path, issue: str, sandbox: str, **more: object) -> Job:
    """A job on a repository of this host."""
    checkout = read_repository(folder, dirty=False)
    policy = PolicyChoice("replay", "nobody")
    return Job(instance, issue, policy, sandbox, checkout, **more)  # type: ignore[arg-type]


def hidden_tests() -> TestsRecord:
    """What only the grader may read."""
    return TestsRecord({"tests/hidden.py": "secret"}, "secret", ("secret",), ("secret",))


def handmade_run(
    folder: Path,
    what: Job,
    patches: Sequence[str],
    said: Mapping[int, Sequence[str]] | None = None,
) -> Run:
    """A run with one sample a patch; `said` are replies by sample."""
    store = Store(folder)
    known = (folder / "handmade" / "run.json").exists()
    run = store.open("handmade") if known else store.create(RunInfo("", ()), "handmade")
    for sample, diff in enumerate(patches):
        attempt = run.attempt(what.instance, sample)
        write_job(attempt.folder, what)
        events: list[Event] = [
            AttemptStarted(what.instance, sample, "hand", what.sandbox, "x@y", "improved", 1, "")
        ]
        replies = (said or {}).get(sample, ())
        events += [Replied(n, Reply(text)) for n, text in enumerate(replies, 1)]
        events += [Submitted(len(replies), diff), Ended("submitted")]
        with closing(attempt.journal()) as journal:
            for event in events:
                journal.append(event)
        attempt.finish(_result(what, sample, diff))
    return run


def _result(what: Job, sample: int, diff: str) -> AttemptResult:
    return AttemptResult(
        instance=what.instance,
        sample=sample,
        exit_reason="submitted",
        patch=diff,
        turns=3,
        seconds=1.0,
        prompt_tokens=10,
        completion_tokens=100 + sample,
        policy="hand",
        sandbox=what.sandbox,
        mode="improved",
        prompt_pack="x@y",
    )


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout
