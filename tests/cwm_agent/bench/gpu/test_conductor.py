"""Rehearsals of what may go wrong on a GPU, with real processes and interpreted kernels."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.bench.gpu.__main__ import main
from cwm_agent.bench.gpu.conductor import check
from cwm_agent.bench.gpu.plan import KERNELS, gpu_tests, plan
from cwm_agent.bench.gpu.process import ROOT
from cwm_agent.bench.gpu.report import Report
from cwm_agent.bench.gpu.task import Part, Pass, Settings
from cwm_agent.exit_codes import ExitCode

HERE = Path(__file__).parent
SOON = 0.5  # seconds, of which a machine without a GPU gets ten times as many


@pytest.fixture(autouse=True)
def parts_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def part(name: str, target: str, limit: float = 60, **more: Any) -> Part:
    return Part(name, f"faulty_parts:{target}", 0, limit, **more)


def kernel(name: str, target: str, limit: float = 60) -> Part:
    return part(f"kernel.{name}", target, limit, arguments={"kernel": name})


def carried_out(tmp_path: Path, *passes: Pass, seconds: float = 280, **options: Any) -> Report:
    report = Report("nano", "cpu")
    settings = Settings("cpu", "nano", seconds, tmp_path / "report.json", processes=2, **options)
    check(settings, passes, report)
    return report


def outcomes(report: Report) -> dict[str, str]:
    return {name: part["outcome"] for name, part in report.run["parts"].items()}


def test_a_crash_a_hang_and_a_nan_cost_no_other_part(tmp_path: Path) -> None:
    """Each leaves the kernel's name, its shape and the error, and is tried once more."""
    sound = Part("kernel.extend", "cwm_agent.bench.gpu.proof.kernels:prove", 0, 60, arguments={
        "kernel": "extend"
    })  # fmt: skip
    broken = (
        kernel("norm", "crashing"), kernel("swiglu", "hanging", SOON),
        kernel("rope_write", "spoiling"),
    )  # fmt: skip
    copied = Pass(
        "measure",
        (
            Part("small", "cwm_agent.bench.gpu.measure.kernels:small_kernels", 0, 60,
                 ("small_kernels_share",), ("kernel.norm",)),
            Part("decode", "cwm_agent.bench.gpu.measure.kernels:decode_attention", 0, 60,
                 ("decode_attention_share",), ("kernel.extend",)),
        ),
        ceilings=True,
    )  # fmt: skip
    report = carried_out(tmp_path, Pass("proof", (*broken, sound), crowd=True), copied)
    assert outcomes(report) == {
        "kernel.norm": "crashed", "kernel.swiglu": "hung", "kernel.rope_write": "wrong",
        "kernel.extend": "done", "ceilings": "done", "small": "skipped", "decode": "done",
    }  # fmt: skip
    assert report.failed
    assert set(report.failures) == {part.name for part in broken}
    expected = {
        "norm": ("17 x 96", "SIGSEGV"),
        "swiglu": ("17 x 160", "killed when its time was over"),
        "rope_write": ("17 tokens", "relative error nan"),
    }
    for name, (shape, error) in expected.items():
        failure = report.failures[f"kernel.{name}"]
        for tried in (failure, failure["launches_waited_for"]):
            assert (tried["kernel"], tried["shape"]) == (name, shape)
            assert error in tried["error"]
    # Where it hung stands in the log: the launch in the kernel's file, called by the proof.
    assert any("in wait" in line for line in report.failures["kernel.swiglu"]["log"])
    assert any("faulty_parts.py" in line for line in report.failures["kernel.norm"]["log"])
    # The first shape was right before; the kernels that are sound are proven, and measured.
    assert report.kernels["rope_write"]["cases"]["1 tokens"]["right"]
    assert all(case["right"] for case in report.kernels["extend"]["cases"].values())
    assert report.figures["decode_attention_share"] > 0
    assert report.reasons["small_kernels_share"] == "skipped: kernel.norm failed before"
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == report.to_json()
    assert "faulty_parts.py" in (tmp_path / "report.log").read_text()


def test_a_part_that_breaks_or_comes_too_late_costs_no_other(tmp_path: Path) -> None:
    """Figures that it gave before stay."""
    figures = ("decode_b1_bf16_share", "prefill_8k_share")
    late = Part("late", "faulty_parts:told_too_little", 9999, 60, ("deterministic",))
    report = carried_out(
        tmp_path, Pass("measure", (part("breaks", "told_too_little", figures=figures), late))
    )
    shown = report.to_json()
    assert outcomes(report) == {"breaks": "failed", "late": "skipped"}
    assert shown["decode_b1_bf16_share"] == 0.5
    assert shown["reasons"]["prefill_8k_share"] == "failed: failed: ValueError: no such kernel"
    assert "about 9999 are needed" in shown["reasons"]["deterministic"]


def test_a_wrong_kernel_is_looked_at_under_the_sanitizer_before_any_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool itself needs a GPU; one in its place starts the same process and says a line."""
    tool = tmp_path / "compute-sanitizer"
    tool.write_text('#!/bin/sh\necho "========= $1 $2"\nshift 4\nexec "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    broken = replace(kernel("rope_write", "spoiling"), again=False)
    training = Part("training", "none:none", 9999, 9999)
    report = carried_out(
        tmp_path, Pass("proof", (broken,), crowd=True), Pass("training", (training,))
    )
    failure = report.failures["kernel.rope_write"]
    assert failure["sanitizer"] == ["========= --tool memcheck"]
    assert "launches_waited_for" not in failure


def test_nothing_outlives_an_interruption(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a part that hangs, after the first one was written down."""

    def interrupt() -> None:
        while not (tmp_path / "report.json").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    parts = (part("breaks", "told_too_little"), kernel("swiglu", "hanging"))
    with pytest.raises(KeyboardInterrupt):
        carried_out(tmp_path, Pass("measure", parts))
    waiting.join()
    assert multiprocessing.active_children() == []
    assert (tmp_path / "report.log").is_file()


def test_parts_are_chosen_by_name_and_by_pass(capsys: pytest.CaptureFixture[str]) -> None:
    def listed(*options: str) -> list[str]:
        assert main(["--list", *options]) == ExitCode.SUCCESS
        return [line.split()[1] for line in capsys.readouterr().out.splitlines()]

    every = listed("--tune")
    assert every[: len(KERNELS)] == [f"kernel.{name}" for name in KERNELS]
    assert every.index("full_precision") < every.index("tune.decode") < every.index("training")
    assert listed("--only", "kernel.*", "--skip", "kernel.g*", "kernel.s*") == [
        f"kernel.{name}" for name in KERNELS if name[0] not in "gs"
    ]
    assert set(every) - set(listed()) == {p for p in every if p.startswith(("tune.", "compile."))}
    assert listed("--only", "training") == ["training"]


def test_the_test_that_takes_the_whole_card_runs_by_itself() -> None:
    [memory] = [of for of in plan(on_gpu=True, tune=False) if of.name == "memory"]
    assert [part.arguments["test"].rpartition("::")[2] for part in memory.parts] == [
        "test_pages_are_planned_from_the_card"
    ]


@pytest.mark.slow
def test_every_test_for_a_gpu_is_in_the_plan() -> None:
    """pytest finds the same ones."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "gpu", "tests/model"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    found = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert set(gpu_tests(ROOT / "tests/model")) == found
