"""transformers' `generate`, used in the ways that an agent loop could use it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from cwm_agent.bench.engine.twins import Twins


def generate_one(twins: Twins, ids: Sequence[int], count: int, cache: Any = None) -> list[int]:
    """Exactly `count` greedy tokens after `ids`.

    `cache` is a DynamicCache of a beginning of `ids`; afterwards it also holds
    what was computed here.
    """
    import torch

    rows = torch.tensor([list(ids)], device=twins.weights.embedding.device)
    return _generate(twins, rows, torch.ones_like(rows), count, cache)[0]


def generate_batch(twins: Twins, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """Exactly `count` greedy tokens after each prompt, in one batch padded on the left."""
    import torch

    longest = max(map(len, prompts))
    padded = [[0] * (longest - len(ids)) + list(ids) for ids in prompts]
    real = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts]
    device = twins.weights.embedding.device
    rows, mask = torch.tensor(padded, device=device), torch.tensor(real, device=device)
    return _generate(twins, rows, mask, count, None)


def _generate(twins: Twins, rows: Tensor, mask: Tensor, count: int, cache: Any) -> list[list[int]]:
    out = twins.theirs.generate(
        rows,
        attention_mask=mask,
        max_new_tokens=count,
        do_sample=False,
        pad_token_id=0,
        past_key_values=cache,
    )
    answers: list[list[int]] = out[:, rows.shape[1] :].tolist()
    return answers


def filled_cache(twins: Twins, ids: Sequence[int]) -> Any:
    """A DynamicCache that holds keys and values of `ids`."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=twins.theirs.config)
    rows = torch.tensor([list(ids)], device=twins.weights.embedding.device)
    with torch.inference_mode():
        twins.theirs(rows, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


def twin_cache(cache: Any) -> Any:
    """An independent copy."""
    return copy.deepcopy(cache)
