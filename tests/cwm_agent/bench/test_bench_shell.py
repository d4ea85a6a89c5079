"""`cwm-agent bench shell` measures both ways on the same container."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest

from cwm_agent.cli.main import run

Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(capfd: pytest.CaptureFixture[str]) -> Bench:
    """The command in this process: starting Python takes longer than most of what is tested."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = run(("bench", "shell", *arguments))
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return call


@pytest.mark.docker
def test_json_has_both_spreads_and_their_ratio(bench: Bench) -> None:
    done = bench("--json", "--calls", "20", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    persistent, each = figures["persistent_ms"], figures["exec_ms"]
    assert 0 < persistent["median"] <= persistent["p95"]
    assert 0 < each["median"] <= each["p95"]
    assert figures["ratio"] == round(each["median"] / persistent["median"], 1)
    assert figures["calls"] == 20
    assert figures["parallel"] == 4
    per_second = figures["parallel_per_second"] / figures["exec_per_second"]
    assert figures["parallel_ratio"] == round(per_second, 1)
    assert figures["parallel_ratio"] > 0
    assert figures["files"] == 2000
    for name in ("open_ms", "snapshot_ms", "branch_ms", "commit_ms", "commit_branch_ms"):
        assert 0 < figures[name]["median"] <= figures[name]["p95"]
        assert figures[name]["rounds"] == 1


@pytest.mark.docker
def test_an_unknown_image_is_one_line_with_the_remedy(bench: Bench) -> None:
    done = bench("--image", "cwm-agent-test/none:1")
    assert (done.returncode, done.stdout) == (4, "")
    assert "docker pull cwm-agent-test/none:1" in done.stderr


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_has_no_exec_to_compare_with(bench: Bench) -> None:
    done = bench("--json", "--calls", "20", "--rounds", "1", "--sandbox", "bubblewrap")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["persistent_ms"]["median"] > 0
    peers = ("exec_ms", "ratio", "parallel_ratio", "exec_per_second", "commit_ms")
    assert {figures[name] for name in peers} == {None}
    for name in ("open_ms", "snapshot_ms", "branch_ms"):
        assert 0 < figures[name]["median"] <= figures[name]["p95"]


@pytest.mark.parametrize("wrong", [("--calls", "0"), ("--rounds", "0"), ("--rounds", "201")])
def test_counts_out_of_range_are_usage_errors(bench: Bench, wrong: tuple[str, str]) -> None:
    assert bench(*wrong).returncode == 2
