"""Shapes of models by name, for planning and measuring where there is no checkpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from model.config.config import Llama3Scaling, ModelConfig
from model.errors import ConfigError

ShapeName = Literal["32b", "nano"]

CWM_32B = ModelConfig(
    model_type="cwm",
    layers=64,
    hidden=6144,
    intermediate=21504,
    heads=48,
    kv_heads=8,
    head_dim=128,
    vocabulary=128_256,
    context=131_072,
    norm_eps=1e-5,
    windows=tuple(None if i % 4 == 0 or i == 63 else 8192 for i in range(64)),
    rope_theta=1e6,
    rope_scaling=Llama3Scaling(16.0, 1.0, 4.0, 8192),
    tied_embeddings=False,
    bos_id=128_000,
    eos_ids=(128_001, 128_008, 128_009),
    dtype="bfloat16",
)
"""Code World Model as published: 17 layers see everything (the last one too), 47 a window."""

NANO = replace(
    CWM_32B,
    layers=4,
    hidden=96,
    intermediate=160,
    heads=6,
    kv_heads=1,
    head_dim=16,
    vocabulary=512,
    windows=(None, 64, 64, None),
    rope_scaling=None,
    bos_id=0,
    eos_ids=(1,),
    dtype=None,
)
"""The same pattern, small enough to measure on one CPU core within seconds."""


PEER = replace(
    CWM_32B, layers=16, hidden=1536, intermediate=5376, heads=12, kv_heads=2,
    windows=tuple(None if i % 4 == 0 or i == 15 else 8192 for i in range(16)),
)  # fmt: skip
"""0.9 billion parameters in the same proportions: fits a GPU beside a second implementation."""


def named_shape(name: str) -> ModelConfig:
    """The configuration of a shape; raises ConfigError for an unknown name."""
    shapes = {"32b": CWM_32B, "nano": NANO}
    if name not in shapes:
        raise ConfigError(f"unknown shape '{name}'; use {' or '.join(shapes)}")
    return shapes[name]


def with_layers(config: ModelConfig, layers: int) -> ModelConfig:
    """The same model with fewer layers; the last one keeps its place at the end.

    The beginning of the pattern is kept, so the share of full layers is about the same.
    """
    return replace(
        config, layers=layers, windows=(*config.windows[: layers - 1], config.windows[-1])
    )
