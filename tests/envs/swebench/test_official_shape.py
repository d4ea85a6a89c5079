"""An image of the official shape: the model, its tests and the grader see one environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.prompts.packs import load
from envs.docker.sandbox import DockerSandbox
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import switches
from envs.repository.verify import verify
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.swebench.grader import GradeOptions, Grader
from envs.swebench.rows import read_instance
from envs.task import HiddenTests, IssueTask
from tools.registry import PUBLISHED_TOOLS

from ..conftest import Characters, Clock, Game
from ..graded import Greetings, greetings_image

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
OWNER = Owner("official", "shape", 0, os.getpid(), boot_id())
PYTHON = "/opt/miniconda3/envs/testbed/bin/python"
LOOK = "which python; python -c 'import pytest; print(pytest.__version__)'; echo $CONDA_DEFAULT_ENV"
SEEN = f"{PYTHON}\n8.4.2\ntestbed\n"


@pytest.fixture(scope="module")
def greetings(tmp_path_factory: pytest.TempPathFactory) -> Greetings:
    return Greetings(tmp_path_factory.mktemp("greetings"))


@pytest.fixture(scope="module")
def image(greetings: Greetings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with greetings_image(greetings, tmp_path_factory.mktemp("state")) as name:
        yield name


def sandbox(image: str) -> DockerSandbox:
    return DockerSandbox(image, limits=SandboxLimits(), owner=OWNER)


def game(image: str, mode: str) -> Game:
    place, clock = sandbox(image), Clock()
    environment = IssueEnvironment(
        IssueTask("greet", "part() shouts", image=image),
        place,
        PUBLISHED_TOOLS,
        load("default"),
        switches(mode),
        Limits(context_tokens=200_000, command_seconds=20.0),
        Characters(),
        clock,
    )
    return Game(environment, place, clock)


@pytest.mark.parametrize("mode", ["faithful", "improved"])
def test_the_models_shell_has_it_after_restarts_and_a_resume(image: str, mode: str) -> None:
    play = game(image, mode)
    try:
        play.start()
        assert SEEN in said(play, LOOK)
        assert "2 passed" in said(play, "python -m pytest -q")
        assert SEEN not in said(play, "exit 4")  # ends the shell, in faithful mode the session
        assert SEEN in said(play, LOOK)
        said(play, "sed -i s/Bye/Goodbye/ greet.py")
    finally:
        play.environment.close()
    again = game(image, mode)
    try:
        again.environment.restore(tuple(play.events))
        assert SEEN in said(again, LOOK)
        assert "Goodbye" in said(again, "git diff")
    finally:
        again.environment.close()


def test_own_tests_and_the_official_grader_see_the_same(
    image: str, greetings: Greetings, tmp_path: Path
) -> None:
    instance = read_instance(greetings.row("greet", image), "row")
    with Grader(tmp_path, GradeOptions(120, network=False)) as official:
        graded = official.grade(instance.row, instance.gold, "some/model")
    assert graded.outcome == "resolved"
    log = (tmp_path / graded.log / "test_output.txt").read_text()
    assert "pytest-8.4.2" in log
    check = b"import sys\n\n\ndef test_python():\n    assert sys.prefix.endswith('testbed')\n"
    tests = HiddenTests(
        {"tests/test_python.py": check},
        "python -m pytest -rA tests",
        ("tests/test_python.py::test_python",),
    )
    task = IssueTask("greet", "", image=image, tests=tests)
    assert verify(task, instance.gold, lambda: sandbox(image)).resolved


def said(play: Game, command: str) -> str:
    step: Any = play.call("bash", command)
    text: str = step.messages[0].text
    return text
