"""`make gpu-check` without a GPU: its arithmetic, its report, and all of it on a tiny shape."""

from __future__ import annotations

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from cwm_agent.bench.gpu.__main__ import main
from cwm_agent.bench.gpu.measure.ceilings import attention_flops, decode_bytes, prefill_flops
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


@settings(max_examples=60)
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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_at_once_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--out", str(tmp_path / "report.json")]) == ExitCode.ENVIRONMENT
    assert "needs a CUDA device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_measurements_run_on_a_tiny_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Really measured, on this CPU: every figure but the plan of a card's memory."""
    out = tmp_path / "report.json"
    options = ["--device", "cpu", "--shape", "nano", "--seconds", "1600", "--out", str(out)]
    assert main([*options, "--only", "measure"]) == ExitCode.SUCCESS
    report = json.loads(out.read_text())
    assert set(report["reasons"]) == {"memory_as_planned"}
    assert report["deterministic"] is True
    assert report["long_context_runs"] is True
    [run] = report["runs"]
    assert {part["outcome"] for part in run["parts"].values()} == {"done"}
    for name in ("decode_b1_bf16_share", "decode_b16_fp8_share", "prefill_8k_share"):
        figures = report["details"][name]
        least = figures.get("bytes", 0) / run["copy_bytes_per_second"]
        least += figures.get("flops", 0) / run["matmul_flops_per_second"]
        assert report[name] == pytest.approx(least / figures["seconds"], abs=1e-4)
    peers = report["details"]["vs_transformers_b1"]
    ratio = peers["theirs_seconds"] / peers["ours_seconds"]
    assert report["vs_transformers_b1"] == pytest.approx(ratio, abs=1e-4)
    assert "decode, batch 1, bf16" in capsys.readouterr().out
