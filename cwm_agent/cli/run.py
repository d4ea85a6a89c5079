"""`cwm-agent run`: a suite of issues, several samples each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import (
    Assignments,
    Branch,
    ConfigFiles,
    Difficulties,
    EngineUrls,
    Ids,
    Json,
    Match,
    Repositories,
    RunsFolder,
    Select,
    Setup,
    Slice,
    Until,
    Variables,
)
from envs.registry import CHOICES_TEXT

app = typer.Typer()


@app.command()
def run(
    suite: Annotated[
        str, typer.Argument(help="swebench-verified, livecodebench, ..., rows, tasks, a folder.")
    ],
    programs: Annotated[
        str,
        typer.Option(
            "--suite", metavar="NAME|FILE", help="Of trace-prediction: builtin, cruxeval or FILE."
        ),
    ] = "builtin",
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="ROWS", help="Of problems: sample, FILE or ID@REVISION."),
    ] = "",
    window: Annotated[
        str, typer.Option("--window", metavar="v5|v6", help="Contest dates of a published score.")
    ] = "",
    begin: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Problems of this day or later.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", metavar="DATE", help="Problems of before this day.")
    ] = "",
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="K", help="Attempts per issue.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Concurrent attempts.")
    ] = None,
    ids: Ids = None,
    match: Match = "",
    part: Slice = "",
    repositories: Repositories = None,
    difficulties: Difficulties = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="DIR", help="Checkpoint, openai:NAME or anthropic:NAME."),
    ] = None,
    engine_url: EngineUrls = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay", metavar="PATH", help="A recording, or a folder of INSTANCE.yaml files."
        ),
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", metavar="KIND", help=f"{CHOICES_TEXT}.")
    ] = None,
    env: Variables = None,
    setup: Setup = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="improved or faithful (docs/modes.md).")
    ] = None,
    select: Select = None,
    until: Until = None,
    branch: Branch = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="RUN", help="Run name; an existing run is resumed."),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="PLACE", help="local, or ray for a cluster (docs/cluster.md)."
        ),
    ] = "local",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Resume even if settings or tasks differ.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Resume before the first damaged line of each journal."),
    ] = False,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> int:
    """Solve every issue of a suite, several times each.

    Repeat the command with the --name of a run to resume it, whatever
    stopped it: finished attempts are kept, the others continue from their
    journals. The first Ctrl-C lets every turn finish and saves, the second
    one stops. Use `cwm-agent ctl` to inspect or change a live run.
    docs/batch.md describes suites, docs/harbor.md task folders of the Harbor
    format, docs/reasoning.md livecodebench, math500, aime24 and aime25, which
    bring their published protocol. Attempts at SWE-bench instances and
    problems are graded afterwards, by `cwm-agent score RUN`. With --select,
    evidence is gathered at the end and one sample of each issue is chosen
    (docs/evidence.md). With --until, --samples is the most that an issue gets;
    with --branch too, further samples share turns with earlier ones
    (docs/scaling.md).

    \b
    Examples:
      cwm-agent run swebench-verified --samples 4 --workers 8 --name first
      cwm-agent run tasks.yaml --slice 0:20 --match django --json
      cwm-agent run tasks.yaml --model ~/models/cwm --url http://gpu1:8000/v1
      cwm-agent run tasks.yaml --workers 64 --model /shared/cwm --on ray
      cwm-agent run livecodebench --window v6 --model ~/models/cwm
      cwm-agent run math500 --dataset sample --samples 2 --slice 2
      cwm-agent run terminal-bench-2/tasks --workers 4 --model ~/models/cwm
      cwm-agent run nano:unseen/1..10 --samples 2
      cwm-agent run trace-prediction --suite builtin

    \b
    Exit codes: 0 every attempt has a result, resolved or not; 2 usage, 4 a
    sandbox failed, 5 model failure, 6 a limit of the run was reached, 130
    interrupted or cancelled.
    """
    if suite == "trace-prediction":
        from cwm_agent.commands.trace_prediction import predict_suite

        folder = Path(model) if model else None
        return predict_suite(programs, folder, part=part, as_json=as_json)

    from cwm_agent.commands.run import RunRequest, run_suite
    from cwm_agent.tasks.filters import Selection
    from cwm_agent.tasks.inputs import read_variables
    from cwm_agent.tasks.problems.source import Rows

    request = RunRequest(
        suite=suite,
        selection=Selection(
            tuple(ids or ()), match, tuple(repositories or ()), tuple(difficulties or ()), part
        ),
        replay=replay,
        variables=read_variables(env or ()),
        setup=tuple(setup or ()),
        name=name,
        on=on,
        accept_changes=accept_changes,
        repair=repair,
        select=select is not None,
        rows=Rows(dataset, window, begin, end),
        config_files=tuple(config or ()),
        assignments=tuple(assignments or ()),
        flags={
            "samples": samples,
            "scaling.select": select,
            "scaling.until": until,
            "scaling.branch": branch,
            "batch.workers": workers,
            "model": model,
            "endpoint.urls": engine_url,
            "sandbox.kind": sandbox,
            "mode": mode,
            "runs": runs,
        },
    )
    return run_suite(request, as_json=as_json)
