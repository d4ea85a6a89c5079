"""`cwm-agent replay`: the actions of a run again, in a fresh sandbox."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, Json, RunsFolder
from cwm_agent.exit_codes import ExitCode

app = typer.Typer()


@app.command()
def replay(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare, and stop at the first difference.")
    ] = False,
    until: Annotated[
        int | None, typer.Option("--until", metavar="TURN", help="Stop after this turn.")
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", help="Which instance, if there are several.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", help="Which sample, if there are several.")
    ] = None,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    as_json: Json = False,
) -> None:
    """Repeat a run's actions in a fresh sandbox, without a model.

    Prints the result of each turn. With --verify, compares it with the
    recorded one, except for values that may differ (docs/replay.md), and
    reports the first difference. The run itself is not modified.

    \b
    Examples:
      cwm-agent replay 2026-11-22-205443 --until 3
      cwm-agent replay 2026-11-22-205443 --verify --json

    \b
    Exit codes: 0 done (and nothing differs), 2 usage, 3 a result differs,
    4 environment not ready, 130 interrupted.
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.replay.replay import ReplayRequest
    from cwm_agent.replay.replay import replay as replay_attempt
    from cwm_agent.replay.show import as_object, print_turn, print_verdict, title
    from cwm_agent.replay.walk import ReplayedTurn
    from cwm_agent.streams import ReaderGoneError
    from cwm_agent.view.attempts import choose_one
    from cwm_agent.view.sanitize import clean_line
    from results.store import Store

    def say(line: str) -> None:
        print(clean_line(line), file=sys.stderr, flush=True)

    def watch(turn: ReplayedTurn) -> None:
        if verify or as_json:
            say(title(turn).plain)
        else:
            print_turn(turn)

    resolved = load_settings(config_files=config or (), flags={"runs": runs})
    chosen = Store(resolved.runs_folder()).open(run)
    attempt = choose_one(chosen, instance, sample)
    replayed = replay_attempt(chosen, attempt, ReplayRequest(until, verify), say, watch)
    with suppress(ReaderGoneError):
        if as_json:
            print(json.dumps(as_object(replayed, verified=verify), indent=2), flush=True)
        elif verify:
            print_verdict(replayed)
    if replayed.findings.difference is not None:
        raise typer.Exit(ExitCode.UNRESOLVED)
