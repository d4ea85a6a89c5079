"""`cwm-agent chat`: talk to a model."""

from __future__ import annotations

from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, EngineUrls, Json

app = typer.Typer()


@app.command()
def chat(
    message: Annotated[
        str | None, typer.Argument(help="One message; default: lines from the terminal, or stdin.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="DIR", help="Checkpoint, openai:NAME or anthropic:NAME."),
    ] = None,
    url: EngineUrls = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="System message.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> int:
    """Talk to a model: a quick try, without tools and without a run folder.

    Answers go to stdout, thoughts to stderr. At the prompt, /new begins another
    conversation, Ctrl-C ends a reply and Ctrl-D the command.

    \b
    Examples:
      cwm-agent chat
      cwm-agent chat "What is a monad?" --model openai:NAME --url http://gpu1:8000/v1
    """
    from cwm_agent.commands.chat import ChatRequest, converse
    from cwm_agent.config.resolve import load_settings

    resolved = load_settings(
        config_files=config or (),
        assignments=assignments or (),
        flags={"model": model, "endpoint.urls": url},
    )
    return converse(ChatRequest(message, system, as_json), resolved)
