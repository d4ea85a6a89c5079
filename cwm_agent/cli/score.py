"""`cwm-agent score`: predictions graded by the official swebench package."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from cwm_agent.cli.options import (
    Assignments,
    ConfigFiles,
    Difficulties,
    Ids,
    Json,
    Match,
    Repositories,
    RunsFolder,
    Slice,
)

app = typer.Typer()
AGAIN = "--again"


class ScoreCommand(TyperCommand):
    """`--again` without a number means once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click; an option's value cannot be left out there."""
        said: list[str] = []
        for word, after in pairwise([*args, ""]):
            said += [word, "1"] if word == AGAIN and not after.isdecimal() else [word]
        return super().parse_args(ctx, said)


Target = Annotated[
    str | None, typer.Argument(help="A run, or a .jsonl or .json file of predictions.")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="NAME|FILE", help="Default: the run's, else swebench-verified."
    ),
]
ControlKind = Annotated[
    str | None,
    typer.Option("--control", metavar="gold|noop", help="Grade known patches to check the images."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Patches graded concurrently.")]
Timeout = Annotated[
    int, typer.Option("--timeout", min=1, help="Seconds allowed for a patch's tests.")
]
Tries = Annotated[
    int, typer.Option("--tries", min=1, help="Attempts when the infrastructure fails.")
]
TestSeconds = Annotated[
    float, typer.Option("--test-seconds", min=0.1, help="Seconds per test of a contest problem.")
]
Packages = Annotated[
    list[str] | None,
    typer.Option("--pip", metavar="PIN", help="Package for solutions: numpy; repeatable."),
]
Strip = Annotated[
    bool, typer.Option("--strip", help="Drop test, configuration, binary and scratch files.")
]
Again = Annotated[
    int, typer.Option(AGAIN, metavar="[N]", min=0, help="Grade everything once more, or N times.")
]
FlawedList = Annotated[
    Path | None,
    typer.Option("--flawed", metavar="FILE", help="Instances called flawed; default: shipped."),
]
Network = Annotated[
    bool,
    typer.Option(
        "--network/--no-network", help="Network for the tests, as in the official grader."
    ),
]
Sample = Annotated[int | None, typer.Option("--sample", help="Only this sample; default: all.")]
On = Annotated[
    str,
    typer.Option("--on", metavar="PLACE", help="local, or ray for a cluster (docs/cluster.md)."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the report.")]


@app.command(cls=ScoreCommand)
def score(
    target: Target = None,
    dataset: Dataset = None,
    control: ControlKind = None,
    workers: Workers = 1,
    timeout: Timeout = 1800,
    tries: Tries = 3,
    test_seconds: TestSeconds = 6.0,
    packages: Packages = None,
    strip: Strip = False,
    network: Network = True,
    again: Again = 0,
    flawed: FlawedList = None,
    ids: Ids = None,
    match: Match = "",
    part: Slice = "",
    repositories: Repositories = None,
    difficulties: Difficulties = None,
    sample: Sample = None,
    out: Out = None,
    on: On = "local",
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> int:
    """Grade patches with swebench 5.0.2, or answers; write report.md and report.json.

    Patches that already have a score are skipped, so an interrupted command
    resumes where it stopped. A patch is graded again if its image was rebuilt,
    if it timed out and --timeout is now longer, or with --again. The report says
    what the score is without instances called flawed (--flawed), and without
    those whose verdict flipped. A run whose
    attempts were judged by their own tests is only reported on, unless
    --dataset is given. Answers to problems (livecodebench, math500, aime24,
    aime25) are graded here (docs/reasoning.md). The report goes to stdout
    (docs/scoring.md).

    \b
    Examples:
      cwm-agent score 2026-11-22-201500 --workers 4
      cwm-agent score all_preds.jsonl --dataset rows.jsonl --json
      cwm-agent score lcb --workers 8
      cwm-agent score answers.jsonl --dataset math500:rows.jsonl
      cwm-agent score --control gold --repository pallets/flask
      cwm-agent score --control gold --dataset terminal-bench-2/tasks
      cwm-agent score first --again 2 --flawed audit.json
      cwm-agent score first --dataset swebench-verified --workers 64 --on ray

    \b
    Exit codes: 0 everything was graded, 2 usage, 3 a control failed, 4 some
    patches could not be graded (run it again), 130 interrupted.
    """
    from cwm_agent.commands.score import ScoreRequest, run_score
    from cwm_agent.scoring.answers.graders import AnswerOptions
    from cwm_agent.scoring.pool import PoolOptions
    from cwm_agent.scoring.score import ScoreOptions
    from cwm_agent.tasks.filters import Selection
    from envs.swebench.grader import GradeOptions
    from results.reports.validity import read_flawed

    options = ScoreOptions(
        Selection(
            tuple(ids or ()), match, tuple(repositories or ()), tuple(difficulties or ()), part
        ),
        sample,
        strip,
        GradeOptions(timeout, network=network),
        PoolOptions(workers, tries),
        again=again,
        flawed=read_flawed(flawed) if flawed else read_flawed(),
    )
    answers = AnswerOptions(workers, test_seconds, tuple(packages or ()))
    request = ScoreRequest(target, dataset, control, out, options, answers, on)
    return run_score(
        request, runs, config_files=config or (), assignments=assignments or (), as_json=as_json
    )
