"""`cwm-agent model`: what a checkpoint is, other formats of it, and what fits a GPU."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cwm_agent.cli.options import Json
from cwm_agent.exit_codes import ExitCode

if TYPE_CHECKING:
    from model.checkpoint.quantize import Quantization
    from model.runner.divergence import Divergence


app = typer.Typer(help="Inspect, convert and plan checkpoints.", no_args_is_help=True)


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


class Weights(StrEnum):
    """Forms of the weights on the card."""

    bf16 = "bf16"
    fp8 = "fp8"
    int8 = "int8"


class Shape(StrEnum):
    """Models to plan without a checkpoint."""

    cwm_32b = "32b"
    nano = "nano"


@app.command()
def inspect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Checkpoint folder.")],
    quantize: Annotated[
        Quantize, typer.Option(help="Also compare the model with its 8-bit version.")
    ] = Quantize.none,
    random: Annotated[
        bool, typer.Option("--random", help="Use random weights; only a configuration is needed.")
    ] = False,
    text: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Text to compare on; default: our own code.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to compare on.")] = 512,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[Dtype, typer.Option(help="Number format to compare in.")] = Dtype.auto,
    as_json: Json = False,
) -> None:
    """Show what a checkpoint contains and whether it can be loaded.

    With --quantize, compares the 8-bit model's next-token predictions on a text
    with the original's, and fails if they differ by more than the limit.

    \b
    Example:
      cwm-agent model inspect ./cwm --quantize fp8 --json
    """
    from cwm_agent.view.checkpoints import inspection_json, inspection_text
    from model.checkpoint.inspect import inspect_checkpoint

    found = inspect_checkpoint(folder, random=random)
    quantized = None
    if quantize is not Quantize.none and not found.problems:
        compared = _compare(
            folder,
            quantize,
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
    target: Annotated[Path, typer.Argument(metavar="DST", help="New folder to write.")],
    to: Annotated[
        Target, typer.Option(help="hf: safetensors; dcp: distributed checkpoint.")
    ] = Target.hf,
    dtype: Annotated[Dtype, typer.Option(help="Number format; auto keeps the stored one.")] = (
        Dtype.auto
    ),
    shard_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Maximum size of an hf weight file, e.g. 5GB.")
    ] = "5GB",
    measure: Annotated[
        Quantize, typer.Option(help="Then compare DST with its 8-bit version, as inspect does.")
    ] = Quantize.none,
    as_json: Json = False,
) -> None:
    """Write a checkpoint in another layout or number format.

    DST appears only once it is complete. A dcp is assembled in memory. --measure
    shows what 8-bit weights change: perplexity, divergence, top-1 agreement.

    \b
    Example:
      cwm-agent model convert ./cwm-dcp ./cwm-hf --dtype bfloat16 --measure fp8
    """
    from dataclasses import asdict

    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from cwm_agent.config.units import byte_size
    from cwm_agent.view.checkpoints import divergence_lines, divergence_record
    from cwm_agent.view.console import console
    from model.checkpoint.convert import convert_checkpoint
    from model.checkpoint.layouts import Layout

    most = byte_size(shard_size)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console(sys.stderr)) as bar:
        task = bar.add_task("converting", total=None)
        written = convert_checkpoint(
            source,
            target,
            layout=Layout(to.value),
            dtype=dtype.value,
            shard_bytes=most,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    record = asdict(written) | {"folder": str(target)}
    compared = None if measure is Quantize.none else _compare(target, measure)
    if compared is not None:
        record["divergence"] = divergence_record(measure.value, compared)
    print(json.dumps(record, indent=2) if as_json else target)
    if compared is None:
        return
    for name, text in divergence_lines(measure.value, compared):
        print(f"{name}: {text}", file=sys.stderr)
    if compared.beyond():
        raise typer.Exit(ExitCode.MODEL)


def _compare(
    folder: Path,
    kind: Quantize,
    *,
    random: bool = False,
    text: Path | None = None,
    tokens: int = 512,
    device: str = "auto",
    dtype: str = "auto",
) -> Divergence:
    from cwm_agent.commands.quantize import measure

    form: Quantization = "fp8" if kind is Quantize.fp8 else "int8"
    return measure(
        folder, form, random=random, text=text, tokens=tokens, device=device, dtype=dtype
    )


@app.command()
def plan(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Checkpoint folder.")
    ] = None,
    shape: Annotated[Shape, typer.Option(help="Model to plan, if no folder is given.")] = (
        Shape.cwm_32b
    ),
    gpu_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory per GPU, e.g. 80GiB; default: this machine's."),
    ] = None,
    context: Annotated[
        int | None, typer.Option(min=2, help="Tokens per session; default: the model's.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Concurrent sessions.")] = 1,
    weights: Annotated[
        Weights, typer.Option(help="Number format of the linear layers.")
    ] = Weights.bf16,
    tp: Annotated[int, typer.Option(min=1, help="GPUs that share the model.")] = 1,
    as_json: Json = False,
) -> None:
    """Show what a model needs on a GPU and how many sessions fit beside it.

    Nothing is loaded and no GPU is needed. If the requested setup does not
    fit, the command fails and says what would.

    \b
    Example:
      cwm-agent model plan --gpu-memory 80GiB --context 131072 --weights fp8
    """
    from cwm_agent.config.units import card_size
    from cwm_agent.view.memory import fit_json, fit_text
    from model.checkpoint.layouts import read_shape
    from model.config.shapes import named_shape
    from model.engine.fit import plan_fit
    from model.engine.memory import Deployment

    config = named_shape(shape.value) if folder is None else read_shape(folder)
    forms: dict[Weights, Quantization] = {Weights.fp8: "fp8", Weights.int8: "int8"}
    deployment = Deployment(config, quantization=forms.get(weights, "none"), tensor_parallel=tp)
    fit = plan_fit(
        deployment, card_size(gpu_memory), context=context or config.context, batch=batch
    )
    name = f"shape {shape.value}" if folder is None else folder.name
    print((fit_json if as_json else fit_text)(fit, deployment, name))
    if not fit.fits:
        raise typer.Exit(ExitCode.MODEL)
