"""`cwm-agent debug`: step through a predicted execution."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer

from cwm_agent.cli.trace import Arguments, Entry, Free, ModelFolder, Source, Temperature

app = typer.Typer()


@app.command()
def debug(
    source: Source,
    entry: Entry = None,
    arguments: Arguments = None,
    model: ModelFolder = None,
    free: Free = False,
    temperature: Temperature = 0.0,
) -> None:
    """Step through an execution that is predicted, not run, with pdb's commands.

    Going back is free, any variable can be changed, and `verify` runs the real
    program in a sandbox and shows the first step that is not as predicted.

    \b
    Examples:
      cwm-agent debug program.py
      cwm-agent debug program.py --entry f --arg x=3
    """
    from cwm_agent.debug.faces.line_mode import LineMode
    from cwm_agent.debug.faces.opening import Opening, opened

    opening = Opening(source, entry, tuple(arguments or ()), model, not free, temperature)
    with opened(opening) as (debugger, recorder):
        LineMode(debugger, recorder, lambda line: print(line, flush=True)).run(_commands())


def _commands() -> Iterator[str]:
    """Lines that a person types, with editing; or those of a pipe."""
    interactive = sys.stdin.isatty()
    if interactive:
        import readline  # noqa: F401 - gives input() its editing
    while True:
        try:
            yield input("(cwm) " if interactive else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            print("\nsay quit to end", file=sys.stderr)
