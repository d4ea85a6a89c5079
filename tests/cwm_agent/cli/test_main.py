"""The command line as a user meets it: real processes, exit codes, streams."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cwm_agent.cli.main import COMMANDS
from cwm_agent.errors import ConfigError
from cwm_agent.exit_codes import ERROR_CLASSES, ExitCode, code_of_attempt, code_of_error

ROOT = Path(__file__).parents[3]
HEAVY = {"torch", "transformers", "datasets", "docker", "ray", "textual", "swebench", "rich"}


def cwm_agent(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cwm_agent", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def modules_after(*arguments: str) -> set[str]:
    script = (
        "import sys\nfrom cwm_agent.cli.main import run\n"
        "code = run(sys.argv[1:])\nassert code == 0, code\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_imports_nothing_heavy_and_no_command(arguments: list[str]) -> None:
    modules = modules_after(*arguments)
    assert modules & HEAVY == set()
    assert modules & {lazy.module for lazy in COMMANDS.values()} == set()


def test_completion_answers_without_importing_any_command() -> None:
    done = cwm_agent(_CWM_AGENT_COMPLETE="complete_bash", COMP_WORDS="cwm-agent ", COMP_CWORD="1")
    assert done.stdout.split() == list(COMMANDS)
    done = cwm_agent(
        _CWM_AGENT_COMPLETE="complete_bash", COMP_WORDS="cwm-agent ls --j", COMP_CWORD="2"
    )
    assert done.stdout.split() == ["--json"]


def test_help_lists_every_command_on_stdout() -> None:
    done = cwm_agent("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for name, lazy in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert lazy.summary in done.stdout


def test_version() -> None:
    assert cwm_agent("--version").stdout == "cwm-agent 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["viw"], "error: No such command 'viw'. Did you mean 'view'?"),
        (["--colour"], "error: No such option: --colour"),
        (["ls", "--jsn"], "error: No such option: --jsn (Possible options: --json, --set)"),
    ],
)
def test_usage_errors_are_short_and_exit_with_2(arguments: list[str], error: str) -> None:
    done = cwm_agent(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == error


def test_without_arguments_the_help_goes_to_stderr() -> None:
    done = cwm_agent()
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: cwm-agent")


def test_our_errors_have_one_line_and_their_exit_code(tmp_path: Path) -> None:
    done = cwm_agent("view", "no-such-run", "--runs", str(tmp_path))
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr == f"error: there is no run 'no-such-run' in {tmp_path}\n"


def test_a_traceback_is_shown_only_on_request(tmp_path: Path) -> None:
    arguments = ("view", "no-such-run", "--runs", str(tmp_path))
    for done in (cwm_agent("-v", *arguments), cwm_agent(*arguments, CWM_AGENT_DEBUG="1")):
        assert done.returncode == ExitCode.USAGE
        assert "Traceback (most recent call last)" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("error: there is no run")


BROKEN = """
import sys
import cwm_agent.cli.main as main
from cwm_agent.cli.lazy import Lazy

sys.path.insert(0, sys.argv[1])
main.COMMANDS["broken"] = Lazy("broken_command", "Fails.")
main.COMMANDS["absent"] = Lazy("absent_command", "Is not installed.")
sys.exit(main.run(sys.argv[2:]))
"""
BROKEN_COMMAND = r"""
import typer
app = typer.Typer()

@app.command()
def broken(how: str) -> None:
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "loud":
        raise ValueError("a file called \x1b[2J\x1b]0;owned\x07")
    if how == "pipe":
        raise BrokenPipeError(32, "Broken pipe")
    if how == "three":
        raise typer.Exit(3)
    raise ZeroDivisionError("by nought")
"""


@pytest.mark.parametrize(
    ("arguments", "code", "stderr"),
    [
        (["broken", "bug"], 1, "error: unexpected ZeroDivisionError: by nought\n"
         "run it again as `cwm-agent -v ...` for the traceback\n"),
        (["broken", "interrupt"], 130, ""),
        (["broken", "three"], 3, ""),
        (["broken", "loud"], 1, "error: unexpected ValueError: a file called ␛[2J␛]0;owned␇\n"
         "run it again as `cwm-agent -v ...` for the traceback\n"),
        (["broken", "pipe"], 4, "error: Broken pipe\n"),
        (["absent"], 2, "error: this installation lacks the command's module absent_command; "
         "reinstall cwm-agent\n"),
        (["--help"], 0, ""),
    ],
)  # fmt: skip
def test_a_failing_command_ends_with_the_documented_code(
    tmp_path: Path, arguments: list[str], code: int, stderr: str
) -> None:
    (tmp_path / "broken_command.py").write_text(BROKEN_COMMAND)
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, str(tmp_path), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, stderr)


def test_a_reader_that_went_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "cwm_agent", "config", "schema"],
        cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(ERROR_CLASSES))
def test_the_table_of_errors_names_classes_that_exist(name: str) -> None:
    module, _, class_name = name.rpartition(".")
    error_class = getattr(import_module(module), class_name)
    assert issubclass(error_class, Exception)


def test_a_subclass_has_the_code_of_its_nearest_base() -> None:
    assert code_of_error(ConfigError("x")) is ExitCode.USAGE
    assert code_of_error(ValueError("x")) is None


def test_an_attempt_that_ended_gives_its_code() -> None:
    assert code_of_attempt("submitted", resolved=True) == 0
    assert code_of_attempt("submitted", resolved=None) == 0
    assert code_of_attempt("submitted", resolved=False) == 3
    assert code_of_attempt("turn_limit", resolved=True) == 0
    assert code_of_attempt("turn_limit", resolved=False) == 6
    assert code_of_attempt("interrupted", resolved=None) == 130
    assert code_of_attempt("policy_error", resolved=None) == 5
    assert code_of_attempt("sandbox_error", resolved=None) == 4
