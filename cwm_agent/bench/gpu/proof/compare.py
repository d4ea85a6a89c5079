"""One kernel on one shape, against the same computation in fp64."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.measure.timing import synchronise

BF16_ERROR = 1e-2
"""bf16 rounds to 8 bits: products and sums of such numbers end between 1e-3 and 1e-2."""
FP32_ERROR = 1e-4


@dataclass(frozen=True, slots=True)
class Check:
    """A relative error and what it may be at most; NaN is never below anything."""

    what: str
    error: float
    most: float

    @property
    def excess(self) -> float:
        """The error as a multiple of what it may be."""
        return math.inf if math.isnan(self.error) else self.error / (self.most or 1.0)

    @property
    def right(self) -> bool:
        """Whether the error is small enough."""
        return self.error <= self.most


@dataclass(frozen=True, slots=True)
class Case:
    """`run` makes its own random input, launches the kernel, and compares."""

    kernel: str
    shape: str
    run: Callable[[], Iterable[Check]]


def near(what: str, found: Tensor, exact: Tensor, most: float | None = None) -> Check:
    """The relative error in the norm; `most` is that of the number format unless given."""
    if found.shape != exact.shape:
        return Check(f"{what}: shape {tuple(found.shape)}", float("nan"), 0.0)
    if most is None:
        most = BF16_ERROR if found.dtype == torch.bfloat16 else FP32_ERROR
    error = (found.double() - exact.double()).norm() / exact.double().norm()
    return Check(what, float(error), most)


def same(what: str, equal: bool) -> Check:
    """Something that must hold exactly."""
    return Check(what, 0.0 if equal else float("inf"), 0.0)


def prove_all(bench: Bench, cases: Iterable[Case]) -> None:
    """Try the cases in turn. A wrong one costs no other; an exception ends the part."""
    only = bench.task.only
    for case in cases:
        if only is not None and only != (case.kernel, case.shape):
            continue
        bench.report.at(case.kernel, case.shape)
        begun = time.monotonic()
        with poisoned():
            checks = list(case.run())
        synchronise(bench.device)
        wrong = [check for check in checks if not check.right]
        worst = max(wrong or checks, key=lambda check: check.excess)
        bench.report.tell(
            "case",
            kernel=case.kernel,
            shape=case.shape,
            right=not wrong,
            says=f"{worst.what}: relative error {worst.error:.2e}, at most {worst.most:.0e}",
            seconds=round(time.monotonic() - begun, 2),
        )


@contextmanager
def poisoned() -> Iterator[None]:
    """Within, torch.empty gives NaN: what a kernel does not write shows."""
    # use_deterministic_algorithms does the same, but imports a compiler for seconds.
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode("default")
