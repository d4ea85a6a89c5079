"""How far one set of weights is from another in what counts: the predicted next token.

Quantised weights are let through by this and not by the error of single
matrices, which says little about answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from model.errors import QuantizationError
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer
from model.text.tokenizer import Tokenizer

_CHUNK = 128  # tokens a pass, which bounds what is in fp32 on the device


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What quantised weights must keep to. KL divergences are in nats per token.

    The mean bounds the drift over a long answer, the maximum single wrecked
    positions, the agreement greedy answers.
    """

    mean_kl: float = 0.02
    max_kl: float = 1.0
    top1_agreement: float = 0.95


DEFAULT_GATE = Tolerance()


@dataclass(frozen=True, slots=True)
class Divergence:
    """KL(reference || other) over the next-token distributions, and how often the top is the same.

    `tokens` positions were compared; `top1_agreement` is a share of them. The
    perplexities are those of the text itself, None for a text of one token.
    """

    tokens: int
    mean_kl: float
    max_kl: float
    top1_agreement: float
    reference_perplexity: float | None = None
    perplexity: float | None = None

    def beyond(self, gate: Tolerance = DEFAULT_GATE) -> tuple[str, ...]:
        """What is worse than the gate allows, one sentence each; NaN always is."""
        failures = []
        for name, value, limit in (
            ("mean KL divergence", self.mean_kl, gate.mean_kl),
            ("largest KL divergence", self.max_kl, gate.max_kl),
        ):
            if not value <= limit:
                failures.append(f"{name} {value:.4g} is above {limit:g}")
        if not self.top1_agreement >= gate.top1_agreement:
            failures.append(
                f"top-1 agreement {self.top1_agreement:.3f} is below {gate.top1_agreement:g}"
            )
        return tuple(failures)


def compare(reference: Transformer, quantised: Transformer, ids: Tensor) -> Divergence:
    """Run the same text, ids (tokens,) of int64, through both models.

    Where both do not fit a device at once, take `logits_of` one after the other
    and hand the results to `divergence`. Raises QuantizationError for no text.
    """
    return divergence(logits_of(reference, ids), logits_of(quantised, ids), ids)


def logits_of(model: Transformer, ids: Tensor) -> Tensor:
    """Logits of every position, (tokens, vocabulary) in fp32 in host memory."""
    if not len(ids):
        raise QuantizationError("there is no text to compare models on; give at least one token")
    cache = DenseCache(model.config, model.device, model.dtype)
    return torch.cat(
        [
            model.logits(part.to(model.device), cache, last_only=False).float().cpu()
            for part in torch.split(ids, _CHUNK)
        ]
    )


def divergence(reference: Tensor, other: Tensor, ids: Tensor) -> Divergence:
    """Compare two sets of logits, each (tokens, vocabulary) in fp32, of the text ids (tokens,)."""
    kl, agree = [], 0
    pairs = zip(torch.split(reference, _CHUNK), torch.split(other, _CHUNK), strict=True)
    for ours, theirs in pairs:
        target, given = ours.log_softmax(-1), theirs.log_softmax(-1)
        kl.append(functional.kl_div(given, target, reduction="none", log_target=True).sum(-1))
        agree += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
    per_token = torch.cat(kl)
    return Divergence(
        tokens=len(per_token),
        mean_kl=per_token.mean().item(),
        max_kl=per_token.max().item(),
        top1_agreement=agree / len(per_token),
        reference_perplexity=_perplexity(reference, ids),
        perplexity=_perplexity(other, ids),
    )


def _perplexity(logits: Tensor, ids: Tensor) -> float | None:
    """exp of the mean loss of each next token."""
    if len(ids) < 2:
        return None
    parts = zip(torch.split(logits[:-1], _CHUNK), torch.split(ids[1:], _CHUNK), strict=True)
    losses = [functional.cross_entropy(part, wanted, reduction="none") for part, wanted in parts]
    return torch.cat(losses).double().mean().exp().item()


def sample_ids(tokenizer: Tokenizer, tokens: int, text: str | None = None) -> Tensor:
    """Ids of the first `tokens` tokens of `text`; without one, of this package's own source.

    Code and its comments are what the model reads most.
    """
    if text is None:
        sources = sorted(Path(__file__).parents[1].rglob("*.py"))
        text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return torch.tensor(tokenizer.encode_text(text)[:tokens], dtype=torch.int64)
