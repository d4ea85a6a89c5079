"""`cwm-agent reproduce`: the published numbers, measured again."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.main

from cwm_agent.cli.options import Json

app = typer.Typer()


@app.command()
def reproduce(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A row of --list.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show every published number.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything but the tokens.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="DIR", help="Checkpoint; default: the setting.")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Print docs/reproduce.md.")] = False,
    as_json: Json = False,
) -> int:
    """Measure a published number of CWM again, by the commands that docs/reproduce.md names.

    Each row has the published number, the commands, the hardware and hours
    that they want (estimated), and the interval in which a repetition should
    lie. Repeat the command to go on where it stopped.

    \b
    Examples:
      cwm-agent reproduce --list
      cwm-agent reproduce aime24 --model ~/models/cwm --dry-run
      cwm-agent reproduce swebench-verified --model ~/models/cwm
      cwm-agent reproduce --list --json | jq '.[] | select(.runs_here) | .name'

    \b
    Exit codes: 0 done, or ready; 2 usage; 4 something is missing; else that of
    the command that failed.
    """
    from cwm_agent.commands.reproduce import ReproduceRequest, run_reproduce

    wish = ReproduceRequest(name, model, listed=listed, dry_run=dry_run, page=page)
    return run_reproduce(wish, parse, as_json=as_json)


def parse(words: list[str]) -> None:
    """Parse a command line by the real options, without doing anything.

    Raises UsageError for a suite that `run` does not know, and what typer raises.
    """
    from cwm_agent.cli.main import app as everything
    from cwm_agent.errors import UsageError

    group: Any = typer.main.get_command(everything)
    command = group.commands[words[0]]
    command.make_context(words[0], list(words[1:]))
    if words[0] == "run" and words[1] not in _named(command):
        raise UsageError(f"`cwm-agent run` has no suite {words[1]} in this version")


def _named(command: Any) -> str:
    """What the help of `run` says, which names every suite."""
    from cwm_agent.tasks.datasets import HUB

    helps = [str(getattr(parameter, "help", "") or "") for parameter in command.params]
    return " ".join([str(command.help), *helps, *HUB])
