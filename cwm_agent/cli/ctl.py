"""`cwm-agent ctl`: inspect or control a run that is live in another process."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command()
def ctl(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION", help="status, pause, resume, cancel ID, requeue ID, workers N."
        ),
    ] = "status",
    value: Annotated[
        str | None, typer.Argument(metavar="[ID|N]", help="INSTANCE, INSTANCE/SAMPLE, or a number.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="With pause: running attempts pause, too.")
    ] = False,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    as_json: Json = False,
) -> None:
    """Inspect or control a live run.

    pause starts no new attempts until resume. cancel drops an attempt for the
    rest of this process; requeue continues a failed or cancelled one from its
    journal. workers sets how many attempts run concurrently.

    \b
    Examples:
      cwm-agent ctl first status --json
      cwm-agent ctl first workers 8
      cwm-agent ctl first cancel nano-seen-17/0
    """
    from rich.text import Text

    from cwm_agent.batch.control import ask
    from cwm_agent.batch.ctl import request_of, status_of
    from cwm_agent.batch.screen import drawn
    from cwm_agent.batch.status import line
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.console import console
    from results.store import Store

    request = request_of(action, value, now=now)
    resolved = load_settings(config_files=config or (), flags={"runs": runs})
    answer = ask(Store(resolved.runs_folder()).open(run).folder, request)
    if as_json:
        print(json.dumps(answer))
        return
    target = console()
    for name in answer.get("changed", ()):  # type: ignore[attr-defined]
        target.print(Text(f"{action} {name}"))
    status = status_of(answer)
    target.print(drawn(status, target) if target.is_terminal else Text(line(status)))
