"""The draws of a step as tensors, for a sampler that runs on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.step.sampler import Draw


@dataclass(frozen=True, slots=True)
class SampleInputs:
    """How each row samples; tensors of (rows,).

    seeds, streams, positions, top_k are int64 (the low 64 bits of the numbers;
    top_k 0 is off), top_p fp64, temperatures (0 is greedy) and min_p fp32. `filters`
    names those of "top_k" and "top_p" that any row uses; `greedy` says that all
    rows take the likeliest token.
    """

    seeds: Tensor
    streams: Tensor
    positions: Tensor
    temperatures: Tensor
    top_p: Tensor
    min_p: Tensor
    top_k: Tensor
    filters: frozenset[str]
    greedy: bool = False


def pack_draws(draws: Sequence[Draw], device: torch.device) -> SampleInputs:
    """The draws of a step of any size (their masks are applied to the logits before)."""
    params = [draw.params for draw in draws]

    def whole(numbers: Sequence[int]) -> Tensor:
        return torch.tensor([low_64(n) for n in numbers], dtype=torch.int64).to(device)

    def real(numbers: Sequence[float], dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.tensor(numbers, dtype=dtype).to(device)

    used = {"top_k": any(p.top_k for p in params), "top_p": any(p.top_p < 1 for p in params)}
    return SampleInputs(
        seeds=whole([p.seed for p in params]),
        streams=whole([draw.stream for draw in draws]),
        positions=whole([draw.position for draw in draws]),
        temperatures=real([p.temperature for p in params]),
        top_p=real([p.top_p for p in params], torch.float64),
        min_p=real([p.min_p for p in params]),
        top_k=whole([p.top_k for p in params]),
        filters=frozenset(name for name, some in used.items() if some),
        greedy=all(p.greedy for p in params),
    )


def low_64(number: int) -> int:
    """The low 64 bits as a signed number."""
    return (number + 2**63) % 2**64 - 2**63
