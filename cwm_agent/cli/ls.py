"""`cwm-agent ls`: what runs there are."""

from __future__ import annotations

from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command("ls")
def list_runs(
    filter_: Annotated[
        str, typer.Option("--filter", metavar="WORDS", help="Only what fits (docs/viewer.md).")
    ] = "",
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """List runs and their attempts, the newest run first.

    \b
    Examples:
      cwm-agent ls --filter 'fail steps>40 text:"KeyError"'
      cwm-agent ls --json | jq '.[] | select(.resolved == false) | .instance'
    """
    from cwm_agent.commands.viewing.view import filtered
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.listing import listing, print_listing, unreadable
    from cwm_agent.view.sources.row import with_siblings
    from cwm_agent.view.sources.runs import RunSource
    from cwm_agent.view.sources.source import Several
    from results.store import Store

    resolved = load_settings(
        config_files=config or (), assignments=assignments or (), flags={"runs": runs}
    )
    store = Store(resolved.runs_folder())
    found = listing(store)
    if filter_ and found:
        source = Several(tuple(RunSource(run) for run in store.runs()))
        keys = {row.key for row in filtered(source, with_siblings(source.rows()), filter_)}
        found = [item for item in found if (item.run, item.row.instance, item.row.sample) in keys]
    print_listing(found, unreadable(store), as_json=as_json)
