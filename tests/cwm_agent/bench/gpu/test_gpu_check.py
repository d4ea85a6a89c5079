"""`make gpu-check` without a GPU: its arithmetic, its report, and all of it on a tiny shape."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from cwm_agent.bench.gpu.__main__ import main
from cwm_agent.bench.gpu.ceilings import attention_flops, decode_bytes, prefill_flops
from cwm_agent.bench.gpu.gpu_tests import read_results
from cwm_agent.bench.gpu.parts import Budget, run_part
from cwm_agent.bench.gpu.report import GOALS, Goal, Report, met, table
from cwm_agent.exit_codes import ExitCode
from model.checkpoint.quantize import Quantization
from model.config.shapes import CWM_32B, NANO
from model.engine.memory import Deployment, weight_bytes

ROOT = Path(__file__).parents[4]
EMBEDDING = 128_256 * 6144 * 2


@pytest.mark.parametrize(
    ("quantization", "batch", "milliseconds"),
    [("none", 1, 20.1), ("none", 16, 37.4), ("none", 64, 92.7),
     ("fp8", 1, 10.9), ("fp8", 16, 28.2), ("fp8", 64, 83.4)],
)  # fmt: skip
def test_decode_roofline_of_the_32b_model(
    quantization: Quantization, batch: int, milliseconds: float
) -> None:
    """The reference's table: 32k context, 3.35 TB/s."""
    weights = weight_bytes(Deployment(CWM_32B, quantization=quantization)) - EMBEDDING
    seconds = decode_bytes(CWM_32B, weights, 2, 32_768, batch) / 3.35e12
    assert seconds * 1e3 == pytest.approx(milliseconds, abs=0.06)


@pytest.mark.parametrize(("tokens", "seconds"), [(8192, 0.95), (32_768, 4.3), (131_072, 21.8)])
def test_prefill_roofline_of_the_32b_model(tokens: int, seconds: float) -> None:
    """The reference's figures: bf16 at 60 % of 989 TFLOP/s."""
    assert prefill_flops(CWM_32B, tokens) / (0.6 * 989e12) == pytest.approx(seconds, rel=0.02)


def test_attention_is_37_percent_of_the_longest_prefill() -> None:
    attention = sum(attention_flops(CWM_32B, 131_072, 0, window) for window in CWM_32B.windows)
    assert attention / prefill_flops(CWM_32B, 131_072) == pytest.approx(0.37, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(1, 40),
    before=st.integers(0, 40),
    window=st.one_of(st.none(), st.integers(1, 50)),
)
def test_pairs_of_queries_and_keys_are_counted_one_by_one(
    tokens: int, before: int, window: int | None
) -> None:
    seen = sum(min(q + 1, window or q + 1) for q in range(before, before + tokens))
    width = 4 * NANO.heads * NANO.head_dim
    assert attention_flops(NANO, tokens, before, window) == width * seen


def test_a_report_names_a_reason_for_every_figure_that_it_lacks(tmp_path: Path) -> None:
    report = Report({"machine": "M", "date": "D", "commit": "C"})
    report.add("decode_b1_bf16_share", 0.87123, seconds=0.02)
    report.add("prefill_8k_share", float("nan"))
    report.add("deterministic", True)
    report.add("determinism_price", 0.2)
    report.miss("vs_transformers_b1", "skipped: 3 s were left")
    report.write(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert (found["machine"], found["decode_b1_bf16_share"]) == ("M", 0.8712)
    assert found["deterministic"] is True
    assert {g.name for g in GOALS if found[g.name] is None} == set(found["reasons"])
    assert found["reasons"]["prefill_8k_share"] == "the measurement gave nan"
    assert found["reasons"]["decode_b16_fp8_share"] == "not reached"
    lines = {g.name: line for g, line in zip(GOALS, table(found).splitlines()[2:], strict=True)}
    assert "| 87.1% | at least 85.0% | met |" in lines["decode_b1_bf16_share"]
    assert "| 20.0% | at most 5.0% | NOT MET |" in lines["determinism_price"]
    assert "| yes |" in lines["deterministic"]
    assert "not measured: skipped: 3 s were left" in lines["vs_transformers_b1"]
    assert list(tmp_path.iterdir()) == [tmp_path / "report.json"]


def test_goals_compare_in_their_direction() -> None:
    assert met(Goal("a", "", 0.5), 0.5)
    assert not met(Goal("a", "", 0.5), 0.49)
    assert not met(Goal("a", "", 0.05, at_most=True), 0.06)
    assert met(Goal("a", "", 1.0), True)
    assert not met(Goal("a", "", 1.0), False)


def test_a_part_that_breaks_or_comes_too_late_costs_no_other() -> None:
    report = Report({})

    def breaks() -> None:
        report.add("decode_b1_bf16_share", 0.5)
        raise ValueError("no such\nkernel")

    budget = Budget(1000)
    run_part(report, budget, ("decode_b1_bf16_share", "prefill_8k_share"), 1, breaks)
    run_part(report, Budget(5), ("deterministic",), 60, breaks)
    run_part(
        report, budget, ("vs_transformers_b1",), 1, lambda: report.add("vs_transformers_b1", 3.0)
    )
    shown = report.to_json()
    assert (shown["decode_b1_bf16_share"], shown["vs_transformers_b1"]) == (0.5, 3.0)
    assert shown["reasons"]["prefill_8k_share"] == "failed: ValueError: no such kernel"
    assert "about 60 are needed" in shown["reasons"]["deterministic"]
    assert report.failed


def test_what_became_of_tests_is_read_from_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 0\n"
        "@pytest.mark.skip\ndef test_not(): pass\n"
    )
    (tmp_path / "test_b.py").write_text("import a_package_that_is_not_here\n")
    command = [
        sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors",
        "-p", "no:cacheprovider", "--junitxml=results.xml", "-c", os.devnull, "--rootdir=.", ".",
    ]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=60)
    found = read_results(tmp_path / "results.xml")
    assert (found["passed"], found["skipped"]) == (1, 1)
    assert [str(name).rpartition(".")[2] for name in found["failed"]] == ["test_bad"]  # type: ignore[attr-defined]
    assert len(found["not_collected"]) == 1  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.ENVIRONMENT
    assert "needs a CUDA device" in capsys.readouterr().err


def test_it_needs_none_of_the_harness() -> None:
    """Who has a GPU may have torch, transformers and pytest only."""
    code = (
        "import sys, cwm_agent.bench.gpu.parts\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*tops & {'typer', 'pydantic', 'docker', 'rich', 'swebench', 'datasets', 'yaml',"
        " 'httpx', 'tiktoken', 'textual', 'tenacity', 'tomlkit', 'platformdirs', 'hypothesis'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_whole_check_runs_on_a_tiny_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Really measured, on this CPU: every figure but the plan of a card's memory."""
    out = tmp_path / "report.json"
    assert main(["--device", "cpu", "--shape", "nano", "--out", str(out)]) == ExitCode.SUCCESS
    report = json.loads(out.read_text())
    assert set(report["reasons"]) == {"memory_as_planned"}
    assert report["deterministic"] is True
    assert report["long_context_runs"] is True
    for name in ("decode_b1_bf16_share", "decode_b16_fp8_share", "prefill_8k_share"):
        figures = report["details"][name]
        least = figures.get("bytes", 0) / report["copy_bytes_per_second"]
        least += figures.get("flops", 0) / report["matmul_flops_per_second"]
        assert report[name] == pytest.approx(least / figures["seconds"], abs=1e-4)
    peers = report["details"]["vs_transformers_b1"]
    ratio = peers["theirs_seconds"] / peers["ours_seconds"]
    assert report["vs_transformers_b1"] == pytest.approx(ratio, abs=1e-4)
    assert "decode, batch 1, bf16" in capsys.readouterr().out
