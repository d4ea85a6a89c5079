"""`cwm-agent bench graders`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json
from envs.registry import AUTO, CHOICES_TEXT


def graders(
    official: Annotated[
        Path | None,
        typer.Option("--official", metavar="DIR", help="Checkout of LiveCodeBench."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Graders, each on its own processor.")] = 2,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds per test, for both.")] = 6,
    packages: Annotated[
        list[str] | None,
        typer.Option("--pip", metavar="PIN", help="Package for solutions; repeatable."),
    ] = None,
    sandbox: Annotated[str, typer.Option(help=f"{CHOICES_TEXT}.")] = AUTO,
    as_json: Json = False,
) -> None:
    """Grade pairs of our own making as LiveCodeBench and math-verify do, and compare.

    Code: solutions with tests, against the checker of a checkout. Mathematics:
    answers with gold answers, against math-verify called directly. A
    disagreement is another verdict on right and wrong.

    \b
    Example:
      cwm-agent bench graders --official ~/LiveCodeBench --json
    """
    from cwm_agent.bench.graders.measure import GraderBench, grader_lines, measure_graders
    from envs.contest.places import grading_sandboxes, processors

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    bench = GraderBench(official, seconds, processors(workers))
    figures = measure_graders(bench, grading_sandboxes(sandbox, progress, packages or ()), progress)
    print(json.dumps(figures.to_json(), indent=2) if as_json else "\n".join(grader_lines(figures)))
