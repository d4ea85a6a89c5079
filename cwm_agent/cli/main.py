"""The entry point: finds the command, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from cwm_agent import __version__
from cwm_agent.cli.exit_codes import ExitCode, code_of_error
from cwm_agent.cli.lazy import Lazy, lazy_group
from cwm_agent.view.sanitize import clean

STDOUT = 1

COMMANDS = {
    "solve": Lazy("cwm_agent.cli.solve", "Solve one issue and get a tested patch."),
    "run": Lazy("cwm_agent.cli.run", "Solve a suite of issues, several times each."),
    "ctl": Lazy("cwm_agent.cli.ctl", "Look at a run that goes on, and change it."),
    "view": Lazy("cwm_agent.cli.view", "Show what happened in a run, turn by turn."),
    "replay": Lazy("cwm_agent.cli.replay", "Do a run's actions again and compare the results."),
    "score": Lazy("cwm_agent.cli.score", "Grade patches with the official swebench package."),
    "compare": Lazy("cwm_agent.cli.compare", "Compare two scored runs, instance by instance."),
    "export": Lazy("cwm_agent.cli.export", "Write predictions or a leaderboard submission."),
    "ls": Lazy("cwm_agent.cli.ls", "List runs and their attempts."),
    "images": Lazy("cwm_agent.cli.images", "List, pull, build and remove images.", group=True),
    "model": Lazy("cwm_agent.cli.model", "Inspect and convert checkpoints.", group=True),
    "bench": Lazy("cwm_agent.cli.bench", "Measure parts of the system.", group=True),
    "nano": Lazy("cwm_agent.cli.nano", "The bundled tiny model: tasks, training.", group=True),
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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print a traceback for errors.")
    ] = False,
    version: Annotated[
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


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed to stderr."""
    try:
        command = typer.main.get_command(app)
        code = command.main(list(arguments), prog_name="cwm-agent", standalone_mode=False)
        sys.stdout.flush()
        return int(code or ExitCode.SUCCESS)
    except SystemExit as error:
        broken = error.__context__
        if not isinstance(broken, BrokenPipeError):
            raise
        return _report_broken_pipe(broken, arguments)  # typer met it first
    except BrokenPipeError as error:
        return _report_broken_pipe(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except TyperException as error:
        return _report_usage(error)
    except Exception as error:  # noqa: BLE001 - the last place that can report it
        return _report(error, traceback_wanted=_wants_traceback(arguments))


def _report_broken_pipe(error: BrokenPipeError, arguments: Sequence[str]) -> int:
    """No error when whoever read our stdout has enough; but it may be another pipe that broke."""
    poll = select.poll()
    poll.register(STDOUT, 0)
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return _report(error, traceback_wanted=_wants_traceback(arguments))
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)  # for the flush when Python ends
    return ExitCode.SUCCESS


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
        print(f"error: {clean(str(error))}", file=sys.stderr)
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


def main() -> NoReturn:
    """The program `cwm-agent`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # never fail on a character, whatever the locale
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
