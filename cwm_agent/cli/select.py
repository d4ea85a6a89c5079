"""`cwm-agent select`: choose one sample of each issue."""

from __future__ import annotations

from typing import Annotated

import typer

from cwm_agent.cli.options import Ids, Json, RunsFolder

app = typer.Typer()


@app.command()
def select(
    run: Annotated[str, typer.Argument(help="Run, folder of evidence tables, or one table.")],
    recipe: Annotated[
        str, typer.Option("--recipe", help="How to choose; an unknown name lists all.")
    ] = "posterior",
    abstain: Annotated[
        float, typer.Option("--abstain", min=0, max=1, help="No choice below this probability.")
    ] = 0.0,
    ids: Ids = None,
    runs: RunsFolder = None,
    as_json: Json = False,
) -> int:
    """Choose one sample of each issue from its evidence, and say why.

    Of a run the choices are kept (choice.json beside the evidence), for
    `cwm-agent export --best`. Nothing is executed and no verdict is read.

    \b
    Examples:
      cwm-agent select first
      cwm-agent select first --recipe cwm --id django__django-11099
      cwm-agent select runs/first/django__django-11099/evidence.json --json

    \b
    Exit codes: 0 every issue has a choice, 2 usage, 3 some have none.
    """
    from cwm_agent.commands.samples.select import SelectRequest, show_choices

    return show_choices(
        SelectRequest(run, recipe, abstain, tuple(ids or ()), runs), as_json=as_json
    )
