"""`cwm-agent bench trace`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json


def trace(
    programs: Annotated[int, typer.Option(min=1, help="Generated programs.")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of the programs.")] = 1,
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Checkpoint; default: the bundled one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict executions of programs nobody trained on, freely and within the program.

    Greedy. A frame counts when it is right to the letter after the true frames
    before it; illegal steps and whole programs are of predictions left alone.

    \b
    Example:
      cwm-agent bench trace --programs 300 --seed 1 --json
    """
    from cwm_agent.bench.trace import TraceBench, measure_trace, trace_lines

    bench = TraceBench(programs, seed, model)
    figures = measure_trace(bench, lambda line: print(line, file=sys.stderr))
    print(json.dumps(figures.to_json(), indent=2) if as_json else "\n".join(trace_lines(figures)))
