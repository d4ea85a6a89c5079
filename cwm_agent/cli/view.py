"""`cwm-agent view`: what happened in a run."""

from __future__ import annotations

from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command()
def view(
    run: Annotated[
        str | None, typer.Argument(help="Name or folder of a run; default: the newest.")
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", help="Only this instance.")
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", help="Only this sample.")] = None,
    plain: Annotated[  # noqa: ARG001 - see the docstring
        bool, typer.Option("--plain", help="Plain text, suitable for a pipe.")
    ] = True,
    full: Annotated[bool, typer.Option("--full", help="Show long results in full.")] = False,
    think: Annotated[bool, typer.Option("--think", help="Show the model's thinking.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing as the attempt runs.")
    ] = False,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show what happened in a run: each turn, the patch and the verdict.

    \b
    Examples:
      cwm-agent view                     the newest run
      cwm-agent view --follow            a live run
      cwm-agent view NAME --full --think | less -R
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.attempts import Chosen, choose, follow_attempt, show_attempts
    from cwm_agent.view.plain import Detail
    from results.store import Store

    resolved = load_settings(
        config_files=config or (), assignments=assignments or (), flags={"runs": runs}
    )
    store = Store(resolved.runs_folder())
    chosen: Chosen = choose(store.open(run) if run else store.newest(), instance, sample)
    if follow:
        follow_attempt(chosen, Detail(full, think), as_json=as_json)
    else:
        show_attempts(chosen, Detail(full, think), as_json=as_json)
