"""What 8-bit weights change in a checkpoint's predictions."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from cwm_agent.errors import UsageError
from model.checkpoint.open import load_checkpoint, random_model
from model.checkpoint.quantize import Quantization
from model.runner.divergence import Divergence, divergence, logits_of, sample_ids
from model.runner.transformer import Transformer
from model.text.tokenizer import Tokenizer


def measure(
    folder: Path,
    quantize: Quantization,
    *,
    random: bool,
    text: Path | None,
    tokens: int,
    device: str,
    dtype: str,
) -> Divergence:
    """Run one text through the plain and the quantised model, one after the other.

    Only one of them is in memory at a time. `random` stands for random weights
    and random ids. Raises UsageError for an unreadable text, and what loading raises.
    """

    def model(kind: Quantization) -> Transformer:
        if random:
            return Transformer(*random_model(folder, device=device, dtype=dtype, quantize=kind))
        loaded = load_checkpoint(folder, device=device, dtype=dtype, quantize=kind)
        return Transformer(loaded.config, loaded.weights)

    def logits(kind: Quantization, ids: Tensor | None) -> tuple[Tensor, Tensor]:
        loaded = model(kind)
        if ids is None:
            generator = torch.Generator().manual_seed(0)
            ids = torch.randint(loaded.config.vocabulary, (tokens,), generator=generator)
        ids = ids[: loaded.config.context]
        return logits_of(loaded, ids), ids

    given = None if random else sample_ids(Tokenizer.from_folder(folder), tokens, _text(text))
    reference, ids = logits("none", given)
    other, _ = logits(quantize, ids)
    return divergence(reference, other, ids)


def _text(path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
