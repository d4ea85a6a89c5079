"""Single kernels against the ceilings: attention, and the small ones around it.

On CUDA the Triton launchers run; without it their references, so that the way
through this file is tried on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.measure.ceilings import attention_flops
from cwm_agent.bench.gpu.measure.timing import Call, seconds_of
from model.config.rope import inverse_frequencies, rotation
from model.ops import paged, reference
from model.step.page_tables import Pages

_SETS = 3  # of buffers, in turn


def decode_attention(bench: Bench) -> None:
    """One token a row over full pages: bytes of keys and values over those of a copy."""
    config, sizes = bench.config, bench.sizes
    batch, context = sizes.kernel_batch, sizes.kernel_context
    pool, pages = _paged(bench, [context] * batch)
    query = bench.random(batch, config.heads, config.head_dim)
    begins = torch.arange(batch + 1, dtype=torch.int32, device=bench.device)
    if bench.device.type == "cuda":
        from model.ops.triton.decode import attend_decode

        def call() -> Tensor:
            return attend_decode(query, begins, pool, pages, None, 1)

    else:

        def call() -> Tensor:
            return paged.attend_pages(query, begins, pool, pages, None)

    seconds = seconds_of(bench.device, [call], capture=True)
    read = batch * context * 2 * config.kv_heads * config.head_dim * pool.element_size()
    share = read / seconds / bench.ceilings.bytes_per_second
    bench.report.add(
        "decode_attention_share", share, seconds=seconds, bytes=read, batch=batch, context=context
    )


def extend_attention(bench: Bench) -> None:
    """A chunk of a prompt after as long a prefix, full attention: operations over a matmul's."""
    config, sizes = bench.config, bench.sizes
    before, tokens = sizes.before_chunk, sizes.chunk
    pool, pages = _paged(bench, [before + tokens])
    query = bench.random(tokens, config.heads, config.head_dim)
    begins = torch.tensor([0, tokens], dtype=torch.int32, device=bench.device)
    if bench.device.type == "cuda":
        from model.ops.triton.extend import attend_extend

        def call() -> Tensor:
            return attend_extend(query, begins, pool, pages, None, tokens)

    else:

        def call() -> Tensor:
            return paged.attend_pages(query, begins, pool, pages, None)

    seconds = seconds_of(bench.device, [call])
    flops = attention_flops(config, tokens, before, None)
    share = flops / seconds / bench.ceilings.flops_per_second
    bench.report.add(
        "extend_attention_share", share, seconds=seconds, flops=flops, tokens=tokens, before=before
    )


def small_kernels(bench: Bench) -> None:
    """Norm with residual, rope with page write, SwiGLU: the worst of their shares of a copy."""
    shares = {}
    for name, make in (("norm", _norm), ("rope_write", _rope_write), ("swiglu", _swiglu)):
        made = [make(bench) for _ in range(_SETS)]
        seconds = seconds_of(bench.device, [call for call, _ in made], capture=True)
        shares[name] = made[0][1] / seconds / bench.ceilings.bytes_per_second
    worst = min(shares.values())
    bench.report.add("small_kernels_share", worst, rows=bench.sizes.rows, **shares)


def _norm(bench: Bench) -> tuple[Call, int]:
    config, rows = bench.config, bench.sizes.rows
    x, delta = bench.random(rows, config.hidden), bench.random(rows, config.hidden)
    weight = bench.random(config.hidden)
    run: Callable[..., Any] = reference.add_rms_norm
    if bench.device.type == "cuda":
        from model.ops.triton.norm import add_rms_norm as run
    return lambda: run(x, delta, weight, config.norm_eps), 4 * x.nbytes


def _rope_write(bench: Bench) -> tuple[Call, int]:
    config, rows = bench.config, bench.sizes.rows
    merged = config.heads + 2 * config.kv_heads
    qkv = bench.random(rows, merged, config.head_dim)
    pool = bench.random(2 * config.kv_heads, rows, config.head_dim)
    size = bench.sizes.page_size
    order = torch.randperm(rows // size, device=bench.device)  # of the pages; tokens are neighbours
    slots = (order[:, None] * size + torch.arange(size, device=bench.device)).flatten()
    cos, sin = rotation(
        inverse_frequencies(config).to(bench.device), torch.arange(rows, device=bench.device)
    )
    run: Callable[..., Any] = paged.rope_write
    if bench.device.type == "cuda":
        from model.ops.triton.rope_write import rope_write as run
    # The projection is read and written once, queries to their place and the rest to the pages.
    return lambda: run(qkv, cos, sin, pool, slots), 2 * qkv.nbytes + cos.nbytes + sin.nbytes


def _swiglu(bench: Bench) -> tuple[Call, int]:
    gate_up = bench.random(bench.sizes.rows, 2 * bench.config.intermediate)
    run: Callable[..., Any] = reference.swiglu
    if bench.device.type == "cuda":
        from model.ops.triton.swiglu import swiglu as run
    return lambda: run(gate_up), gate_up.nbytes * 3 // 2


def _paged(bench: Bench, lengths: list[int]) -> tuple[Tensor, Pages]:
    """Keys and values of rows of these lengths, on pages in random order."""
    config, size = bench.config, bench.sizes.page_size
    width = -(-max(lengths) // size)
    count = width * len(lengths)
    pool = bench.random(2 * config.kv_heads, count * size, config.head_dim)
    table = torch.randperm(count, device=bench.device).to(torch.int32).view(len(lengths), width)
    held = torch.tensor(lengths, dtype=torch.int32, device=bench.device)
    return pool, Pages(table, held, size, max(lengths))
