"""`cwm-agent scan`: what attempts did that a score does not show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command()
def scan(
    runs_or_files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN|FILE]...", help="As for `view`; default: the newest run."),
    ] = None,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="WORDS", help="Only what fits (docs/viewer.md).")
    ] = "",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Verdicts on foreign files.")
    ] = None,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    as_json: Json = False,
) -> None:
    """Look through attempts for what a score does not show.

    history_lookup, tests_edited, lucky_pass, repeated_edit, unverified_edit,
    verdict_against_evidence: docs/viewer.md says what each means. Every
    finding names the turns that prove it, and holds no text of the model.

    \b
    Example:
      cwm-agent scan first --json | jq '.[] | select(.scanner == "lucky_pass")'
    """
    from cwm_agent.commands.viewing.view import ViewRequest, chosen_rows
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.scan.report import as_json as findings_json
    from cwm_agent.view.scan.report import as_lines, scan_rows
    from cwm_agent.view.sources.places import source_of
    from results.store import Store

    store = Store(load_settings(config_files=config or (), flags={"runs": runs}).runs_folder())
    source = source_of(store, runs_or_files or (), report)
    rows = chosen_rows(source, ViewRequest(filter=filter_))
    found = list(scan_rows(source, rows))
    if as_json:
        print(json.dumps(findings_json(found), indent=2))
        return
    print("\n".join(as_lines(found, len(rows))))
