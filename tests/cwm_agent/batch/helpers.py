"""Suites of generated tasks with the expert's conversations as recordings."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from cases import run_in_turn

from cwm_agent.generated.repository import hidden_tests, instance_name, named_task, write_repository
from cwm_agent.generated.task import NanoTask
from cwm_agent.nano.expert import Odds, converse
from cwm_agent.nano.workspace import PATCH
from cwm_agent.prompts.packs import load
from envs.task import HiddenTests
from results.journal import read_journal
from results.records import AttemptResult, Event
from results.store import Run, Store

ROOT = Path(__file__).parents[3]
SECONDS = 280.0
CALM = Odds(*[0.0 for _ in fields(Odds)])


def write_suite(folder: Path, seeds: range, *, seconds: float = 0.0) -> tuple[Path, Path]:
    """Generated tasks as own ones, and a folder with a solving recording of each.

    The commands need not draw them again, which takes seconds.
    """
    texts = load("nano")
    recordings = folder / "recordings"
    recordings.mkdir()
    lines = []
    for seed in seeds:
        task = named_task(f"seen/{seed}")
        name = instance_name(task)
        lines.append(_entry(folder, task))
        turns = converse(task, random.Random(seed), texts, CALM).turns
        # By the working tree: a patch file outside the repository is lost with a sandbox.
        submit = f"<tool: submit>\n{PATCH}\n"
        said = [
            turn.text.replace(submit, "<tool: submit>\n\n")
            for turn in turns
            if turn.role == "assistant"
        ]
        document = {"replies": said, "seconds": seconds}
        (recordings / f"{name}.yaml").write_text(yaml.safe_dump(document))
    suite = folder / "suite.jsonl"
    suite.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return suite, recordings


def write_task(folder: Path, name: str) -> Path:
    """A suite of one generated task."""
    suite = folder / "suite.jsonl"
    suite.write_text(json.dumps(_entry(folder, named_task(name))) + "\n")
    return suite


def _entry(folder: Path, task: NanoTask) -> dict[str, str]:
    name = instance_name(task)
    write_repository(task, folder / "repositories" / name)
    tests = _write_tests(folder / "tests" / name, hidden_tests(task))
    return {
        "instance": name,
        "issue": task.issue.text,
        "repo": f"repositories/{name}",
        "tests": str(tests.relative_to(folder)),
    }


def _write_tests(folder: Path, tests: HiddenTests) -> Path:
    folder.mkdir(parents=True)
    files = {}
    for number, (target, content) in enumerate(tests.files.items()):
        (folder / f"{number}.py").write_bytes(content)
        files[target] = f"{number}.py"
    document = {
        "command": tests.command,
        "files": files,
        "fail_to_pass": list(tests.fail_to_pass),
        "pass_to_pass": list(tests.pass_to_pass),
        "timeout": tests.timeout,
    }
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


class Batch:
    """`cwm-agent run` and `ctl` as processes in one folder, away from the tester's settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if "CWM_AGENT_" not in key}
        self.environment = kept | {
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TMPDIR": str(folder / "tmp"),
        }
        (folder / "tmp").mkdir()

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Leave a command running, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "cwm_agent", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: object, code: int | None = 0) -> tuple[str, str]:
        """Run a command to its end; its output and its errors."""
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=SECONDS)
        assert code is None or process.returncode == code, stderr
        return stdout, stderr

    def in_turn(
        self, commands: Sequence[Sequence[object]]
    ) -> list[subprocess.CompletedProcess[str]]:
        """Several commands in one process, without a standard input."""
        return run_in_turn(commands, self.folder, self.environment)

    def json(self, *arguments: object, code: int = 0) -> list[dict[str, Any]]:
        """Run a command with --json; its lines."""
        stdout, _ = self(*arguments, "--json", code=code)
        return [json.loads(line) for line in stdout.splitlines()]

    def run(self, name: str) -> Run:
        return Store(self.folder / "runs").open(name)

    def events(self, name: str, instance: str, sample: int = 0) -> list[Event]:
        path = self.folder / "runs" / name / instance / str(sample) / "events.jsonl"
        return [entry.event for entry in read_journal(path)] if path.exists() else []

    def results(self, name: str) -> list[AttemptResult]:
        found = [attempt.result() for attempt in self.run(name).attempts()]
        return [result for result in found if result is not None]

    def wait_for_turns(self, name: str, count: int, process: subprocess.Popen[str]) -> None:
        """Until the run's journals hold that many replies."""
        self.wait_until(lambda: self.recorded(name, b'"kind":"replied"') >= count, process)

    def recorded(self, name: str, what: bytes = b"\n") -> int:
        """How many events of the run are in its journals: all, or those that contain `what`."""
        journals = self.folder.glob(f"runs/{name}/*/*/events.jsonl")
        return sum(path.read_bytes().count(what) for path in journals)

    def wait_until(self, condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Look again and again while the process runs."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if condition():
                return
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        raise AssertionError("the run does not get there")

    def left(self) -> list[str]:
        """Folders of sandboxes, copies of repositories and sockets that nobody uses any more."""
        found = [*self.folder.glob("tmp/*"), *self.folder.glob("runs/*/*/*/repository")]
        found += self.folder.glob("runs/*/control.sock")
        return [str(path.relative_to(self.folder)) for path in found]
