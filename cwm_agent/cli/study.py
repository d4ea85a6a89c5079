"""`cwm-agent study`: what choosing among samples gained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json, RunsFolder

app = typer.Typer()


@app.command()
def study(
    run: Annotated[
        str | None, typer.Argument(help="Run, folder of tables, or one table; judged.")
    ] = None,
    why: Annotated[
        str | None, typer.Option("--why", metavar="INSTANCE", help="Explain each recipe's choice.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Write a .png or .svg.")
    ] = None,
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", metavar="CSV", help="Published verdicts.")
    ] = None,
    selected: Annotated[
        Path | None, typer.Option("--selected", metavar="CSV", help="Published choices.")
    ] = None,
    column: Annotated[
        str, typer.Option("--column", help="Column of --selected: 1 where the choice is right.")
    ] = "selector_resolved",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Study made-up tables with known answers.")
    ] = False,
    world: Annotated[
        list[str] | None,
        typer.Option("--world", metavar="KEY=VALUE", help="Assumption of --simulate; repeatable."),
    ] = None,
    issues: Annotated[int, typer.Option(min=2, help="Issues of --simulate.")] = 300,
    samples: Annotated[int, typer.Option(min=2, help="Samples of --simulate.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of --simulate.")] = 0,
    what_matters: Annotated[
        bool, typer.Option("--what-matters", help="Vary each assumption of --simulate.")
    ] = False,
    runs: RunsFolder = None,
    as_json: Json = False,
) -> None:
    """Compare all recipes on judged issues: best@k and the gap to the oracle.

    Works offline on saved evidence tables (`cwm-agent evidence`). Gap closed =
    (selected - mean single) / (pass@k - mean single); intervals are bootstraps
    over issues. docs/scaling.md explains the figures.

    \b
    Examples:
      cwm-agent study first --picture first.svg
      cwm-agent study first --why django__django-11099
      cwm-agent study --outcomes outcomes.csv --selected selected.csv
      cwm-agent study --simulate --what-matters
    """
    from cwm_agent.commands.samples.study import StudyRequest, show_study

    show_study(
        StudyRequest(
            run=run,
            runs=runs,
            why=why,
            picture=picture,
            outcomes=outcomes,
            selected=selected,
            column=column,
            simulate=simulate,
            world=tuple(world or ()),
            issues=issues,
            samples=samples,
            seed=seed,
            what_matters=what_matters,
        ),
        as_json=as_json,
    )
