"""A small repository with a bug, recorded conversations that fix it, and the command line."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from results.journal import read_journal
from results.records import Event

ROOT = Path(__file__).parents[2]
SECONDS = 240
"""Upper bound of one command: a loaded machine with a cold cache."""
PYTEST = ("--pip", "pytest==8.4.2")

CALC = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"
VISIBLE_TEST = "from calc import add\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
HIDDEN_TEST = VISIBLE_TEST + "\n\ndef test_sum():\n    assert add(1, 2) == 3\n"

LOOK = "I look first.\n<tool: bash>\nls; cat calc.py\n</tool>"
CHECK = "<tool: bash>\npython -c 'from calc import add; assert add(1, 2) == 3'\n</tool>"
EDIT = """\
<tool: edit>
calc.py
<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
</tool>"""
SUBMIT = (
    "<tool: bash>\ngit diff -- calc.py > /tmp/fix.patch\n</tool>",
    "<tool: submit>\n/tmp/fix.patch\n</tool>",
    "The operator was wrong.",
)
CONVERSATION = (LOOK, f"I reproduce.\n{CHECK}", f"I fix.\n{EDIT}", CHECK, *SUBMIT)


def slow(seconds: float | str) -> str:
    """A turn that takes its time and leaves a file, so that acting on it twice would show."""
    return f"<tool: bash>\necho once >> /testbed/slow.txt; sleep {seconds}\n</tool>"


def end_sleep(seconds: str) -> None:
    """End the `sleep` of a turn, once it has begun, wherever it runs on this machine."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if path.read_bytes() == f"sleep\0{seconds}\0".encode():
                    os.kill(int(path.parent.name), signal.SIGTERM)
                    return
        time.sleep(0.05)
    raise AssertionError("the turn does not get there")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", *identity, *arguments]
    finished = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return finished.stdout.strip()


def make_repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "calc.py").write_text(CALC)
    (folder / "test_calc.py").write_text(VISIBLE_TEST)
    (folder / ".gitignore").write_text("__pycache__/\n.env\n")
    (folder / ".env").write_text("TOKEN=secret\n")
    (folder / "script.sh").write_text("#!/bin/sh\n")
    (folder / "script.sh").chmod(0o755)
    (folder / "link").symlink_to("calc.py")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "start")
    return folder


def fingerprint(folder: Path) -> str:
    """One hash over names, kinds, modes and bytes of everything below, `.git` included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.lstat().st_mode}\0".encode())
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def write_recording(path: Path, *replies: str) -> Path:
    path.write_text(yaml.safe_dump({"replies": list(replies)}))
    return path


def write_tests(folder: Path) -> Path:
    (folder / "hidden.py").write_text(HIDDEN_TEST)
    tests = {
        "command": "python -m pytest -rA -p no:cacheprovider",
        "files": {"test_calc.py": "hidden.py"},
        "fail_to_pass": ["test_calc.py::test_sum"],
    }
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump(tests))
    return path


def containers(run: str) -> list[str]:
    """Those of a run; none where Docker is not installed."""
    try:
        listed = subprocess.run(
            ["docker", "ps", "--all", "--quiet", "--filter", f"label=cwm-agent.run={run}"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return []
    return listed.stdout.split()


IN_TURN = """
import contextlib, io, json, sys
from cwm_agent.cli.main import run
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
"""Several command lines in one process, because starting one costs most of a short one's time."""


def run_in_turn(
    commands: Sequence[Sequence[object]], folder: Path, environment: Mapping[str, str]
) -> list[subprocess.CompletedProcess[str]]:
    """Command lines one after the other in a process of their own; each one's code and streams."""
    finished = subprocess.run(
        [sys.executable, "-c", IN_TURN],
        cwd=folder,
        env=environment,
        input=json.dumps([list(map(str, command)) for command in commands]),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    answers = [json.loads(line) for line in finished.stdout.splitlines()]
    assert len(answers) == len(commands)
    return [subprocess.CompletedProcess("cwm-agent", *answer) for answer in answers]


class Solve:
    """`cwm-agent solve` as processes in one folder, away from the tester's own settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = make_repository(folder / "repository")
        kept = {key: value for key, value in os.environ.items() if "CWM_AGENT_" not in key}
        self.environment = kept | {
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TMPDIR": str(folder / "tmp"),
        }
        (folder / "tmp").mkdir()

    def __call__(self, *arguments: str | Path, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end; `input` is its standard input."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def in_turn(
        self, commands: Sequence[Sequence[str | Path]]
    ) -> list[subprocess.CompletedProcess[str]]:
        """Several ones in one process, without a standard input."""
        lines = [("solve", *arguments) for arguments in commands]
        return run_in_turn(lines, self.folder, self.environment)

    def json(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """Run it with --json; checks the exit code, and that stdout is one object."""
        finished = self(*arguments, "--json")
        assert finished.returncode == code, finished.stderr
        (line,) = finished.stdout.splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Leave it running."""
        return subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self, run: str) -> list[Event]:
        """The journal of the run's attempt, empty as long as there is none."""
        found = list(self.folder.glob(f"runs/{run}/*/0/events.jsonl"))
        return [entry.event for entry in read_journal(found[0])] if found else []

    def wait_for(
        self, run: str, kind: type[Event], count: int, process: subprocess.Popen[str]
    ) -> None:
        """Until the run's journal holds `count` events of `kind`."""
        deadline = time.monotonic() + SECONDS
        while sum(isinstance(event, kind) for event in self.events(run)) < count:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the attempt does not get there"
            time.sleep(0.05)

    def orphans(self) -> list[str]:
        """Folders of sandboxes and working copies that nobody uses any more."""
        return [str(path.relative_to(self.folder)) for path in self.folder.glob("tmp/*")]

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "cwm_agent", "solve", *map(str, arguments)]
