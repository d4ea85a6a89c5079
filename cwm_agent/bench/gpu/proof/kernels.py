"""Every kernel at three shapes or more: on CUDA in bf16, else interpreted in fp32.

On the 32B shape the arguments are specialised as in the engine's launches, so that what is
compiled here need not be compiled again for the measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof import attention, products, rows, sampling
from cwm_agent.bench.gpu.proof.compare import Case, prove_all

CASES: dict[str, Callable[[Bench], Iterator[Case]]] = {
    "norm": rows.norm,
    "rope_write": rows.rope_write,
    "swiglu": rows.swiglu,
    "quantise": rows.quantise,
    "decode": attention.decode,
    "verify": attention.verify,
    "extend": attention.extend,
    "gemv_fp8": products.gemv_fp8,
    "gemv_int8": products.gemv_int8,
    "scaled_mm": products.scaled_mm,
    "sample": sampling.sample,
}


def prove(bench: Bench) -> None:
    """Compare the kernel that the task names with its reference."""
    prove_all(bench, CASES[bench.task.arguments["kernel"]](bench))
