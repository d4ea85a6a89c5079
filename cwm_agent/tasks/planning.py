"""What `solve` or a suite asks for, checked and turned into a job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from cwm_agent.config.layers import Layer
from cwm_agent.config.resolve import Resolved, with_defaults
from cwm_agent.config.settings import SandboxSettings, Settings
from cwm_agent.errors import UsageError
from cwm_agent.policies import bundled
from cwm_agent.policies.chat.provider import chat_model
from cwm_agent.policies.choose import choose_policy
from cwm_agent.tasks import examples
from cwm_agent.tasks.datasets import job_of
from cwm_agent.tasks.harbor import is_suite, only_task, plan_task
from cwm_agent.tasks.inputs import (
    STDIN,
    Request,
    check_folder,
    read_issue,
    read_repository,
    read_tests,
    secret_names,
)
from cwm_agent.tasks.job import NO_SANDBOX, Job, ProblemRecord, TestsRecord
from envs.errors import SandboxError
from envs.harbor.task import HarborTask
from envs.problem.problem import Problem
from envs.progress import Say
from envs.registry import choose_kind, suitable_kinds
from envs.sandbox.kind import Need, SandboxKind
from envs.swebench.rows import Instance

DEFAULT_ROOT = "/testbed"


def plan(request: Request, resolved: Resolved, say: Say) -> Job:
    """Check everything that can be checked without beginning; raises UsageError or the like."""
    if request.image is not None:
        resolved = _with_image(resolved, request.image)
    job = _plan(request, resolved, say)
    if secrets := secret_names(request.variables):
        say(
            f"{', '.join(secrets)}: the model sees the value, and the run folder keeps it "
            "(job.json, run.json); give no secrets"
        )
    root = job.root if request.workdir is None else check_folder(request.workdir)
    return replace(job, root=root, variables=dict(request.variables), setup=request.setup)


def _with_image(resolved: Resolved, image: str) -> Resolved:
    settings = resolved.settings
    sandbox = settings.sandbox.model_copy(update={"image": image})
    return replace(resolved, settings=settings.model_copy(update={"sandbox": sandbox}))


def _plan(request: Request, resolved: Resolved, say: Say) -> Job:
    settings = resolved.settings
    if request.instance is not None:
        return _plan_instance(request, request.instance, settings)
    if request.problem is not None:
        return _plan_problem(request, request.problem, settings)
    if request.harbor is not None:
        return _plan_harbor(request, request.harbor, settings, say)
    if request.issue is not None and is_suite(request.issue):
        return _plan_harbor(request, only_task(request.issue), settings, say)
    if request.example is not None:
        return _plan_example(request, resolved, say)
    if request.generated is not None:
        return _plan_generated(request, resolved)
    if request.human and request.issue == STDIN:
        raise UsageError("--human reads your replies from standard input: give the issue as a file")
    issue = read_issue(request.issue)
    image = settings.sandbox.image
    if image is not None and (request.pip or request.apt):
        raise UsageError("an image brings its own packages: leave out --pip and --apt, or --image")
    folder = request.repository or (None if image else Path())
    checkout = None if folder is None else read_repository(folder, dirty=request.dirty)
    tests = read_tests(request.test, request.tests, request.test_report)
    return Job(
        instance=issue.name,
        issue=issue.text,
        policy=choose_policy(request.replay, request.human, settings),
        sandbox=_sandbox_kind(settings.sandbox),
        checkout=checkout,
        image=image,
        root="" if checkout is None else DEFAULT_ROOT,
        pip=request.pip,
        apt=request.apt,
        tests=tests,
        apply=request.apply,
    )


def _plan_instance(request: Request, instance: Instance, settings: Settings) -> Job:
    """An instance of SWE-bench is worked on in the image that its row names."""
    if settings.sandbox.image is not None:
        raise UsageError("every row names its own image: leave out the setting sandbox.image")
    kind = _suitable(settings.sandbox.kind, ["image"], "its repository is in an image")[0]
    policy = choose_policy(request.replay, request.human, settings)
    return job_of(instance, policy, kind.name)


def _plan_problem(request: Request, problem: Problem, settings: Settings) -> Job:
    """A problem is answered in one reply; what solutions do is seen when they are graded."""
    return Job(
        instance=problem.id,
        issue=problem.statement,
        policy=choose_policy(request.replay, request.human, settings),
        sandbox=NO_SANDBOX,
        problem=ProblemRecord(problem.kind, problem.starter),
    )


def _plan_harbor(request: Request, task: HarborTask, settings: Settings, say: Say) -> Job:
    """A Harbor task is carried out in its own image and judged by its own tests."""
    own = (request.repository, request.pip, request.apt, request.test, request.tests, request.apply)
    if any(own):
        raise UsageError(
            "a task folder has its own files and tests: leave out --repo, --apply, --pip, --apt, "
            "--test and --tests"
        )
    if settings.sandbox.image is not None:
        raise UsageError("a task folder names its own image: leave out --image (sandbox.image)")
    kind = _suitable(settings.sandbox.kind, ["image"], "its environment is an image")[0]
    policy = choose_policy(request.replay, request.human, settings)
    granted = settings.sandbox.network or bool(settings.sandbox.allow_hosts)
    return plan_task(task, policy, kind.name, network=granted, say=say)


def _plan_example(request: Request, resolved: Resolved, say: Say) -> Job:
    """An example is solved by its recording unless another policy is named."""
    settings = resolved.settings
    assert request.example is not None
    example = examples.load(request.example, say)
    task = example.task
    assert task.repository is not None
    assert task.recipe is not None
    assert task.tests is not None
    replay = request.replay
    if replay is None and not request.human and not _names_model(settings):
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


def model_settings(request: Request, resolved: Resolved) -> Resolved:
    """The settings with those of the bundled model below them, if that is the one to answer.

    It answers when no other model, recording or person is named, here or behind a chat API;
    examples have a recording of their own.
    """
    model, named = resolved.settings.model, _names_model(resolved.settings)
    served = chat_model(model)
    ours = bundled.NAME in (model, served and served.name)
    other = request.replay is not None or request.human or (named and not ours)
    if other or (request.example is not None and not named):
        return resolved
    origins = dict.fromkeys(bundled.SETTINGS, bundled.ORIGIN)
    return with_defaults(resolved, Layer(bundled.SETTINGS, origins))


def _plan_generated(request: Request, resolved: Resolved) -> Job:
    """A generated task: a repository written for this run, with hidden tests."""
    from cwm_agent.generated.repository import generated_task

    settings = resolved.settings
    assert request.generated is not None
    task = generated_task(request.generated)
    assert task.repository is not None
    assert task.tests is not None
    return Job(
        instance=task.instance,
        issue=task.issue,
        policy=choose_policy(request.replay, request.human, settings),
        sandbox=_sandbox_kind(settings.sandbox),
        checkout=read_repository(task.repository, dirty=False),
        image=settings.sandbox.image,
        root=task.root,
        tests=TestsRecord.of(task.tests),
    )


def _names_model(settings: Settings) -> bool:
    """Whether a model is asked for, be it a checkpoint or one behind URLs."""
    return settings.model is not None or settings.endpoint.urls is not None


def check_policy_flags(request: Request) -> None:
    """Raise UsageError when more than one is asked to answer."""
    named = {
        "--model": request.flags.get("model") or request.flags.get("endpoint.urls"),
        "--replay": request.replay,
        "--human": request.human,
    }
    if len(given := [name for name, value in named.items() if value]) > 1:
        raise UsageError(f"only one can answer: choose among {', '.join(given)}")


def _sandbox_kind(settings: SandboxSettings) -> str:
    needs: list[Need] = []
    if settings.image is not None:
        needs.append("image")
    if settings.allow_hosts:
        needs.append("allowed_hosts")
    _suitable(settings.kind, needs, "an image or allowed hosts were asked for")
    return choose_kind(settings.kind, needs)


def _suitable(name: str, needs: Collection[Need], why: str) -> tuple[SandboxKind, ...]:
    """As `suitable_kinds`, but what the named kind lacks is the user's mistake."""
    try:
        return suitable_kinds(name, needs)
    except SandboxError as error:
        raise UsageError(f"{why}, and {error}") from error
