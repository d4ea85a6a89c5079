"""Shapes of models to measure with when there is no checkpoint, and text for them."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from model.config import ModelConfig

ShapeName = Literal["nano", "135m", "tiny"]
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
_RESERVED = 2  # ids that begin and end a message


def shape_config(name: ShapeName) -> ModelConfig:
    """nano: CWM of 2.8M parameters, window 256. 135m: Llama. tiny: CWM, for trying out."""
    if name == "nano":
        return _config("cwm", (6, 192, 512, 6, 2, 32, 2048), window=256, full=(0, 4, 5))
    if name == "tiny":
        return _config("cwm", (3, 32, 48, 4, 2, 8, 512), window=16, full=(0, 2))
    return _config("llama", (30, 576, 1536, 9, 3, 64, 49_152), window=None, full=tuple(range(30)))


def _config(
    kind: str, sizes: tuple[int, ...], *, window: int | None, full: tuple[int, ...]
) -> ModelConfig:
    from model.config import ModelConfig

    layers, hidden, intermediate, heads, kv_heads, head_dim, vocabulary = sizes
    return ModelConfig(
        model_type=kind,
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=vocabulary,
        context=131_072,
        norm_eps=1e-5,
        windows=tuple(None if layer in full else window for layer in range(layers)),
        rope_theta=1e6,
        rope_scaling=None,
        tied_embeddings=True,
        bos_id=0,
        eos_ids=(1,),
        dtype=None,
    )


def hashed_ids(text: str, vocabulary: int) -> list[int]:
    """Words, runs of blanks and single signs as ids: equal pieces get equal ids.

    Keeps what matters for speed, where text repeats itself; two pieces may share an id.
    """
    return [
        _RESERVED + zlib.crc32(piece.encode()) % (vocabulary - _RESERVED)
        for piece in _PIECE.findall(text)
    ]
