"""`cwm-agent trace`: predict a whole execution, or record a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json

app = typer.Typer()

Source = Annotated[Path, typer.Argument(metavar="FILE", help="Python source.")]
Entry = Annotated[
    str | None,
    typer.Option("--entry", metavar="NAME", help="Function to enter; default: the marked one."),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=VALUE", help="Argument of the entry; repeatable."),
]
ModelFolder = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Checkpoint; default: bundled nano.")
]
Free = Annotated[bool, typer.Option("--free", help="Let steps leave the program.")]
Certain = Annotated[
    str,
    typer.Option(
        "--certain",
        metavar="LEVEL",
        help="What is given, not predicted: none, moves or branches (computed).",
    ),
]
Temperature = Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest token.")]


@app.command()
def trace(
    source: Source,
    entry: Entry = None,
    arguments: Arguments = None,
    model: ModelFolder = None,
    free: Free = False,
    certain: Certain = "moves",
    temperature: Temperature = 0.0,
    steps: Annotated[int, typer.Option(min=1, help="Most steps.")] = 200,
    real: Annotated[
        bool, typer.Option("--real", help="Run it in a sandbox instead of predicting.")
    ] = False,
    verified: Annotated[
        bool, typer.Option("--verify", help="Compare with a real run in a sandbox.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Predict the execution of a function, step by step to its end.

    The entry is marked in the source by a comment `# << START_OF_TRACE` on its
    def line, or named by --entry. Arguments that nobody gives are filled in.

    \b
    Examples:
      cwm-agent trace program.py --verify
      cwm-agent trace program.py --entry f --arg x=3 --json
      cwm-agent trace program.py --real

    \b
    Exit codes: 0 the end was predicted (with --verify: and all is true), 3 not.
    """
    from cwm_agent.debug.certain.contents import level
    from cwm_agent.debug.faces.opening import Opening
    from cwm_agent.debug.faces.whole import predict_whole, record_whole

    given = tuple(arguments or ())
    opening = Opening(source, entry, given, model, not free, temperature, level(certain))
    if real:
        found = record_whole(opening, steps)
    else:
        found = predict_whole(opening, steps, verified=verified)
    print(json.dumps(found.data, indent=2) if as_json else "\n".join(found.lines))
    return 0 if found.good else 3
