"""The parts of a check, in the order of their worth for a second.

This module imports no torch: the process that watches the others needs none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from cwm_agent.bench.gpu.process import ROOT
from cwm_agent.bench.gpu.task import Part, Pass

KERNELS = (
    "decode", "extend", "norm", "rope_write", "swiglu", "gemv_fp8", "verify", "sample", "quantise",
    "scaled_mm", "gemv_int8",
)  # fmt: skip
TUNED = {
    "decode": 4, "gemv": 4, "extend": 6, "norm": 1, "rope_write": 1, "swiglu": 1, "verify": 4,
    "sample": 1, "quantise": 1,
}  # fmt: skip
"""By how many processes the candidates of a kernel are compiled."""

_PACKAGE = "cwm_agent.bench.gpu"
_FIRST_PASS_SECONDS = 90.0
_COMPILE_SECONDS = 60.0
_TEST_FOLDER = "tests/model"
_WHOLE_CARD = "test_pages_are_planned_from_the_card"  # takes all memory, so it runs by itself
_STEP = tuple(f"kernel.{name}" for name in ("norm", "rope_write", "swiglu", "decode", "extend"))
_FP8 = (*_STEP, "kernel.gemv_fp8", "kernel.quantise", "kernel.scaled_mm")


def plan(*, on_gpu: bool, tune: bool) -> tuple[Pass, ...]:
    """All passes; tests need a GPU."""
    tests = list(gpu_tests(ROOT / _TEST_FOLDER)) if on_gpu else []
    beside = tuple(_test(name) for name in tests if _WHOLE_CARD not in name)
    by_itself = tuple(_test(name) for name in tests if _WHOLE_CARD in name)
    first = Pass("proof", (*map(_kernel, KERNELS), *beside), True, _FIRST_PASS_SECONDS)
    passes = [first, Pass("memory", by_itself), _MEASURE]
    if tune:
        # Compiling takes the time, and many cores; then each kernel has the device to itself.
        passes.append(Pass("tune", tuple(_compiling()), True, _COMPILE_SECONDS))
        passes.append(Pass("tune", tuple(map(_search, TUNED))))
    passes.append(Pass("training", (_TRAINING,)))
    return tuple(passes)


def _kernel(name: str) -> Part:
    return Part(
        f"kernel.{name}", f"{_PACKAGE}.proof.kernels:prove", 10, 60, arguments={"kernel": name}
    )


def _test(name: str) -> Part:
    short = name.removeprefix(f"{_TEST_FOLDER}/").replace(".py::", ".").replace("/", ".")
    return Part(f"test.{short}", f"{_PACKAGE}.proof.oracle:run_test", 10, 60, arguments={
        "test": name
    })  # fmt: skip


def _compiling() -> Iterator[Part]:
    """The kernels with long programs are shared out among processes."""
    for kernel, of in TUNED.items():
        for share in range(of):
            yield Part(
                f"compile.{kernel}.{share}", f"{_PACKAGE}.tune.search:compile_all", 5, 60,
                needs=_proofs(kernel), arguments={"kernel": kernel, "share": [share, of]},
                again=False,
            )  # fmt: skip


def _search(kernel: str) -> Part:
    return Part(
        f"tune.{kernel}", f"{_PACKAGE}.tune.search:search", 10, 45,
        needs=_proofs(kernel), arguments={"kernel": kernel}, again=False,
    )  # fmt: skip


def _proofs(kernel: str) -> tuple[str, ...]:
    return tuple(f"kernel.{name}" for name in KERNELS if name.startswith(kernel))


def _measured(
    target: str, seconds: float, figures: tuple[str, ...], needs: tuple[str, ...]
) -> Part:
    name = target.partition(":")[2]
    return Part(name, f"{_PACKAGE}.measure.{target}", seconds, 3 * seconds, figures, needs)


_MEASURE = Pass(
    "measure",
    (
        _measured("kernels:decode_attention", 8, ("decode_attention_share",), ("kernel.decode",)),
        _measured("kernels:extend_attention", 8, ("extend_attention_share",), ("kernel.extend",)),
        _measured(
            "kernels:small_kernels", 8, ("small_kernels_share",),
            ("kernel.norm", "kernel.rope_write", "kernel.swiglu"),
        ),
        _measured(
            "engine:full_precision", 45,
            ("decode_b1_bf16_share", "prefill_8k_share", "determinism_price"), _STEP,
        ),
        _measured(
            "engine:eight_bits", 50, ("decode_b1_fp8_share", "decode_b16_fp8_share"), _FP8
        ),
        _measured(
            "peers:transformers_ratios", 45, ("vs_transformers_b1", "vs_transformers_b16"), _STEP
        ),
        _measured("forks:forks", 15, ("fork_ms",), _STEP),
        _measured(
            "determinism:determinism", 40, ("deterministic",), (*_STEP, "kernel.sample")
        ),
        _measured(
            "engine:long_context", 55, ("long_context_runs", "memory_as_planned"), _FP8
        ),
    ),
    ceilings=True,
)  # fmt: skip

_TRAINING = Part("training", f"{_PACKAGE}.measure.training:training", 25, 240)


def gpu_tests(folder: Path) -> Iterator[str]:
    """Each test function marked gpu below a folder, as pytest names it."""
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        marks = [n for n in tree.body if isinstance(n, ast.Assign) and _targets(n, "pytestmark")]
        every = any(_is_gpu(node.value) for node in marks)
        for node in tree.body:
            if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
                continue
            if every or any(_is_gpu(mark) for mark in node.decorator_list):
                yield f"{path.relative_to(ROOT).as_posix()}::{node.name}"


def _targets(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _is_gpu(node: ast.expr) -> bool:
    """Whether `pytest.mark.gpu` stands in an expression."""
    return any(isinstance(inner, ast.Attribute) and inner.attr == "gpu" for inner in ast.walk(node))
