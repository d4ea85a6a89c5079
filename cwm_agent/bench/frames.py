"""How well the next frame of an execution is predicted, on programs that nobody trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.nano.programs import Program, record_program
from envs.progress import Say
from model.text.traces import TraceFormat
from results.reports.metrics import Share, share

if TYPE_CHECKING:
    from model.runner.transformer import Transformer


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """`exact`: frames predicted to the letter after the true ones before; `whole`: programs
    of which all frames and the end are."""

    exact: Share
    whole: Share


def measure_frames(model: Path, programs: int, progress: Say) -> FrameFigures:
    """Greedy prediction, half of the programs from held-out templates; raises ModelError."""
    from model.checkpoint.open import load_checkpoint
    from model.runner.transformer import Transformer

    files = load_checkpoint(model)
    form = TraceFormat(files.tokenizer)
    transformer = Transformer(files.config, files.weights)
    progress(f"predicting the frames of {programs} programs")
    right = total = whole = 0
    for number in range(programs):
        program = record_program(f"bench/{number}", held_out=number % 2 == 0)
        found = predicted(transformer, form, program)
        right, total = right + sum(found), total + len(found)
        whole += all(found)
    return FrameFigures(share(right, total), share(whole, programs))


def predicted(transformer: Transformer, form: TraceFormat, program: Program) -> list[bool]:
    """For each frame, and the end: whether greedy decoding after the true frames before gives it.

    Greedy decoding gives the true tokens exactly if each of them is the
    likeliest after the true ones before it, so one forward pass tells.
    """
    import torch

    from model.kvcache.dense import DenseCache

    prompt = form.prompt(program.source)
    parts = [*(form.frame(frame) for frame in program.frames), [form.end_id]]
    ids = torch.tensor(prompt + [token for part in parts for token in part])
    cache = DenseCache(transformer.config, transformer.device, transformer.dtype)
    likeliest = transformer.logits(ids, cache, last_only=False).argmax(-1)
    found, at = [], len(prompt)
    for part in parts:
        found.append(torch.equal(likeliest[at - 1 : at - 1 + len(part)], ids[at : at + len(part)]))
        at += len(part)
    return found
