"""`cwm-agent nano`: the bundled tiny model's tasks and its training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json

app = typer.Typer(help="Generate tasks and train the tiny bundled model.", no_args_is_help=True)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Training run folder.")]


@app.callback()
def group() -> None:
    """Generate tasks and train the tiny bundled model."""


@app.command()
def draw(
    task: Annotated[str, typer.Argument(metavar="[SET/]SEED", help="Task, e.g. unseen/7.")],
    as_json: Json = False,
) -> None:
    """Show a generated task: its issue, the module with the bug, and the fix.

    \b
    Example:
      cwm-agent nano draw unseen/7
    """
    from cwm_agent.generated.repository import named_task
    from cwm_agent.nano.gitdiff import git_diff

    drawn = named_task(task)
    repair = git_diff(drawn.files, drawn.right_files)
    if as_json:
        print(json.dumps({"issue": drawn.issue.text, "files": drawn.files, "repair": repair}))
        return
    module = drawn.bugs[0].module
    print(f"{drawn.issue.text}\n\n{'-' * 20} {module}\n{drawn.files[module]}\n{'-' * 20}\n{repair}")


@app.command()
def train(
    run: RunFolder,
    minutes: Annotated[float, typer.Option(min=0.1, help="Train this long, then save.")] = 9.0,
    total: Annotated[float, typer.Option(min=0.1, help="Minutes of the whole schedule.")] = 105.0,
    threads: Annotated[int, typer.Option(min=1, help="Torch threads.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Data-generating processes.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Start from a checkpoint's weights.")
    ] = None,
    debugger: Annotated[
        bool, typer.Option("--debugger", help="Train the model that predicts executions.")
    ] = False,
) -> None:
    """Train a tiny model, or resume a training run.

    The learning rate decays over --total. A killed run loses the progress since
    its last checkpoint, at most three minutes.

    \b
    Example:
      cwm-agent nano train /tmp/nano --minutes 9 --total 105
    """
    from cwm_agent.nano.recipe import train_nano

    counters = train_nano(
        run,
        minutes=minutes,
        total=total,
        threads=threads,
        workers=workers,
        device=device,
        seed=seed,
        start=start,
        debugger=debugger,
    )
    print(
        f"{counters.step} steps, {counters.tokens} tokens, {counters.seconds:.0f} s",
        file=sys.stderr,
    )


@app.command()
def curves(
    run: RunFolder,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write them as a PNG.")
    ] = None,
) -> None:
    """Show the loss curves of a training run.

    \b
    Example:
      cwm-agent nano curves /tmp/nano --png curves.png
    """
    from cwm_agent.errors import UsageError
    from cwm_agent.nano.training.curves import LOG, read_log, terminal_curve, write_picture

    if not (run / LOG).is_file():
        raise UsageError(f"{run} is not the folder of a training run: it has no {LOG}")
    lines = read_log(run / LOG)
    print(terminal_curve(lines))
    if png is not None:
        write_picture(lines, png)


@app.command()
def export(
    run: RunFolder,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Checkpoint folder to write.")],
    debugger: Annotated[
        bool, typer.Option("--debugger", help="The run trained the model that predicts executions.")
    ] = False,
) -> None:
    """Write a training run's latest state as a checkpoint in transformers format.

    \b
    Example:
      cwm-agent nano export /tmp/nano /tmp/checkpoint
    """
    from cwm_agent.nano.recipe import export_nano

    export_nano(run, folder, debugger=debugger)


@app.command()
def vocabulary(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The tokenizer.json to write.")],
    conversations: Annotated[int, typer.Option(min=1, help="Conversations to train on.")] = 4000,
) -> None:
    """Train the tokenizer on generated conversations; a model needs its own.

    \b
    Example:
      cwm-agent nano vocabulary /tmp/tokenizer.json
    """
    from cwm_agent.nano.rendering import vocabulary_texts
    from cwm_agent.nano.vocabulary import train_vocabulary

    train_vocabulary(vocabulary_texts(conversations), target)
