"""`cwm-agent model` as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cwm_agent.cli.main import run
from cwm_agent.exit_codes import ExitCode

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint(hidden_size=64, intermediate_size=160, head_dim=16)


def test_inspect_prints_what_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "inspect", str(folder)]) == ExitCode.SUCCESS
    said = capsys.readouterr().out
    assert "Hugging Face" in said
    assert "8: 3 full, 5 sliding, window 16" in said
    assert "FSSS FSS F" in said
    assert "384 B a token" in said
    assert "17 control tokens of CWM" in said


def test_inspect_lists_problems_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.safetensors").unlink()
    assert run(["model", "inspect", str(folder), "--quantize", "int8", "--json"]) == ExitCode.MODEL
    record = json.loads(capsys.readouterr().out)
    assert "model.safetensors" in record["problems"][0]
    assert record["divergence"] is None
    assert run(["model", "inspect", str(folder), "--random"]) == ExitCode.SUCCESS


def test_the_gate_decides_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model", "inspect", str(folder), "--json", "--tokens", "100", "--quantize"]
    assert run([*command, "int8"]) == ExitCode.SUCCESS
    found = json.loads(capsys.readouterr().out)["divergence"]
    assert (found["tokens"], found["beyond"]) == (100, [])
    # Random weights have many near ties, which fp8 decides differently.
    assert run([*command, "fp8"]) == ExitCode.MODEL
    found = json.loads(capsys.readouterr().out)["divergence"]
    assert "top-1 agreement" in found["beyond"][0]
    assert found["top1_agreement"] < found["gate"]["top1_agreement"]


def test_a_text_of_ones_own_is_compared_on(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("the tool says")
    command = ["model", "inspect", str(folder), "--quantize", "int8", "--text"]
    run([*command, str(tmp_path / "text"), "--json"])
    assert 0 < json.loads(capsys.readouterr().out)["divergence"]["tokens"] < 20
    assert run([*command, str(tmp_path / "none")]) == ExitCode.USAGE


def test_convert_keeps_stdout_for_the_result(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    command = [sys.executable, "-m", "cwm_agent", "model", "convert", str(folder), str(target)]
    done = subprocess.run(
        [*command, "--dtype", "bfloat16", "--shard-size", "100KB", "--json"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["folder"] == str(target)
    assert sorted(record["files"]) == sorted(p.name for p in target.glob("*.safetensors"))
    assert len(record["files"]) > 2
    assert "converting" in done.stderr


def test_convert_measures_what_eight_bits_will_change(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["model", "convert", str(folder), str(tmp_path / "new"), "--measure", "int8"]
    assert run([*command, "--json"]) == ExitCode.SUCCESS
    said = capsys.readouterr()
    found = json.loads(said.out)["divergence"]
    assert found["tokens"] == 512
    assert found["perplexity"] == pytest.approx(found["reference_perplexity"], rel=0.05)
    assert "perplexity" in said.err
    assert "gate: passed" in said.err


def test_convert_refuses_a_target_that_exists_and_a_size_that_is_none(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "convert", str(folder), str(tmp_path)]) == ExitCode.MODEL
    assert "already exists" in capsys.readouterr().err
    sized = ["model", "convert", str(folder), str(tmp_path / "x"), "--shard-size", "much"]
    assert run(sized) == ExitCode.USAGE


def test_plan_says_what_fits_and_fails_when_it_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model", "plan", "--gpu-memory", "80GiB", "--context", "131072"]
    assert run([*command, "--weights", "fp8"]) == ExitCode.SUCCESS
    said = capsys.readouterr().out
    assert "31.83 GiB" in said
    assert "68 KiB in the layers with full attention" in said
    assert "1 x 131,072 tokens fits" in said
    assert run([*command, "--batch", "4", "--json"]) == ExitCode.MODEL
    record = json.loads(capsys.readouterr().out)
    assert (record["fits"], record["sessions"], record["batch"]) == (False, 1, 4)
    assert record["memory"]["weights"] == 65_162_194_944
    assert any("fp8" in remedy for remedy in record["remedies"])


def test_plan_says_into_how_many_parts_a_model_goes(
    make_checkpoint: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_checkpoint(num_attention_heads=9, num_key_value_heads=3, intermediate_size=96)
    command = ["model", "plan", str(folder), "--gpu-memory", "8GB", "--tp"]
    assert run([*command, "2"]) == ExitCode.MODEL
    assert "tensor-parallel degrees for this model: 1, 3" in capsys.readouterr().err
    assert run([*command, "3"]) == ExitCode.SUCCESS


def test_plan_reads_a_checkpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model", "plan", str(folder), "--gpu-memory", "8GB", "--json"]
    assert run(command) == ExitCode.SUCCESS
    record = json.loads(capsys.readouterr().out)
    assert (record["model"], record["context"]) == (folder.name, 512)
    assert record["token_bytes"] == 3 * 2 * 2 * 16 * 2  # layers, K and V, heads, width, bytes
