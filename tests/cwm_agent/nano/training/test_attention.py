"""Attention over blocks against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cwm_agent.nano.training.attention import (
    full_attention,
    full_mask,
    sliding_attention,
    sliding_mask,
)

CPU = torch.device("cpu")


def inputs(tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(tokens)
    query = torch.randn(2, tokens, 4, 16, generator=generator)
    key, value = torch.randn(2, 2, tokens, 2, 16, generator=generator)
    return query, key, value


def expected(query: Tensor, key: Tensor, value: Tensor, window: int) -> Tensor:
    places = torch.arange(query.shape[1])
    distance = places[:, None] - places
    mixed = functional.scaled_dot_product_attention(
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=(distance >= 0) & (distance < window),
        enable_gqa=True,
    )
    return mixed.transpose(1, 2).flatten(2)


@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 128, 200, 384])
def test_full_attention(tokens: int) -> None:
    query, key, value = inputs(tokens)
    ours = full_attention(query, key, value, full_mask(tokens, CPU))
    torch.testing.assert_close(ours, expected(query, key, value, tokens), atol=1e-5, rtol=0)


@pytest.mark.parametrize("window", [1, 2, 64, 65, 66, 100, 128, 500])
@pytest.mark.parametrize("tokens", [1, 64, 100, 256])
def test_sliding_attention(tokens: int, window: int) -> None:
    query, key, value = inputs(tokens)
    ours = sliding_attention(query, key, value, window, sliding_mask(tokens, window, CPU))
    torch.testing.assert_close(ours, expected(query, key, value, window), atol=1e-5, rtol=0)
