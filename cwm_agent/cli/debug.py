"""`cwm-agent debug`: step through a predicted execution."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from cwm_agent.cli.trace import Arguments, Certain, Entry, Free, ModelFolder, Source, Temperature
from cwm_agent.errors import UsageError

app = typer.Typer()


@app.command()
def debug(
    source: Source,
    entry: Entry = None,
    arguments: Arguments = None,
    model: ModelFolder = None,
    free: Free = False,
    certain: Certain = "moves",
    temperature: Temperature = 0.0,
    jumps: Annotated[
        bool, typer.Option("--jumps", help="Predict next, return, continue... in one go each.")
    ] = False,
    tui: Annotated[bool, typer.Option("--tui", help="A full screen with panes and keys.")] = False,
    ascii_: Annotated[bool, typer.Option("--ascii", help="Draw it with ASCII only.")] = False,
) -> None:
    """Step through an execution that is predicted, not run, with pdb's commands.

    Going back is free, any variable can be changed, and `verify` runs the real
    program in a sandbox and shows the first step that is not as predicted.

    \b
    Examples:
      cwm-agent debug program.py
      cwm-agent debug program.py --entry f --arg x=3
      cwm-agent debug program.py --jumps
      cwm-agent debug program.py --tui
    """
    from cwm_agent.debug.certain.contents import level
    from cwm_agent.debug.faces.line_mode import LineMode
    from cwm_agent.debug.faces.opening import Opening, opened

    if tui and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--tui needs a terminal; leave it out to debug through a pipe")
    given = tuple(arguments or ())
    opening = Opening(source, entry, given, model, not free, temperature, level(certain), jumps)
    with opened(opening) as (debugger, recorder):
        if tui:
            from cwm_agent.debug.screen.app import DebuggerApp
            from cwm_agent.view.app.glyphs import ASCII, glyphs_here
            from cwm_agent.view.console import fill_terminal

            fill_terminal()
            glyphs = ASCII if ascii_ else glyphs_here()
            DebuggerApp(debugger, recorder, source.name, glyphs).run()
            return
        LineMode(debugger, recorder, lambda line: print(line, flush=True)).run(
            _commands("(cwm jumps) " if jumps else "(cwm) ")
        )


def _commands(prompt: str) -> Iterator[str]:
    """Lines that a person types, with editing; or those of a pipe."""
    interactive = sys.stdin.isatty()
    if interactive:
        import readline  # noqa: F401 - gives input() its editing
    while True:
        try:
            yield input(prompt if interactive else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            print("\nsay quit to end", file=sys.stderr)
