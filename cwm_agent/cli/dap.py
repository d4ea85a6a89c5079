"""`cwm-agent dap`: a debug adapter for editors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def dap(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Serve on 127.0.0.1; 0: a free port. Default: stdio."
        ),
    ] = None,
) -> None:
    """Let an editor step through predicted executions (Debug Adapter Protocol).

    Steps back, reverse continue and changed variables are supported. The launch
    request takes program, entry, args, model, legal, certain, jumps, temperature,
    stopOnEntry and stopAtEnd (docs/debugging.md).

    \b
    Example:
      cwm-agent dap --port 4711
    """
    from cwm_agent.debug.dap.serve import serve_port, serve_stdio
    from cwm_agent.debug.faces.opening import opened

    if port is None:
        serve_stdio(opened)
        return
    serve_port(opened, port, _say)


def _say(port: int) -> None:
    """Whoever started it waits for this line, also through a pipe."""
    print(f"listening on 127.0.0.1:{port}", file=sys.stderr, flush=True)
