"""`cwm-agent view`: what happened in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json, RunsFolder

app = typer.Typer()


@app.command()
def view(
    runs_or_files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FILE]...", help="Runs, folders or trajectory files; default: newest run."
        ),
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", help="Only this instance.")
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", help="Only this sample.")] = None,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="WORDS", help="Only what fits (docs/viewer.md).")
    ] = "",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Verdicts on foreign files.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Print it, as into a pipe.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show long results in full.")] = False,
    think: Annotated[bool, typer.Option("--think", help="Show the model's thinking.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep showing as the attempt runs.")
    ] = False,
    ascii_: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII only.")] = False,
    content: Annotated[
        bool, typer.Option("--content", help="With --json: messages, patches and outputs, too.")
    ] = False,
    runs: RunsFolder = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Show what happened in a run: each turn, the patch and the verdict.

    A terminal gets an application (? lists its keys), a pipe plain text.
    Reads runs, ATIF, mini-swe-agent, SWE-agent and OpenHands trajectories,
    and predictions. docs/viewer.md describes it.

    \b
    Examples:
      cwm-agent view                     the newest run
      cwm-agent view first second --filter 'flip steps>40'
      cwm-agent view NAME --plain --full --think | less
      cwm-agent view trajectories/ --report report.json
    """
    from cwm_agent.commands.viewing.view import ViewRequest, keymap_of
    from cwm_agent.commands.viewing.view import view as show
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.view.plain import Detail
    from results.store import Store

    resolved = load_settings(
        config_files=config or (), assignments=assignments or (), flags={"runs": runs}
    )
    request = ViewRequest(
        names=tuple(runs_or_files or ()),
        instance=instance,
        sample=sample,
        filter=filter_,
        plain=plain,
        detail=Detail(full, think),
        follow=follow,
        as_json=as_json,
        content=content,
        report=report,
        ascii=ascii_,
    )
    show(Store(resolved.runs_folder()), request, keymap_of(resolved.settings.viewer_keys))
