"""The launches by which a kernel's figures are judged, at the sizes that the engine has most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.attention import paged
from model.config.rope import inverse_frequencies, rotation
from model.ops.linear import Fp8Weight, dequantise, quantise_fp8
from model.step.sampler import Draw, Sampling

Launch: TypeAlias = Callable[[Any], Tensor | tuple[Tensor, ...] | Fp8Weight]


@dataclass(frozen=True, slots=True)
class Problem:
    """`launch` carries the kernel out with the figures that it is given."""

    name: str
    launch: Launch

    def result(self, figures: Any) -> Tensor:
        """What comes out, as one tensor to compare."""
        found = self.launch(figures)
        if isinstance(found, tuple):
            return found[-1]
        return found if isinstance(found, Tensor) else dequantise(found)


def problems(bench: Bench, kernel: str) -> list[Problem]:
    """All launches that count for a kernel; each weighs the same."""
    return _PROBLEMS[kernel](bench)


def _norm(bench: Bench) -> list[Problem]:
    from model.ops.triton.norm import add_rms_norm

    weight = bench.random(bench.config.hidden)

    def of(rows: int) -> Problem:
        x, delta = bench.random(rows, len(weight)), bench.random(rows, len(weight))
        return Problem(f"{rows} rows", lambda t: add_rms_norm(x, delta, weight, 1e-5, tuning=t))

    return [of(16), of(bench.sizes.rows)]


def _rope_write(bench: Bench) -> list[Problem]:
    from model.ops.triton.rope_write import rope_write

    config, device = bench.config, bench.device

    def of(rows: int) -> Problem:
        qkv = bench.random(rows, config.heads + 2 * config.kv_heads, config.head_dim)
        pool = bench.random(2 * config.kv_heads, rows, config.head_dim)
        places = torch.arange(rows, device=device)
        cos, sin = rotation(inverse_frequencies(config).to(device), places)
        return Problem(f"{rows} rows", lambda t: rope_write(qkv, cos, sin, pool, places, tuning=t))

    return [of(16), of(bench.sizes.rows)]


def _swiglu(bench: Bench) -> list[Problem]:
    from model.ops.triton.swiglu import swiglu

    def of(rows: int) -> Problem:
        gate_up = bench.random(rows, 2 * bench.config.intermediate)
        return Problem(f"{rows} rows", lambda t: swiglu(gate_up, tuning=t))

    return [of(16), of(bench.sizes.rows)]


def _quantise(bench: Bench) -> list[Problem]:
    from model.ops.triton.quantise import quantise_fp8 as kernel
    from model.ops.triton.swiglu import swiglu_fp8

    rows = bench.sizes.rows
    x, gate_up = (
        bench.random(rows, bench.config.hidden),
        bench.random(rows, 2 * bench.config.intermediate),
    )
    return [
        Problem("rows", lambda t: kernel(x, tuning=t)),
        Problem("swiglu", lambda t: swiglu_fp8(gate_up, tuning=t)),
    ]


def _sample(bench: Bench) -> list[Problem]:
    from model.ops.triton.sample import sample_rows
    from model.step.sample_inputs import pack_draws

    def of(rows: int) -> Problem:
        logits = torch.randn((rows, bench.config.vocabulary), device=bench.device) * 4
        draws = [Draw(Sampling(1.0, 0.95, seed=row), row, row) for row in range(rows)]
        inputs = pack_draws(draws, bench.device)
        return Problem(f"{rows} rows", lambda t: sample_rows(logits, inputs, tuning=t))

    return [of(1), of(bench.sizes.batch)]


def _decode(bench: Bench) -> list[Problem]:
    sizes = bench.sizes
    return [
        _attention(bench, [(sizes.context, 1)]),
        _attention(bench, [(sizes.context, 1)] * sizes.batch),
        _attention(bench, [(sizes.kernel_context, 1)] * sizes.kernel_batch),
    ]


def _verify(bench: Bench) -> list[Problem]:
    context = bench.sizes.context
    return [_attention(bench, [(context, 9)]), _attention(bench, [(context, 17)] * 4)]


def _extend(bench: Bench) -> list[Problem]:
    chunk, before = bench.sizes.chunk, bench.sizes.before_chunk
    return [_attention(bench, [(chunk, chunk)]), _attention(bench, [(before + chunk, chunk)])]


def _attention(bench: Bench, rows: Sequence[tuple[int, int]]) -> Problem:
    from model.ops.triton.decode import attend_decode
    from model.ops.triton.extend import attend_extend
    from model.step.page_tables import DRAFT_TOKENS

    query, begins, pool, pages = paged(bench, rows)
    most = max(new for _, new in rows)
    attend: Callable[..., Tensor] = attend_decode if most <= DRAFT_TOKENS else attend_extend
    return Problem(
        f"{len(rows)} x {rows[0][1]} tokens over {rows[0][0]} keys",
        lambda t: attend(query, begins, pool, pages, None, most, tuning=t),
    )


def _gemv(bench: Bench) -> list[Problem]:
    from model.ops.triton.gemv import weight_only_linear

    config = bench.config
    merged = (config.heads + 2 * config.kv_heads) * config.head_dim
    shapes = (
        (config.hidden, merged), (config.heads * config.head_dim, config.hidden),
        (config.hidden, 2 * config.intermediate), (config.intermediate, config.hidden),
    )  # fmt: skip

    def of(width: int, outputs: int, rows: int) -> Problem:
        weight, x = quantise_fp8(bench.random(outputs, width)), bench.random(rows, width)
        name = f"{rows} x {width} by {outputs}"
        return Problem(name, lambda t: weight_only_linear(x, weight, t))

    return [of(*shape, rows) for shape in shapes for rows in (1, 16)]


_PROBLEMS: dict[str, Callable[[Bench], list[Problem]]] = {
    "norm": _norm,
    "rope_write": _rope_write,
    "swiglu": _swiglu,
    "quantise": _quantise,
    "sample": _sample,
    "decode": _decode,
    "verify": _verify,
    "extend": _extend,
    "gemv": _gemv,
}
