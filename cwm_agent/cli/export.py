"""`cwm-agent export`: a run in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, RunsFolder

app = typer.Typer()

Format = Annotated[
    str,
    typer.Option("--format", metavar="NAME", help="preds, leaderboard, html, md, svg, atif, mini."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to.")]
Instance = Annotated[
    str | None, typer.Option("--instance", "-i", help="Only this instance's attempts.")
]
Sample = Annotated[int | None, typer.Option("--sample", help="Which sample, if there are several.")]
Scored = Annotated[
    Path | None,
    typer.Option("--scored", metavar="DIR", help="The --out given to score, if any."),
]
Name = Annotated[str, typer.Option("--name", help="Name of the leaderboard entry.")]
Site = Annotated[str, typer.Option("--site", metavar="URL", help="Web page of the system.")]
ReportUrl = Annotated[str, typer.Option("--report", metavar="URL", help="Technical report.")]
Author = Annotated[
    list[str] | None, typer.Option("--author", help="Author of the entry; repeatable.")
]
Organisation = Annotated[list[str] | None, typer.Option("--org", help="Organisation; repeatable.")]
Model = Annotated[
    list[str] | None, typer.Option("--model", help="Model name; repeatable; default: the run's.")
]
Split = Annotated[str | None, typer.Option("--split", help="Default: the dataset's.")]
Date = Annotated[str | None, typer.Option("--date", metavar="YYYYMMDD", help="Default: today.")]
OpenModel = Annotated[bool, typer.Option("--open-model/--closed-model")]
OpenSystem = Annotated[bool, typer.Option("--open-system/--closed-system")]
Several = Annotated[
    bool, typer.Option("--best-of-several", help="A selector chose among several attempts.")
]

WebSteps = Annotated[
    str,
    typer.Option("--web-steps", help="How web look-ups were prevented, if there was a network."),
]


Best = Annotated[
    bool, typer.Option("--best", help="The sample of each issue that was chosen (2+ attempts).")
]


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Name or folder of a run; or trajectory files.")],
    kind: Format = "preds",
    out: Out = None,
    instance: Instance = None,
    sample: Sample = None,
    best: Best = False,
    scored: Scored = None,
    name: Name = "",
    site: Site = "",
    report: ReportUrl = "",
    author: Author = None,
    org: Organisation = None,
    model: Model = None,
    split: Split = None,
    date: Date = None,
    open_model: OpenModel = True,
    open_system: OpenSystem = True,
    best_of_several: Several = False,
    web_steps: WebSteps = "",
    runs: RunsFolder = None,
    config: ConfigFiles = None,
) -> None:
    """Write a run's predictions, a leaderboard submission, or attempts for others to read.

    preds writes all_preds.jsonl to the run's folder or --out, and further
    samples to all_preds.1.jsonl and so on. leaderboard writes the folder
    evaluation/SPLIT/DATE_NAME with predictions, metadata, results, logs and
    traces, unless it would break one of the leaderboard's rules. html, md, svg,
    atif (v1.8) and mini (mini-swe-agent's) write a file for each attempt to
    --out (default: export), also of trajectories that other programs recorded.
    The paths go to stdout.

    \b
    Examples:
      cwm-agent export 2026-11-22-201500
      cwm-agent export 2026-11-22-201500 --format leaderboard --name CWM-agent \\
          --site https://example.org/agent --report https://example.org/report
      cwm-agent export first --format html --instance nano-seen-17
      cwm-agent export trajectories/ --format atif --out atif

    \b
    Exit codes: 0 written, 2 usage, or a rule of the leaderboard is broken.
    """
    from datetime import datetime

    from cwm_agent.commands.viewing.export import ATTEMPTS, ExportRequest, export_attempts
    from cwm_agent.commands.viewing.export import export as export_run
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.scoring.leaderboard import Entry
    from cwm_agent.view.sources.places import source_of
    from results.store import Store

    folder = load_settings(config_files=config or (), flags={"runs": runs}).runs_folder()
    entry = Entry(
        name,
        site,
        report,
        date or datetime.now().astimezone().strftime("%Y%m%d"),
        split,
        tuple(author or ()),
        tuple(org or ()),
        tuple(model or ()),
        open_model,
        open_system,
        "2+" if best_of_several or best else "1",
        web_steps,
    )
    request = ExportRequest(kind, out, sample, scored, best, instance)
    if kind in ATTEMPTS.split(", "):
        for path in export_attempts(source_of(Store(folder), [run]), request):
            print(path, flush=True)
        return
    for path in export_run(Store(folder).open(run), request, entry):
        print(path)
