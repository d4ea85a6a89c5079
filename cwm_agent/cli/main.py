"""The entry point: finds the command, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from cwm_agent import __version__
from cwm_agent.cli.lazy import Lazy, lazy_group
from cwm_agent.cli.os_errors import explain
from cwm_agent.errors import NotReadyError
from cwm_agent.exit_codes import ExitCode, code_of_error
from cwm_agent.streams import ReaderGoneError, set_up_streams
from cwm_agent.view.sanitize import clean
from envs.host_git.git import search_path

COMMANDS = {
    "solve": Lazy("cwm_agent.cli.solve", "Solve one issue and print a tested patch."),
    "run": Lazy("cwm_agent.cli.run", "Solve a suite of issues, several times each."),
    "ctl": Lazy("cwm_agent.cli.ctl", "Inspect or control a live run."),
    "serve": Lazy("cwm_agent.cli.serve", "Serve a checkpoint over the OpenAI and Anthropic APIs."),
    "chat": Lazy("cwm_agent.cli.chat", "Talk to a model."),
    "view": Lazy("cwm_agent.cli.view", "Show what happened in a run, turn by turn."),
    "scan": Lazy("cwm_agent.cli.scan", "Find what a run's score does not show."),
    "replay": Lazy("cwm_agent.cli.replay", "Repeat a run's actions and compare the results."),
    "evidence": Lazy("cwm_agent.cli.evidence", "Run every test on every sample of a run."),
    "score": Lazy("cwm_agent.cli.score", "Grade patches with the official swebench package."),
    "compare": Lazy("cwm_agent.cli.compare", "Compare two scored runs, instance by instance."),
    "select": Lazy("cwm_agent.cli.select", "Choose one sample of each issue, with reasons."),
    "study": Lazy("cwm_agent.cli.study", "Compare the ways of choosing on judged issues."),
    "reproduce": Lazy("cwm_agent.cli.reproduce", "Measure a published number of CWM again."),
    "export": Lazy("cwm_agent.cli.export", "Write predictions or a leaderboard submission."),
    "trace": Lazy("cwm_agent.cli.trace", "Predict the execution of a function, step by step."),
    "debug": Lazy("cwm_agent.cli.debug", "Step through a predicted execution."),
    "dap": Lazy("cwm_agent.cli.dap", "Serve predicted executions to an editor's debugger."),
    "ls": Lazy("cwm_agent.cli.ls", "List runs and their attempts."),
    "images": Lazy("cwm_agent.cli.images", "List, pull, build and remove images.", group=True),
    "model": Lazy("cwm_agent.cli.model", "Inspect, convert and plan checkpoints.", group=True),
    "bench": Lazy("cwm_agent.cli.bench", "Measure parts of the system.", group=True),
    "nano": Lazy("cwm_agent.cli.nano", "Generate tasks and train the bundled model.", group=True),
    "prompts": Lazy("cwm_agent.cli.prompts", "List, show and import prompt packs.", group=True),
    "config": Lazy("cwm_agent.cli.config", "Show settings and where they come from.", group=True),
    "doctor": Lazy("cwm_agent.cli.doctor", "Check that this machine is ready."),
}

app = typer.Typer(
    name="cwm-agent",
    cls=lazy_group(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"cwm-agent {__version__}")
        raise typer.Exit


@app.callback()
def root(
    verbose: Annotated[  # noqa: ARG001 - see `_wants_traceback`
        bool, typer.Option("--verbose", "-v", help="Print a traceback for errors.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - see `_show_version`
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Run Code World Model on real issues, in containers.

    \b
    Example:
      cwm-agent solve issue.md --repo .

    \b
    Results go to stdout, everything else to stderr. Exit codes: 0 success,
    1 unexpected error, 2 usage, 3 ran but unresolved, 4 environment not ready,
    5 model failure, 6 limit reached, 130 interrupted.
    """
    _check_folders()


def _check_folders() -> None:
    """Raise NotReadyError where the two folders are unknown that every relative path needs."""
    try:
        Path.cwd()
    except OSError as error:
        raise NotReadyError(
            f"the current folder no longer exists ({error.strerror}); `cd` to one that does"
        ) from error
    try:
        Path.home()
    except RuntimeError as error:
        raise NotReadyError(
            "no home folder is known for this user; set HOME to a folder that can be written"
        ) from error


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed to stderr."""
    try:
        command = typer.main.get_command(app)
        code = command.main(list(arguments), prog_name="cwm-agent", standalone_mode=False)
        sys.stdout.flush()
        return int(code or ExitCode.SUCCESS)
    except ReaderGoneError:
        return ExitCode.SUCCESS
    except SystemExit as error:  # typer's answer to a broken pipe that is not our stdout
        if not isinstance(broken := error.__context__, BrokenPipeError):
            raise
        return _report(broken, traceback_wanted=_wants_traceback(arguments))
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except TyperException as error:
        return _report_usage(error)
    except Exception as error:  # noqa: BLE001 - the last place that can report it
        return _report(error, traceback_wanted=_wants_traceback(arguments))


def _report_usage(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if message.startswith("Usage:"):  # a group called without a command: show its help
        print(message, file=sys.stderr)
    else:
        print(f"error: {clean(message)}", file=sys.stderr)
        if context is not None:
            print(f"see `{context.command_path} --help`", file=sys.stderr)
    return ExitCode.USAGE


def _report(error: Exception, *, traceback_wanted: bool) -> int:
    code = code_of_error(error)
    if traceback_wanted:
        import traceback

        print(clean("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    if code is not None:
        said = explain(error) if isinstance(error, OSError) else str(error) or "out of memory"
        print(f"error: {clean(said)}", file=sys.stderr)
        return code
    if not traceback_wanted:
        print(f"error: unexpected {type(error).__name__}: {clean(str(error))}", file=sys.stderr)
        print("run it again as `cwm-agent -v ...` for the traceback", file=sys.stderr)
    return ExitCode.UNEXPECTED


def _wants_traceback(arguments: Sequence[str]) -> bool:
    if os.environ.get("CWM_AGENT_DEBUG"):
        return True
    before_command = takewhile(lambda argument: argument.startswith("-"), arguments)
    return any(argument in ("-v", "--verbose") for argument in before_command)


def _start_nothing_from_here() -> None:
    """The current folder may be anybody's: look there neither for programs nor for their modules.

    `python -c`, as multiprocessing starts its helpers, and `python -m` would take a module from it.
    """
    os.environ["PATH"] = search_path()
    os.environ["PYTHONSAFEPATH"] = "1"


def main() -> NoReturn:
    """The program `cwm-agent`."""
    _start_nothing_from_here()
    set_up_streams()
    sys.exit(run(sys.argv[1:]))
