"""`cwm-agent solve`: one issue to a tested patch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import (
    Assignments,
    Branch,
    ConfigFiles,
    EngineUrls,
    Json,
    RunsFolder,
    Select,
    Setup,
    Until,
    Variables,
)
from envs.registry import CHOICES_TEXT

app = typer.Typer()

IssueText = Annotated[
    str | None,
    typer.Argument(help="Text, a file, '-' for stdin, example:NAME or nano:SEED."),
]
Repository = Annotated[
    Path | None,
    typer.Option(
        "--repo", metavar="DIR", help="Git checkout; default: '.' unless --image is given."
    ),
]
Dirty = Annotated[bool, typer.Option("--dirty", help="Include uncommitted changes.")]
Apply = Annotated[bool, typer.Option("--apply", help="Apply the patch to the checkout at the end.")]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="DIR", help="Checkpoint, openai:NAME or anthropic:NAME."),
]
Replay = Annotated[
    Path | None,
    typer.Option("--replay", metavar="FILE", help="Replay a recording or an events.jsonl."),
]
Human = Annotated[bool, typer.Option("--human", help="Type the model's replies yourself.")]
SandboxKind = Annotated[
    str | None, typer.Option("--sandbox", metavar="KIND", help=f"{CHOICES_TEXT}.")
]
Image = Annotated[
    str | None, typer.Option("--image", metavar="NAME", help="Docker image to work in.")
]
Workdir = Annotated[
    str | None,
    typer.Option("--workdir", metavar="DIR", help="The repository's folder in the image."),
]
PipPins = Annotated[
    list[str] | None,
    typer.Option("--pip", metavar="PIN", help="Python package to install; repeatable."),
]
AptPackages = Annotated[
    list[str] | None,
    typer.Option("--apt", metavar="NAME", help="Debian package (Docker); repeatable."),
]
TestCommand = Annotated[
    str | None,
    typer.Option("--test", metavar="COMMAND", help="Test command, e.g. pytest -rA."),
]
TestReport = Annotated[
    str | None,
    typer.Option(
        "--test-report",
        metavar="KIND",
        help="Format of its results: pytest, junit:PATH or exit-code.",
    ),
]
TestsFile = Annotated[
    Path | None,
    typer.Option("--tests", metavar="FILE", help="YAML file that names hidden tests."),
]
Samples = Annotated[
    int | None,
    typer.Option("--samples", min=1, help="Attempts; evidence chooses among several."),
]
Mode = Annotated[str | None, typer.Option("--mode", help="improved or faithful (docs/modes.md).")]
RunName = Annotated[
    str | None, typer.Option("--name", metavar="RUN", help="Name of the run folder.")
]
ResumedRun = Annotated[
    str | None, typer.Option("--resume", metavar="RUN", help="Resume an interrupted run.")
]

Repair = Annotated[
    bool, typer.Option("--repair", help="Resume before the first damaged line of the journal.")
]


@app.command()
def solve(
    issue: IssueText = None,
    repo: Repository = None,
    dirty: Dirty = False,
    apply: Apply = False,
    model: Model = None,
    engine_url: EngineUrls = None,
    replay: Replay = None,
    human: Human = False,
    sandbox: SandboxKind = None,
    image: Image = None,
    workdir: Workdir = None,
    env: Variables = None,
    setup: Setup = None,
    pip: PipPins = None,
    apt: AptPackages = None,
    test: TestCommand = None,
    test_report: TestReport = None,
    tests: TestsFile = None,
    samples: Samples = None,
    select: Select = None,
    until: Until = None,
    branch: Branch = None,
    mode: Mode = None,
    name: RunName = None,
    resume: ResumedRun = None,
    repair: Repair = False,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> int:
    """Solve one issue in a sandbox and print the patch.

    The checkout is never modified without --apply. Progress goes to stderr;
    stdout gets the patch, or with --json one object with resolved,
    exit_reason, patch, turns, seconds, sandbox, policy, run and more. The
    first Ctrl-C finishes the turn and saves, the second one stops.

    \b
    Examples:
      cwm-agent solve issue.md --repo . --model ~/models/cwm
      cwm-agent solve issue.md --model openai:NAME --url http://gpu1:8000/v1
      cwm-agent solve example:flask-blueprint-name
      cwm-agent solve nano:17
      cwm-agent solve nano:17 --samples 8
      cwm-agent solve "Empty names are accepted" --test "python -m pytest -rA" | git apply
      cwm-agent solve issue.md --test "npm test" --test-report exit-code
      cwm-agent solve tasks/count-words --model ~/models/cwm
      cwm-agent solve --resume 2026-11-22-201500

    \b
    Exit codes: 0 resolved (or submitted, without tests), 2 usage, 3 not
    resolved, 4 environment not ready, 5 model failure, 6 limit reached,
    130 interrupted.
    """
    from cwm_agent.commands.solve import run_request
    from cwm_agent.tasks.inputs import Request, read_variables

    request = Request(
        issue=issue,
        repository=repo,
        dirty=dirty,
        apply=apply,
        replay=replay,
        human=human,
        pip=tuple(pip or ()),
        apt=tuple(apt or ()),
        workdir=workdir,
        variables=read_variables(env or ()),
        setup=tuple(setup or ()),
        test=test,
        test_report=test_report,
        tests=tests,
        name=name,
        resume=resume,
        repair=repair,
        config_files=tuple(config or ()),
        assignments=tuple(assignments or ()),
        flags={
            "model": model,
            "endpoint.urls": engine_url,
            "sandbox.kind": sandbox,
            "sandbox.image": image,
            "mode": mode,
            "runs": runs,
            "samples": samples,
            "scaling.select": select,
            "scaling.until": until,
            "scaling.branch": branch,
        },
    )
    return run_request(request, as_json=as_json)
