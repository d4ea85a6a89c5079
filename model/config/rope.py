"""Rotary position embedding: which angle belongs to which position.

Sources: RoFormer (arXiv 2104.09864) for the angles; the frequency scaling is
that of Llama 3.1, whose constants stand in a checkpoint's config.json.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.config.config import ModelConfig


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


def rotation(inverse: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine for `model.ops.reference.rotate`, each (tokens, 1, head_dim), fp32.

    `inverse` comes from `inverse_frequencies`; positions (tokens,). Both halves
    of a head turn by the same angles; the first half of the sine is negated.
    """
    angles = positions.float()[:, None] * inverse
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), -1)[:, None], torch.cat((-sin, sin), -1)[:, None]
