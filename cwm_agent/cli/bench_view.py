"""`cwm-agent bench view`: how fast the viewer is on a large run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json


def view(
    instances: Annotated[int, typer.Option(min=1, help="Instances of the run.")] = 500,
    samples: Annotated[int, typer.Option(min=1, help="Samples per instance.")] = 8,
    turns: Annotated[int, typer.Option(min=4, help="Mean turns per attempt.")] = 30,
    keys: Annotated[int, typer.Option(min=20, help="Keys to press.")] = 200,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the run here for another time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time the viewer in a pseudo-terminal on a large run made for it.

    \b
    Example:
      cwm-agent bench view --json
    """
    from cwm_agent.bench.viewer.corpus import Shape
    from cwm_agent.bench.viewer.measure import ViewBench, measure_view, to_json, view_lines

    bench = ViewBench(Shape(instances, samples, turns), keys, folder)
    figures = measure_view(bench, lambda line: print(line, file=sys.stderr))
    print(json.dumps(to_json(figures), indent=2) if as_json else "\n".join(view_lines(figures)))
