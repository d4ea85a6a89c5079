"""`cwm-agent bench scaling`: samples, evidence and choices on new generated tasks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.bench_sets import chosen_sets
from cwm_agent.cli.options import Json
from envs.registry import AUTO, CHOICES_TEXT


def scaling(
    tasks: Annotated[int, typer.Option(min=1, help="Tasks; the sets take turns.")] = 30,
    samples: Annotated[int, typer.Option(min=2, help="Samples of each task.")] = 8,
    seed: Annotated[int, typer.Option(help="Seed of the tasks.")] = 1,
    sets: Annotated[str, typer.Option(help="Task sets.")] = "seen,unseen,phrasing",
    workers: Annotated[int, typer.Option(min=1, help="Concurrent attempts.")] = 8,
    sandbox: Annotated[str, typer.Option(help=f"{CHOICES_TEXT}.")] = AUTO,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the run here; default: not at all.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="RUN", help="Run name; an existing run is resumed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sample new generated tasks, gather evidence, choose by every recipe, judge.

    Shows what each recipe keeps of the oracle's lead, with its interval. With
    --runs and --name a stopped measurement goes on where it was.

    \b
    Example:
      cwm-agent bench scaling --tasks 100 --samples 8 --seed 3 --json
    """
    from cwm_agent.bench.scaling import ScalingBench, measure_scaling, scaling_lines

    bench = ScalingBench(tasks, samples, seed, chosen_sets(sets), workers, sandbox, runs, name)
    figures = measure_scaling(bench, lambda line: print(line, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
        return
    for line in scaling_lines(figures):
        print(line)
