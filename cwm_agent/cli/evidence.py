"""`cwm-agent evidence`: what tests say of the samples of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from cwm_agent.cli.options import ConfigFiles, Ids, Json, RunsFolder

app = typer.Typer()


@app.command()
def evidence(
    run: Annotated[str, typer.Argument(help="Name or folder of a run with several samples.")],
    ids: Ids = None,
    tests: Annotated[
        int | None, typer.Option("--tests", min=0, help="Tests the model writes for each issue.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, help="Runs of each test on each candidate.")
    ] = None,
    calls: Annotated[
        int | None, typer.Option("--calls", min=0, help="Calls compared for each function.")
    ] = None,
    traces: Annotated[
        int | None, typer.Option("--traces", min=0, help="Calls the model predicts on each one.")
    ] = None,
    existing: Annotated[
        str | None,
        typer.Option("--existing", metavar="COMMAND", help="The repository's own tests."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Sandboxes open at once.")
    ] = None,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    as_json: Json = False,
) -> int:
    """Run every test on every candidate of a run, in sandboxes.

    Tests are those of the repository that pass now, calls that the issue
    quotes, tests that the model writes, tests and scripts that the samples
    wrote, and calls of the changed functions on which candidates differ.
    Nothing of the grader's is read. One table an issue is written to the run's
    folder (evidence.json); repeat the command to go on after a crash, or when
    there are new samples. docs/evidence.md describes it.

    \b
    Examples:
      cwm-agent evidence 2026-11-22-201500
      cwm-agent evidence first --tests 40 --workers 8 --json

    \b
    Exit codes: 0 every issue has a table, 2 usage, 4 a sandbox failed, 5 model
    failure.
    """
    from cwm_agent.commands.samples.evidence import EvidenceRequest, make_evidence

    request = EvidenceRequest(
        run=run,
        instances=tuple(ids or ()),
        runs=runs,
        config_files=tuple(config or ()),
        flags={
            "scaling.tests": tests,
            "scaling.repeats": repeats,
            "scaling.calls": calls,
            "scaling.traces": traces,
            "scaling.existing": existing,
            "batch.workers": workers,
        },
    )
    return make_evidence(request, as_json=as_json)
