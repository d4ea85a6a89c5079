"""A sandbox without walls: bash and git on a temporary folder; and the Docker engine."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cwm_agent.prompts.packs import load
from envs.docker.engine import connect_engine
from envs.environment import Step
from envs.errors import SandboxError
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import Switches, improved
from envs.task import IssueTask
from results.records import Event, Message, Observed, Replied, Reply
from tools.registry import PUBLISHED_TOOLS
from tools.workspace import CommandResult, PathKind

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerClient]:
    try:
        client = connect_engine()
    except SandboxError as error:
        pytest.skip(str(error))
    yield client
    client.close()


class LocalSandbox:
    """A `Sandbox` without walls. `break_down` makes it go away for real: its folder too."""

    kind = "local"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._cwd = str(folder)
        self.path = os.environ["PATH"]

    @property
    def cwd(self) -> str:
        return self._cwd

    def open(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    break_down = close

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """Like the persistent shell as far as its folder goes; `exit` ends it."""
        where = self.home / "cwd"
        result = self._bash(f"cd {self._cwd} && {command}\npwd > {where}", timeout)
        if result.ending != "exited":
            return result
        if not where.exists():
            return CommandResult(
                result.output, result.exit_code, "shell_ended", result.seconds, self._cwd
            )
        self._cwd = where.read_text().strip()
        where.unlink()
        return CommandResult(result.output, 0, "exited", result.seconds, self._cwd)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        return self._bash(command, timeout)

    run_fresh = control

    def _bash(self, command: str, timeout: float) -> CommandResult:
        if not self.home.is_dir():
            return CommandResult("", None, "lost", 0.0, self._cwd)
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env={"HOME": str(self.home), "PATH": self.path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            partial = (error.output or b"").decode("utf-8", "replace")
            return CommandResult(partial, None, "timeout", timeout, self._cwd)
        output = done.stdout.decode("utf-8", "replace")
        return CommandResult(output, done.returncode, "exited", 0.01, self._cwd)

    def path_kind(self, path: str) -> PathKind:
        place = Path(self._cwd, path)
        if not place.exists():
            return "missing"
        return "file" if place.is_file() else "directory" if place.is_dir() else "other"

    def read_file(self, path: str) -> bytes:
        return Path(self._cwd, path).read_bytes()

    def write_file(self, path: str, data: bytes) -> None:
        Path(self._cwd, path).write_bytes(data)

    def restart_shell(self, *, cwd: str) -> None:
        if not self.home.is_dir():
            raise SandboxError("the sandbox is gone; open a new one")
        self._cwd = cwd

    def put_tree(self, source: str, target: str) -> None:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def __enter__(self) -> LocalSandbox:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[LocalSandbox]:
    place = LocalSandbox(tmp_path / "sandbox")
    with place:
        yield place
        scratch = Path("/tmp/.cwm-agent" + str(place.folder / "testbed").replace("/", "-"))
        shutil.rmtree(scratch, ignore_errors=True)


class Git:
    """A user's repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self("init", "-q", "-b", "main")
        self("config", "user.name", "Ada")
        self("config", "user.email", "ada@example.org")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        for name, content in files.items():
            path = self.root / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self("add", "-A")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Git:
    git = Git(tmp_path / "upstream")
    git.commit("Start", greet__py="def greet(name):\n    return 'Hello ' + nam\n")
    return git


FIX = """greet.py
<<<<<<< SEARCH
    return 'Hello ' + nam
=======
    return 'Hello ' + name
>>>>>>> REPLACE"""


class Characters:
    """One character is one token."""

    def count(self, text: str) -> int:
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def tail(self, text: str, tokens: int) -> str:
        return text[max(0, len(text) - tokens) :]


class Clock:
    """Time that the test lets pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclasses.dataclass
class Game:
    """An environment and the journal of what happened in it."""

    environment: IssueEnvironment
    sandbox: Any
    clock: Clock
    events: list[Event] = dataclasses.field(default_factory=list)

    def start(self) -> tuple[Message, ...]:
        messages = self.environment.start()
        self.events.append(Observed(messages))
        return messages

    def say(self, answer: str, *, thought: str = "Well.\n</think>\n", **more: Any) -> Step:
        reply = Reply(thought + answer, **more)
        self.events.append(Replied(len(self.events), reply))
        step = self.environment.step(reply)
        self.events += step.events
        if step.exit is None:
            self.events.append(Observed(step.messages))
        return step

    def call(self, tool: str, body: str) -> Step:
        return self.say(f"<tool: {tool}>\n{body}\n</tool>")

    def fix(self) -> Step:
        """Edit the faulty line."""
        return self.call("edit", FIX)

    def solve(self) -> Step:
        """Edit, and submit the change."""
        self.fix()
        self.call("bash", "git diff > ../fix.patch")
        return self.call("submit", "../fix.patch")

    def start_over(self) -> None:
        """Empty the sandbox for another game."""
        self.sandbox.close()
        self.sandbox.open()


class Games:
    """Begins games about `greet.py` in one sandbox."""

    meter = Characters()

    def __init__(self, repository: Path, sandbox: Any, root: str) -> None:
        self.repository = repository
        self.sandbox = sandbox
        self.root = root

    def __call__(self, switches: Switches | None = None, **limits: Any) -> Game:
        clock = Clock()
        rules = switches or improved()
        if self.sandbox.kind == "local":  # has no shell that lasts
            rules = dataclasses.replace(rules, published_session=False)
        task = IssueTask("greet-1", "greet() raises NameError", self.repository, root=self.root)
        environment = IssueEnvironment(
            task,
            self.sandbox,
            PUBLISHED_TOOLS,
            load("default"),
            rules,
            Limits(**{"context_tokens": 200_000, **limits}),
            self.meter,
            clock,
        )
        return Game(environment, self.sandbox, clock)


@pytest.fixture
def game(sandbox: LocalSandbox, upstream: Git) -> Games:
    return Games(upstream.root, sandbox, str(sandbox.folder / "testbed"))


@pytest.fixture
def games_in(upstream: Git) -> Callable[[Any], Games]:
    """Games in another sandbox, at its usual place."""
    return lambda place: Games(upstream.root, place, "/testbed")
