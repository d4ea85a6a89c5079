"""`cwm-agent compare`: two scored runs, instance by instance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, Json, RunsFolder

app = typer.Typer()

Scored = Annotated[str, typer.Argument(help="A scored run, or a report's folder.")]


@app.command()
def compare(
    first: Scored,
    second: Scored,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    as_json: Json = False,
) -> None:
    """Compare two scored runs on the instances that both have.

    Shows how many each resolves, which instances only one of them resolves,
    and how likely such a difference is by chance (McNemar's exact test).
    Only the first sample of each instance counts.

    \b
    Example:
      cwm-agent compare baseline improved
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.sanitize import clean
    from results.codec import encode
    from results.reports.compare import as_text
    from results.reports.compare import compare as compare_reports
    from results.reports.report import REPORT_FILE, read_report
    from results.store import Store

    folder = load_settings(config_files=config or (), flags={"runs": runs}).runs_folder()

    def place(name: str) -> Path:
        path = Path(name)
        return path if (path / REPORT_FILE).is_file() else Store(folder).open(name).folder

    found = compare_reports(read_report(place(first)), read_report(place(second)))
    print(json.dumps(encode(found), indent=2) if as_json else clean(as_text(found)))
