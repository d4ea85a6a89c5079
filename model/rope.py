"""Rotary position embedding: which angle belongs to which position.

Sources: RoFormer (arXiv 2104.09864) for the angles; the frequency scaling is
that of Llama 3.1, whose constants stand in a checkpoint's config.json.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.config import ModelConfig


def inverse_frequencies(config: ModelConfig) -> Tensor:
    """Radians per position of each rotated pair, shape (head_dim / 2,), fp32.

    With llama3 scaling, a pair whose wavelength is above
    original_context / low_freq_factor turns `factor` times slower, one below
    original_context / high_freq_factor keeps its speed, and between the two the
    speeds are blended linearly in original_context / wavelength.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    frequencies = 1.0 / config.rope_theta**exponents
    scaling = config.rope_scaling
    if scaling is None:
        return frequencies
    turns = scaling.original_context * frequencies / (2 * math.pi)
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    keep = ((turns - low) / (high - low)).clamp(0.0, 1.0)
    return keep * frequencies + (1.0 - keep) * frequencies / scaling.factor


def rotation(inverse: Tensor, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine for positions first .. first + count - 1, each (count, head_dim / 2), fp32.

    `inverse` comes from `inverse_frequencies`.
    """
    positions = torch.arange(first, first + count, dtype=torch.float32, device=inverse.device)
    angles = positions[:, None] * inverse
    return angles.cos(), angles.sin()
