"""How large the measurements are: as the goals ask on a GPU, tiny on a CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Tokens, rows and bytes of every part; seconds are what a part is expected to take."""

    context: int = 8192
    long_context: int = 131_072
    batch: int = 16
    steps: int = 40
    prefill_budget: int = 4096
    kernel_context: int = 32_768
    kernel_batch: int = 8
    chunk: int = 8192
    before_chunk: int = 8192
    rows: int = 4096
    copy_bytes: int = 4 * 2**30
    matmul: int = 8192
    peer_prompt: int = 512
    peer_reply: int = 64
    rounds: int = 3
    batches: int = 50
    invariant_layers: int = 8
    page_size: int = 16


ON_GPU = Sizes()
ON_CPU = Sizes(
    context=160,
    long_context=400,
    batch=3,
    steps=6,
    prefill_budget=128,
    kernel_context=256,
    kernel_batch=2,
    chunk=64,
    before_chunk=64,
    rows=64,
    copy_bytes=2**24,
    matmul=256,
    peer_prompt=24,
    peer_reply=6,
    rounds=1,
    batches=2,
    invariant_layers=3,
)
