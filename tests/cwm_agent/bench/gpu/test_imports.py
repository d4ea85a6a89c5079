"""The machine with the GPU has torch, triton, transformers, pytest, typer and rich, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.bench.gpu.plan import plan
from cwm_agent.bench.gpu.process import ROOT

MISSING = (
    "docker", "swebench", "pydantic", "datasets", "tenacity", "textual", "tomlkit", "platformdirs",
    "dirhash", "jsonschema", "ray", "fastapi", "hypothesis",
)  # fmt: skip
BLOCK = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python without the missing packages, and so are all processes that it starts."""
    (tmp_path / "sitecustomize.py").write_text(BLOCK.format(missing=MISSING))
    # Plugins of pytest that are installed here only need some of what is missing.
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1700,
    )  # fmt: skip


def test_the_packages_are_really_missing_in_the_test(tmp_path: Path) -> None:
    assert "No module named 'pydantic'" in run(tmp_path, "-c", "import pydantic").stderr


def test_every_part_can_be_imported_there(tmp_path: Path) -> None:
    modules = {
        part.target.partition(":")[0] for of in plan(on_gpu=True, tune=False) for part in of.parts
    }
    modules.add("tests.conftest")
    code = f"import importlib\nfor name in {sorted(modules)}: importlib.import_module(name)"
    done = run(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_check_runs_there(tmp_path: Path) -> None:
    """Kernels interpreted, measurements, a search of block sizes, training."""
    out = tmp_path / "report.json"
    options = ["--device", "cpu", "--shape", "nano", "--tune", "--seconds", "1600"]
    done = run(tmp_path, "-m", "cwm_agent.bench.gpu", *options, "--out", str(out))
    assert done.returncode == 0, done.stderr
    [ran] = json.loads(out.read_text())["runs"]
    assert {part["outcome"] for part in ran["parts"].values()} == {"done"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_test_for_a_gpu_can_be_collected_there(tmp_path: Path) -> None:
    tests = [
        part.arguments["test"]
        for of in plan(on_gpu=True, tune=True)
        for part in of.parts
        if "test" in part.arguments
    ]
    done = run(tmp_path, "-m", "pytest", "-q", "--collect-only", *tests)
    assert done.returncode == 0, done.stdout[-3000:]
