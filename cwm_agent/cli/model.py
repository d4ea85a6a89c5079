"""`cwm-agent model`: what a checkpoint is, and other formats of it."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.exit_codes import ExitCode
from cwm_agent.cli.options import Json

app = typer.Typer(help="Inspect and convert checkpoints.", no_args_is_help=True)


class Quantize(StrEnum):
    """8-bit forms of the linear layers."""

    none = "none"
    fp8 = "fp8"
    int8 = "int8"


class Target(StrEnum):
    """Layouts that can be written."""

    hf = "hf"
    dcp = "dcp"


class Dtype(StrEnum):
    """Number formats that can be written."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


@app.command()
def inspect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a checkpoint.")],
    quantize: Annotated[
        Quantize, typer.Option(help="Also compare the model with its 8-bit form.")
    ] = Quantize.none,
    random: Annotated[
        bool, typer.Option("--random", help="Random weights by the configuration alone.")
    ] = False,
    text: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Text to compare on; default: own code.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to compare on.")] = 512,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[Dtype, typer.Option(help="Number format to compare in.")] = Dtype.auto,
    as_json: Json = False,
) -> None:
    """Print what a checkpoint holds and whether it can be loaded.

    With --quantize, both forms predict every token of a text, and the command
    fails when they differ by more than the gate allows.

    \b
    Example:
      cwm-agent model inspect ./cwm --quantize fp8 --json
    """
    from cwm_agent.measure_quantized import measure
    from cwm_agent.view.checkpoints import inspection_json, inspection_text
    from model.inspection import inspect_checkpoint

    found = inspect_checkpoint(folder, random=random)
    quantized = None
    if quantize is not Quantize.none and not found.problems:
        compared = measure(
            folder,
            "fp8" if quantize is Quantize.fp8 else "int8",
            random=random,
            text=text,
            tokens=tokens,
            device=device,
            dtype=dtype.value,
        )
        quantized = quantize.value, compared
    show = inspection_json if as_json else inspection_text
    print(show(found, quantized))
    if found.problems or (quantized and quantized[1].beyond()):
        raise typer.Exit(ExitCode.MODEL)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Checkpoint to read.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write; must be new.")],
    to: Annotated[
        Target, typer.Option(help="hf: safetensors; dcp: distributed checkpoint.")
    ] = Target.hf,
    dtype: Annotated[Dtype, typer.Option(help="Number format; auto keeps the stored one.")] = (
        Dtype.auto
    ),
    shard_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Largest weight file of hf, e.g. 5GB.")
    ] = "5GB",
    as_json: Json = False,
) -> None:
    """Write a checkpoint in another layout or number format.

    DST appears when it is complete. A dcp is put together in memory.

    \b
    Example:
      cwm-agent model convert ./cwm-dcp ./cwm-hf --dtype bfloat16
    """
    from dataclasses import asdict

    from pydantic import ByteSize, TypeAdapter, ValidationError
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from cwm_agent.errors import UsageError
    from cwm_agent.view.console import console
    from model.convert import convert_checkpoint
    from model.formats import Layout

    try:
        most = TypeAdapter(ByteSize).validate_python(shard_size)
    except ValidationError as error:
        raise UsageError(f"'{shard_size}' is no size; give one such as 5GB or 500MiB") from error
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console(sys.stderr)) as bar:
        task = bar.add_task("converting", total=None)
        written = convert_checkpoint(
            source,
            target,
            layout=Layout(to.value),
            dtype=dtype.value,
            shard_bytes=int(most),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    record = asdict(written) | {"folder": str(target)}
    print(json.dumps(record, indent=2) if as_json else target)
