"""`cwm-agent bench`: figures beside a named peer."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from cwm_agent.cli.options import Json

app = typer.Typer(help="Measure parts of the system.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure parts of the system, each beside a named peer in the same run."""


class BenchSandbox(StrEnum):
    """Where the shell is measured."""

    docker = "docker"
    bubblewrap = "bubblewrap"


@app.command()
def shell(
    calls: Annotated[int, typer.Option(min=1, help="How many calls of each kind.")] = 200,
    sandbox: Annotated[BenchSandbox, typer.Option(help="Where.")] = BenchSandbox.docker,
    image: Annotated[
        str | None, typer.Option(help="A local image; default: our base image.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time `true` through the persistent shell, and as one docker exec per command.

    \b
    Example:
      cwm-agent bench shell --calls 200
    """
    from cwm_agent.bench.shell import measure_bubblewrap, measure_docker

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    if sandbox is BenchSandbox.docker:
        figures = measure_docker(image=image, calls=calls, progress=progress)
    else:
        figures = measure_bubblewrap(calls=calls, progress=progress)
    if as_json:
        print(json.dumps(asdict(figures), indent=2))
        return
    rows = [("persistent shell", figures.persistent_ms), ("docker exec each", figures.exec_ms)]
    print(f"{figures.calls} x `{figures.command}` in {figures.sandbox}, milliseconds")
    for name, spread in rows:
        if spread is not None:
            print(f"  {name}   median {spread.median:9.3f}   p95 {spread.p95:9.3f}")
    if figures.ratio is not None:
        print(f"  the persistent shell is {figures.ratio} times as fast")
