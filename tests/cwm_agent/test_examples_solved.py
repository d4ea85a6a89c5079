"""Each example, solved by its recording in each kind of sandbox, and judged by upstream's tests."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from fixed_releases import fixed_release

from cwm_agent.policies.recording import load_recording
from cwm_agent.policies.replay import ReplayPolicy
from cwm_agent.prompts.packs import load as load_texts
from cwm_agent.tasks import examples
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.bubblewrap.virtualenv import host_environment
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.images.recipes import recipe_image
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import switches
from envs.repository.verify import Verifier
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import IssueTask, Recipe
from results.records import ToolRan, Verdict
from tools.registry import PUBLISHED_TOOLS

OWNER = Owner(run="tests", instance="examples", sample=0, pid=os.getpid(), boot_id=boot_id())
KINDS = [
    pytest.param("bubblewrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="bwrap")),
    pytest.param("docker", marks=pytest.mark.docker),
]


def sandbox_maker(kind: str, recipe: Recipe) -> Callable[[], Sandbox]:
    """Makes sandboxes of one kind with the recipe's packages."""
    limits = SandboxLimits()
    if kind == "docker":
        client = connect_engine()
        image = recipe_image(client, recipe)
        client.close()
        return lambda: DockerSandbox(image, limits=limits, owner=OWNER)
    host = host_environment(recipe)
    return lambda: BubblewrapSandbox(
        limits=limits,
        owner=OWNER,
        environment=host.variables,
        read_only_paths=[str(path) for path in host.read_only],
    )


@dataclass(frozen=True, slots=True)
class Solved:
    """What playing a recording gave."""

    patch: str
    exit: str
    failed_tools: list[ToolRan]


@dataclass(frozen=True)
class Case:
    """One example in one kind of sandbox."""

    kind: str
    example: examples.Example
    verifier: Verifier
    make_sandbox: Callable[[], Sandbox]

    @property
    def task(self) -> IssueTask:
        return self.example.task

    def solve(self, mode: str = "improved") -> Solved:
        """Play the recording against the real environment."""
        policy = ReplayPolicy(load_recording(self.example.conversation))
        environment = IssueEnvironment(
            self.task,
            self.make_sandbox(),
            PUBLISHED_TOOLS,
            load_texts("default"),
            switches(mode),
            Limits(),
            policy.meter,
            time.monotonic,
        )
        conversation = policy.open(seed=0)
        failed: list[ToolRan] = []
        try:
            conversation.observe(environment.start())
            while True:
                step = environment.step(conversation.reply(environment.limits()))
                failed += [e for e in step.events if isinstance(e, ToolRan) and not e.ok]
                if step.exit is not None:
                    return Solved(environment.patch(), step.exit, failed)
                conversation.observe(step.messages)
        finally:
            environment.close()

    def verify(self, patch: str) -> Verdict:
        return judged(self.example.name, self.kind, patch)


@cache
def made(name: str, kind: str) -> Case:
    example = examples.load(name)
    assert example.task.recipe is not None
    maker = sandbox_maker(kind, example.task.recipe)
    return Case(kind, example, Verifier(maker), maker)


@cache
def solved(name: str, kind: str) -> Solved:
    return made(name, kind).solve()


@cache
def judged(name: str, kind: str, patch: str) -> Verdict:
    case = made(name, kind)
    return case.verifier.verify(case.task, patch)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=examples.names())
def case(request: pytest.FixtureRequest, kind: str) -> Iterator[Case]:
    found = made(request.param, kind)
    assert found.task.repository is not None
    before = digest(found.task.repository)
    yield found
    assert digest(found.task.repository) == before, "the checkout must not be touched"


def digest(folder: Path) -> str:
    """Over names, modes and contents of everything in a folder, .git included."""
    hashed = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        hashed.update(f"{path.relative_to(folder)} {path.lstat().st_mode}".encode())
        if path.is_file() and not path.is_symlink():
            hashed.update(path.read_bytes())
    return hashed.hexdigest()


def test_the_recording_solves_it_and_upstreams_tests_agree(case: Case) -> None:
    tests = case.task.tests
    assert tests is not None
    before = case.verifier.before(case.task)
    assert before.broken == ""
    assert {test: before.outcomes[test] for test in tests.fail_to_pass} == dict.fromkeys(
        tests.fail_to_pass, "failed"
    )

    played = solved(case.example.name, case.kind)
    assert played.failed_tools == []
    assert played.exit == "submitted"

    verdict = case.verify(played.patch)
    assert verdict.fail_to_pass == dict.fromkeys(tests.fail_to_pass, True)
    assert len(verdict.pass_to_pass) > 20
    assert all(verdict.pass_to_pass.values())
    assert verdict.resolved


def test_without_a_patch_it_is_not_resolved(case: Case) -> None:
    verdict = case.verify("")
    assert not verdict.resolved
    assert verdict.detail == "the patch is empty"
    assert not any(verdict.fail_to_pass.values())
    assert all(verdict.pass_to_pass.values())


def test_the_published_mode_gives_the_same_patch(kind: str) -> None:
    case = made("boltons-onetoone", kind)
    faithful = case.solve("faithful")
    assert faithful.exit == "submitted"
    assert faithful.patch == solved("boltons-onetoone", kind).patch


@pytest.mark.docker
@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
@pytest.mark.parametrize("name", examples.names())
def test_both_kinds_of_sandbox_give_the_same_verdict(name: str) -> None:
    docker, bubblewrap = made(name, "docker"), made(name, "bubblewrap")
    patch = solved(name, "bubblewrap").patch
    assert solved(name, "docker").patch == patch
    assert docker.verify(patch) == bubblewrap.verify(patch)


@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
@pytest.mark.parametrize("name", examples.names())
def test_the_fixed_release_passes_the_tests_that_the_old_one_fails(name: str) -> None:
    case = made(name, "bubblewrap")
    tests = case.task.tests
    assert tests is not None
    fixed = replace(case.task, instance=f"{name}-fixed", repository=fixed_release(name))
    log = case.verifier.before(fixed)
    assert [test for test in tests.fail_to_pass if not log.passed(test)] == []
