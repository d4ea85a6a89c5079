"""All parts of a check in their order, within the time that it has."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from cwm_agent.bench.gpu import determinism, engine, kernels, peers
from cwm_agent.bench.gpu.bench import ON_CPU, ON_GPU, Bench, free_memory
from cwm_agent.bench.gpu.ceilings import Ceilings, measure_ceilings
from cwm_agent.bench.gpu.facts import facts
from cwm_agent.bench.gpu.gpu_tests import run_gpu_tests
from cwm_agent.bench.gpu.report import GOALS, Report
from model.config.shapes import PEER, named_shape


@dataclass(slots=True)
class Budget:
    """`seconds` for everything, from now on."""

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds until the end; negative after it."""
        return self.seconds - (time.monotonic() - self.started)


def run_part(
    report: Report,
    budget: Budget,
    names: tuple[str, ...],
    seconds: float,
    call: Callable[[], None],
) -> None:
    """Carry out the part that gives the figures `names`, if `seconds` for it are left.

    A part that breaks is written down as failed; the others go on.
    """
    what = ", ".join(names)
    if budget.left < seconds:
        reason = f"skipped: {budget.left:.0f} s were left, about {seconds:.0f} are needed"
        for name in names:
            report.miss(name, reason)
        print(f"[{what}] {reason}", file=sys.stderr, flush=True)
        return
    begun = time.monotonic()
    print(f"[{what}] ...", file=sys.stderr, flush=True)
    try:
        call()
    except Exception as error:  # noqa: BLE001 (one part must not cost the others)
        traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        for name in names:
            if name not in report.figures:
                report.miss(name, f"failed: {type(error).__name__}: {text}")
    print(f"[{what}] {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


_TEST_SECONDS = 180.0


def check(device: torch.device, shape: str, seconds: float, out: Path) -> Report:
    """Measure what `seconds` allow; the report is written after each part."""
    budget = Budget(seconds)
    on_gpu = device.type == "cuda"
    sizes = ON_GPU if on_gpu else ON_CPU
    report = Report(facts(device) | {"shape": shape, "device": device.type})
    dtype = torch.bfloat16 if on_gpu else torch.float32
    found: list[Ceilings] = []

    def ceilings() -> None:
        found.append(
            measure_ceilings(device, dtype, copy_bytes=sizes.copy_bytes, matmul_size=sizes.matmul)
        )
        report.facts["copy_bytes_per_second"] = found[0].bytes_per_second
        report.facts["matmul_flops_per_second"] = found[0].flops_per_second

    run_part(report, budget, ("ceilings",), 5, ceilings)
    if not found:
        for goal in GOALS:
            report.miss(goal.name, "failed: without ceilings nothing can be compared")
        report.write(out)
        return report
    bench = Bench(report, named_shape(shape), sizes, device, dtype, found[0])
    peer = PEER if shape == "32b" else bench.config

    def tests() -> None:
        if on_gpu:
            report.details["tests"] = run_gpu_tests(min(_TEST_SECONDS, budget.left))

    parts: tuple[tuple[tuple[str, ...], float, Callable[[], None]], ...] = (
        (("tests",), 20, tests),
        (("decode_attention_share",), 5, lambda: kernels.decode_attention(bench)),
        (("extend_attention_share",), 5, lambda: kernels.extend_attention(bench)),
        (("small_kernels_share",), 5, lambda: kernels.small_kernels(bench)),
        (
            ("decode_b1_bf16_share", "prefill_8k_share", "determinism_price"),
            50,
            lambda: engine.full_precision(bench),
        ),
        (
            ("decode_b1_fp8_share", "decode_b16_fp8_share"),
            60,
            lambda: engine.eight_bits(bench),
        ),
        (
            ("vs_transformers_b1", "vs_transformers_b16"),
            50,
            lambda: peers.transformers_ratios(bench, peer),
        ),
        (("deterministic",), 40, lambda: determinism.determinism(bench)),
        (("long_context_runs", "memory_as_planned"), 60, lambda: engine.long_context(bench)),
    )
    for names, needed, call in parts:
        run_part(report, budget, names, needed if on_gpu else 1, call)
        free_memory(device)
        report.write(out)
    return report
