"""Compile every kernel for a GPU that is not there: `compile_all.py CAPABILITY` (90 is 9.0).

Prints a line a kernel; ends with an error for one that does not compile, spills
registers, wants more shared memory than the GPU has, or waits for all of its loads
before it computes with any.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from launches import Launches, compile_for, recorded_launches

from model.ops.linear import FP8, Fp8Weight, Int8Weight
from model.ops.triton import (
    decode,
    extend,
    gemv,
    norm,
    quantise,
    rope_write,
    sample,
    swiglu,
    tuning,
)
from model.step.page_tables import Pages
from model.step.sample_inputs import pack_draws
from model.step.sampler import Draw, Sampling

HIDDEN, INNER, HEADS, KV_HEADS, WINDOW, VOCABULARY = 6144, 21504, 48, 8, 8192, 128256
GPUS = {80: "NVIDIA A100", 89: "NVIDIA L40S", 90: "NVIDIA H100 80GB HBM3", 100: "NVIDIA B200"}
SHARED = {80: 163, 89: 99, 90: 227, 100: 227}  # KiB that one program may have
LEAST_FP8 = 89
STREAMING = ("_split_kernel", "_extend_kernel", "_gemv_kernel")  # load while they compute
ROWS = 4


def launch_rows(dtype: torch.dtype, head_dim: int) -> None:
    """Norms, rope and write, SwiGLU."""
    x, weight = torch.zeros(ROWS, HIDDEN, dtype=dtype), torch.zeros(HIDDEN, dtype=dtype)
    norm.rms_norm(x, weight, 1e-5)
    norm.add_rms_norm(x, x, weight, 1e-5)
    qkv = torch.zeros(ROWS, HEADS + 2 * KV_HEADS, head_dim, dtype=dtype)
    pool = torch.zeros(2 * KV_HEADS, 64, head_dim, dtype=dtype)
    turn = torch.zeros(ROWS, 1, head_dim)
    rope_write.rope_write(qkv, turn, turn, pool, torch.zeros(ROWS, dtype=torch.int64))
    swiglu.swiglu(torch.zeros(ROWS, 2 * INNER, dtype=dtype))


def launch_attention(dtype: torch.dtype, head_dim: int) -> None:
    """Decode, drafts and prompt chunks, with and without a window."""
    query = torch.zeros(ROWS, HEADS, head_dim, dtype=dtype)
    pool = torch.zeros(2 * KV_HEADS, 64, head_dim, dtype=dtype)
    table = torch.zeros(ROWS, 2048, dtype=torch.int32)
    pages = Pages(table, torch.zeros(ROWS, dtype=torch.int32), 16, 32768)
    begins = torch.arange(ROWS + 1, dtype=torch.int32)
    for window in (None, WINDOW):
        decode.attend_decode(query, begins, pool, pages, window)
        decode.attend_decode(query, begins, pool, pages, window, 16)
        extend.attend_extend(query, begins, pool, pages, window, 512)


def launch_int8(dtype: torch.dtype, head_dim: int) -> None:
    """The weight-only product."""
    weight = Int8Weight(torch.zeros(HIDDEN, HIDDEN, dtype=torch.int8), torch.zeros(HIDDEN, 1))
    gemv.weight_only_linear(torch.zeros(ROWS, HIDDEN, dtype=dtype), weight)


def launch_fp8(dtype: torch.dtype, head_dim: int) -> None:
    """What writes or reads fp8."""
    swiglu.swiglu_fp8(torch.zeros(ROWS, 2 * INNER, dtype=dtype))
    x = torch.zeros(ROWS, HIDDEN, dtype=dtype)
    quantise.quantise_fp8(x)
    gemv.weight_only_linear(
        x[:, :64], Fp8Weight(torch.zeros(2 * INNER, 64).to(FP8), torch.zeros(2 * INNER, 1))
    )


def launch_sampling(dtype: torch.dtype, head_dim: int) -> None:
    """All passes of all filters."""
    draws = [Draw(Sampling(1.0, 0.9, 20), 1, place) for place in range(ROWS)]
    sample.sample_rows(torch.zeros(ROWS, VOCABULARY), pack_draws(draws, torch.device("cpu")))


def recorded(capability: int) -> Launches:
    """The launches of one pass over everything, in bf16 at CWM's shape (and head size 64)."""
    parts: list[tuple[Callable[[torch.dtype, int], None], int]] = [
        (launch_rows, 128), (launch_attention, 128), (launch_attention, 64),
        (launch_int8, 128), (launch_sampling, 128),
    ]  # fmt: skip
    if capability >= LEAST_FP8:
        parts.append((launch_fp8, 128))
    figures = tuning._tuning(GPUS[capability])
    tuning._tuning = lambda gpu: figures
    with recorded_launches() as launches:
        for launch, head_dim in parts:
            launch(torch.bfloat16, head_dim)
    return launches


def stack_bytes(cubin: bytes) -> int:
    """Bytes that a kernel spills for each thread."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        shown = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True)
    return max(int(size) for size in re.findall(r"STACK:(\d+)", shown.stdout))


def loads_early(code: str) -> bool:
    """Whether some wait for copies to shared memory leaves later ones on their way."""
    return any(int(left) > 0 for left in re.findall(r"async_wait[^{]*\{num = (\d+)", code))


def main(capability: int) -> None:
    """See the module."""
    names, known = set(), set()
    for kernel, args, options in recorded(capability).calls:
        types = [getattr(value, "dtype", None) or value for value in args]
        name = kernel.fn.__name__
        if (what := f"{name} {options} {types}") in known:
            continue
        known.add(what)
        names.add(name)
        compiled: Any = compile_for(capability, kernel, args, options)
        shared, stack = compiled.metadata.shared, stack_bytes(compiled.asm["cubin"])
        print(f"{name}: {shared} bytes shared, {stack} bytes of stack")
        assert shared <= SHARED[capability] * 1024, f"{what} does not fit the shared memory"
        assert stack == 0, f"{what} spills registers"
        if name in STREAMING:
            assert loads_early(compiled.asm["ttgir"]), f"{what} loads nothing ahead; add stages"
    print(f"{len(names)} kernels")


if __name__ == "__main__":
    main(int(sys.argv[1]))
