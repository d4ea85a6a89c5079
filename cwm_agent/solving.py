"""The command `solve`: from its options to an outcome on the screen and an exit code."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cwm_agent import examples
from cwm_agent.cli.exit_codes import ExitCode, code_of_attempt
from cwm_agent.config import Resolved, load_settings, recorded
from cwm_agent.errors import UsageError
from cwm_agent.job import COPY, JOB_FILE, Job, PolicyChoice, SandboxKind, TestsRecord, read_job
from cwm_agent.policies.choose import choose_policy, find_checkpoint
from cwm_agent.progress import Progress, print_patch
from cwm_agent.request import STDIN, read_issue, read_repository, read_tests
from cwm_agent.settings import SandboxSettings
from cwm_agent.solve import Outcome, apply_to_checkout, go_on, resume_hint, start
from cwm_agent.view.console import console
from envs.choose import choose_kind
from envs.sweep import sweep
from results.codec import encode
from results.store import UNFINISHED, Attempt, Store

EXAMPLE = "example:"


@dataclass(frozen=True, slots=True)
class Request:
    """The options of `cwm-agent solve`, as given; `flags` are settings by their dotted keys."""

    issue: str | None = None
    repository: Path | None = None
    dirty: bool = False
    apply: bool = False
    replay: Path | None = None
    human: bool = False
    pip: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    test: str | None = None
    tests: Path | None = None
    name: str | None = None
    resume: str | None = None
    config_files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)


def run_request(request: Request, *, as_json: bool) -> int:
    """Do what was asked and print it; returns the exit code. Raises the errors of the parts."""
    _check_policy_flags(request)
    resolved = load_settings(
        config_files=request.config_files, assignments=request.assignments, flags=request.flags
    )
    store = Store(resolved.runs_folder())
    progress = Progress(sys.stderr)
    _sweep(store, progress)
    if request.resume is not None:
        job, outcome = _resume(store, request, progress)
    else:
        job = plan(request, resolved, progress)
        outcome = start(store, request.name, job, resolved, progress)
    code = code_of_attempt(outcome.result.exit_reason, outcome.result.resolved)
    if job.apply and outcome.result.exit_reason not in UNFINISHED:
        try:
            outcome = apply_to_checkout(outcome, job)
        except UsageError as error:
            progress.say(f"error: {error}", "bold red")
            code = code or ExitCode.ENVIRONMENT
    _print(outcome, progress, as_json=as_json)
    return code


def plan(request: Request, resolved: Resolved, progress: Progress) -> Job:
    """Check everything that can be checked without beginning; raises UsageError or the like."""
    settings = resolved.settings
    if request.issue is not None and request.issue.startswith(EXAMPLE):
        return _plan_example(request, resolved, progress)
    if request.human and request.issue == STDIN:
        raise UsageError("--human reads your replies from standard input: give the issue as a file")
    issue = read_issue(request.issue)
    image = settings.sandbox.image
    if image is not None and (request.pip or request.apt):
        raise UsageError("an image brings its own packages: leave out --pip and --apt, or --image")
    folder = request.repository or (None if image else Path())
    checkout = None if folder is None else read_repository(folder, dirty=request.dirty)
    tests = read_tests(request.test, request.tests)
    return Job(
        instance=issue.name,
        issue=issue.text,
        policy=choose_policy(request.replay, request.human, settings),
        sandbox=_sandbox_kind(settings.sandbox),
        checkout=checkout,
        image=image,
        pip=request.pip,
        apt=request.apt,
        tests=tests,
        apply=request.apply,
    )


def _plan_example(request: Request, resolved: Resolved, progress: Progress) -> Job:
    """An example is solved by its recording unless another policy is named."""
    settings = resolved.settings
    assert request.issue is not None
    example = examples.load(request.issue.removeprefix(EXAMPLE), progress.say)
    task = example.task
    assert task.repository is not None
    assert task.recipe is not None
    assert task.tests is not None
    replay = request.replay
    if replay is None and not request.human and settings.model is None:
        replay = example.conversation
    return Job(
        instance=task.instance,
        issue=task.issue,
        policy=choose_policy(replay, request.human, settings),
        sandbox=_sandbox_kind(settings.sandbox),
        checkout=read_repository(task.repository, dirty=False),
        image=settings.sandbox.image,
        root=task.root,
        pip=task.recipe.pip,
        apt=task.recipe.apt,
        environment=dict(task.recipe.environment),
        tests=TestsRecord.of(task.tests),
    )


def _resume(store: Store, request: Request, progress: Progress) -> tuple[Job, Outcome]:
    given = {
        "an issue": request.issue,
        "--repo": request.repository,
        "--dirty": request.dirty,
        "--pip": request.pip,
        "--apt": request.apt,
        "--test": request.test,
        "--tests": request.tests,
        "--name": request.name,
    }
    if extra := [name for name, value in given.items() if value]:
        raise UsageError(f"a resumed run keeps its task: leave out {', '.join(extra)}")
    assert request.resume is not None
    run = store.open(request.resume)
    resolved = recorded(run.info().settings)
    jobs = sorted(run.folder.glob(f"*/*/{JOB_FILE}"))
    if len(jobs) != 1:
        raise UsageError(f"run {run.name} was not made by solve; only such runs can be resumed")
    attempt = Attempt(jobs[0].parent, int(jobs[0].parent.name))
    job = read_job(attempt.folder)
    policy = _other_policy(request) or job.policy
    job = replace(job, policy=policy, apply=job.apply or request.apply)
    return job, go_on(run, attempt, job, resolved, progress)


def _other_policy(request: Request) -> PolicyChoice | None:
    """A policy named for the rest of an attempt."""
    if (model := request.flags.get("model")) is not None:
        return PolicyChoice("embedded", str(find_checkpoint(str(model)).absolute()))
    if request.replay is not None:
        return PolicyChoice("replay", str(request.replay.absolute()))
    return PolicyChoice("human") if request.human else None


def _check_policy_flags(request: Request) -> None:
    named = {
        "--model": request.flags.get("model"),
        "--replay": request.replay,
        "--human": request.human,
    }
    if len(given := [name for name, value in named.items() if value]) > 1:
        raise UsageError(f"only one can answer: choose among {', '.join(given)}")


def _sandbox_kind(settings: SandboxSettings) -> SandboxKind:
    if settings.image is not None and settings.kind == "bubblewrap":
        raise UsageError("bubblewrap takes no image: leave out --image, or use --sandbox docker")
    return choose_kind("docker" if settings.image is not None else settings.kind)


def _sweep(store: Store, progress: Progress) -> None:
    """Remove what killed processes left: sandboxes, and working copies in run folders."""
    for stray in sweep():
        progress.say(f"removed a stray {stray.kind}: {stray.name}", "dim")
    for copy in store.root.glob(f"*/*/*/{COPY}"):
        if not Attempt(copy.parent, 0).live:
            shutil.rmtree(copy, ignore_errors=True)


def _print(outcome: Outcome, progress: Progress, *, as_json: bool) -> None:
    result = outcome.result
    if result.exit_reason in UNFINISHED:
        progress.say(f"{result.exit_reason}: {result.detail}".removesuffix(": "), "bold red")
        progress.say(resume_hint(outcome.run), "yellow")
    else:
        shown_on_stdout = not as_json and sys.stdout.isatty()
        if not shown_on_stdout:
            progress.patch(result.patch)
        progress.end(result)
    if outcome.applied:
        progress.say(f"applied to the checkout: {', '.join(outcome.applied)}", "green")
    if as_json:
        print(json.dumps(as_object(outcome)))
    elif sys.stdout.isatty():
        print_patch(console(), result.patch)
    else:
        sys.stdout.buffer.write(result.patch.encode("utf-8", "surrogateescape"))


def as_object(outcome: Outcome) -> dict[str, object]:
    """What `--json` prints: the result's fields, the run's name and folder, what was applied."""
    result: dict[str, object] = encode(outcome.result)
    applied = None if outcome.applied is None else list(outcome.applied)
    folder = str(outcome.run.folder.absolute())
    return {**result, "run": outcome.run.name, "folder": folder, "applied": applied}
