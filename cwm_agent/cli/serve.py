"""`cwm-agent serve`: the engine behind the protocols of other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles

app = typer.Typer()


@app.command()
def serve(
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="DIR", help="Checkpoint; default: bundled nano."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The model's name for clients; default: DIR's.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8000,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="FILE", help="API keys, one a line.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Host header to accept; repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", metavar="URL", help="Web origin to accept; repeatable."),
    ] = None,
    requests: Annotated[int, typer.Option(min=1, help="Requests running or waiting.")] = 512,
    requests_per_key: Annotated[int, typer.Option(min=1, help="The same for one key.")] = 256,
    keep: Annotated[int, typer.Option(min=0, help="Conversations kept; 0: none.")] = 1024,
    normalize: Annotated[
        str, typer.Option(help="Header rules for system prompts, or none (docs/serving.md).")
    ] = "billing-header",
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="Time for running requests at shutdown.")
    ] = 300.0,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Serve a checkpoint over the OpenAI and Anthropic APIs.

    \b
    Example:
      cwm-agent serve --model ~/models/cwm --port 8000
    """
    from cwm_agent.server.command import ServeCommand, run_serve

    run_serve(
        ServeCommand(
            model=model,
            name=name,
            host=host,
            port=port,
            keys=keys,
            hosts=tuple(allow_host or ()),
            origins=tuple(allow_origin or ()),
            requests=requests,
            requests_per_key=requests_per_key,
            keep=keep,
            normalize=normalize,
            drain_seconds=drain_seconds,
        ),
        config_files=config or (),
        assignments=assignments or (),
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
