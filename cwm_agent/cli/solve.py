"""`cwm-agent solve`: one issue to a tested patch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command()
def solve(
    issue: Annotated[
        str | None,
        typer.Argument(help="The issue: a text, a file, '-' for stdin, or example:NAME."),
    ] = None,
    repo: Annotated[
        Path | None,
        typer.Option("--repo", metavar="DIR", help="Git checkout, default '.' without --image."),
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Start from uncommitted changes, too.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Apply the patch to the checkout at the end.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="DIR", help="Checkpoint (setting 'model').")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Play a recording or an events.jsonl."),
    ] = None,
    human: Annotated[bool, typer.Option("--human", help="You are the model.")] = False,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", metavar="KIND", help="auto, docker or bubblewrap.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="NAME", help="Docker image to work in.")
    ] = None,
    pip: Annotated[
        list[str] | None,
        typer.Option("--pip", metavar="PIN", help="Python package to install; repeatable."),
    ] = None,
    apt: Annotated[
        list[str] | None,
        typer.Option("--apt", metavar="NAME", help="Debian package (Docker); repeatable."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option("--test", metavar="COMMAND", help="Judge by a command, such as pytest -rA."),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option("--tests", metavar="FILE", help="Judge by the hidden tests of a YAML file."),
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="improved or faithful (docs/modes.md).")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="RUN", help="Name of the run folder.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with a run.")
    ] = None,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> int:
    """Solve one issue in a sandbox and print the patch.

    The checkout is never modified without --apply. Progress goes to stderr;
    stdout gets the patch, or with --json one object with resolved,
    exit_reason, patch, turns, seconds, sandbox, policy, run and more. The
    first Ctrl-C finishes the turn and saves, the second one stops.

    \b
    Examples:
      cwm-agent solve issue.md --repo . --model ~/models/cwm
      cwm-agent solve example:flask-blueprint-name
      cwm-agent solve "Empty names are accepted" --test "python -m pytest -rA" | git apply
      cwm-agent solve --resume 2026-11-22-201500

    \b
    Exit codes: 0 resolved (or submitted, without tests), 2 usage, 3 not
    resolved, 4 environment not ready, 5 model failure, 6 limit reached,
    130 interrupted.
    """
    from cwm_agent.solving import Request, run_request

    request = Request(
        issue=issue,
        repository=repo,
        dirty=dirty,
        apply=apply,
        replay=replay,
        human=human,
        pip=tuple(pip or ()),
        apt=tuple(apt or ()),
        test=test,
        tests=tests,
        name=name,
        resume=resume,
        config_files=tuple(config or ()),
        assignments=tuple(assignments or ()),
        flags={
            "model": model,
            "sandbox.kind": sandbox,
            "sandbox.image": image,
            "mode": mode,
            "runs": runs,
        },
    )
    return run_request(request, as_json=as_json)
