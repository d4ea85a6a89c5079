"""`cwm-agent ls`: what runs there are."""

from __future__ import annotations

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command("ls")
def list_runs(
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """List runs and their attempts, the newest run first.

    \b
    Example:
      cwm-agent ls --json | jq '.[] | select(.resolved == false) | .instance'
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.listing import listing, print_listing
    from results.store import Store

    resolved = load_settings(
        config_files=config or (), assignments=assignments or (), flags={"runs": runs}
    )
    print_listing(listing(Store(resolved.runs_folder())), as_json=as_json)
