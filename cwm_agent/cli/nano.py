"""`cwm-agent nano`: the bundled tiny model's tasks and its training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json

app = typer.Typer(help="Generated tasks, and the training of the tiny model.", no_args_is_help=True)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the training run.")]


@app.callback()
def group() -> None:
    """Generated tasks, and the training of the tiny model."""


@app.command()
def draw(
    task: Annotated[str, typer.Argument(metavar="[SET/]SEED", help="Such as unseen/7.")],
    as_json: Json = False,
) -> None:
    """Show a generated task: its issue, the module with the bug, and the repair.

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
    total: Annotated[float, typer.Option(min=0.1, help="Minutes of the whole run.")] = 105.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make samples.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Of weights and samples.")] = 0,
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Begin with a checkpoint's weights.")
    ] = None,
) -> None:
    """Train the tiny model, or go on with a run where it stopped.

    The learning rate falls with the share of --total that is over. A killed
    run loses what it learnt since the last saving, three minutes at most.

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
    )
    print(
        f"{counters.step} steps, {counters.tokens} tokens, {counters.seconds:.0f} s",
        file=sys.stderr,
    )


@app.command()
def curves(
    run: RunFolder,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw a picture.")] = None,
) -> None:
    """Show how the losses of a training run went.

    \b
    Example:
      cwm-agent nano curves /tmp/nano --png curves.png
    """
    from cwm_agent.nano.training.curves import LOG, read_log, terminal_curve, write_picture

    lines = read_log(run / LOG)
    print(terminal_curve(lines))
    if png is not None:
        write_picture(lines, png)


@app.command()
def export(
    run: RunFolder,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the checkpoint.")],
) -> None:
    """Write the newest state of a training run as a checkpoint in transformers format.

    \b
    Example:
      cwm-agent nano export /tmp/nano /tmp/checkpoint
    """
    from cwm_agent.nano.recipe import export_nano

    export_nano(run, folder)


@app.command()
def vocabulary(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The tokenizer.json to write.")],
    conversations: Annotated[int, typer.Option(min=1, help="To learn from.")] = 4000,
) -> None:
    """Learn the tokenizer from generated conversations; a model knows only its own.

    \b
    Example:
      cwm-agent nano vocabulary /tmp/tokenizer.json
    """
    from cwm_agent.nano.rendering import vocabulary_texts
    from cwm_agent.nano.vocabulary import train_vocabulary

    train_vocabulary(vocabulary_texts(conversations), target)
