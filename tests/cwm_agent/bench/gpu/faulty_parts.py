"""Parts with a fault each, for the rehearsals: real kernels are proven, but one is replaced.

The first shape is left as it is; the fault comes at the second one, of 17 rows.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.kernels import prove

SECOND = 17


class Faulty:
    """Stands for a Triton kernel."""

    def __init__(self, kernel: Any, fault: Callable[[tuple[Any, ...]], None]) -> None:
        self._kernel, self._fault = kernel, fault

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        def launch(*args: Any, **options: Any) -> None:
            self._kernel[grid](*args, **options)
            if grid[0] == SECOND:
                self._fault(args)

        return launch


def crashing(bench: Bench) -> None:
    """An access to an address that is not there ends the process."""
    from model.ops.triton import norm

    norm._norm_kernel = Faulty(norm._norm_kernel, lambda args: ctypes.string_at(0))
    prove(bench)


def hanging(bench: Bench) -> None:
    """The launch never comes back."""
    from model.ops.triton import swiglu

    def wait(args: tuple[Any, ...]) -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    swiglu._swiglu_kernel = Faulty(swiglu._swiglu_kernel, wait)
    prove(bench)


def spoiling(bench: Bench) -> None:
    """The queries are NaN."""
    from model.ops.triton import rope_write

    rope_write._rope_write_kernel = Faulty(
        rope_write._rope_write_kernel, lambda args: args[3].fill_(float("nan"))
    )
    prove(bench)


def told_too_little(bench: Bench) -> None:
    """Breaks after one of its two figures."""
    bench.report.add("decode_b1_bf16_share", 0.5)
    raise ValueError("no such\nkernel")
