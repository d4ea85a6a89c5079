"""The Triton kernels without a GPU: interpreted against their references, and compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.ops.operations import (
    ReferenceOperations,
    choose_operations,
    choose_sampler,
    has_triton,
)
from model.step.sampler import sample

FOLDER = Path(__file__).parent / "triton"
ROOT = Path(__file__).parents[3]
CUDA = torch.device("cuda")

needs_triton = pytest.mark.skipif(not has_triton(), reason="needs triton")


def run_python(*arguments: str, **environment: str) -> str:
    """A process of its own: whether triton interprets or compiles is settled at its import."""
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-20_000:]
    return done.stdout


@needs_triton
@pytest.mark.parametrize("layer", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_interpreted_kernels_equal_their_references(layer: str) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-m", layer, str(FOLDER))
    assert " passed" in run_python("-m", "pytest", *options, TRITON_INTERPRET="1")


@needs_triton
@pytest.mark.parametrize(
    ("capability", "kernels"),
    [
        (90, 13),
        pytest.param(89, 13, marks=pytest.mark.slow),
        pytest.param(80, 11, marks=pytest.mark.slow),  # no fp8
    ],
)
def test_every_kernel_compiles(capability: int, kernels: int, tmp_path: Path) -> None:
    """Down to machine code, with the arguments, types and tuning of a launch at CWM's shape."""
    script = str(FOLDER / "compile_all.py")
    output = run_python(script, str(capability), TRITON_CACHE_DIR=str(tmp_path))
    assert output.endswith(f"\n{kernels} kernels\n"), output


def test_a_cpu_and_what_kernels_do_not_know_take_the_reference() -> None:
    cpu = torch.device("cpu")
    assert isinstance(choose_operations(cpu, torch.float32, 128), ReferenceOperations)
    assert choose_sampler(cpu, torch.float32) is sample
    for dtype, head_dim in ((torch.float64, 128), (torch.bfloat16, 8), (torch.bfloat16, 96)):
        assert isinstance(choose_operations(CUDA, dtype, head_dim), ReferenceOperations)
    assert choose_sampler(CUDA, torch.float64) is sample


def test_triton_is_imported_only_where_its_kernels_are_used() -> None:
    code = "import sys, model.engine.build; sys.exit('triton' in sys.modules)"
    run_python("-c", code)
