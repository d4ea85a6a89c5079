"""`cwm-agent bench shell` measures both ways on the same container."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cwm_agent", "bench", "shell", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.docker
def test_json_has_both_spreads_and_their_ratio() -> None:
    done = bench("--json", "--calls", "20")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    persistent, each = figures["persistent_ms"], figures["exec_ms"]
    assert 0 < persistent["median"] <= persistent["p95"]
    assert 0 < each["median"] <= each["p95"]
    assert figures["ratio"] == round(each["median"] / persistent["median"], 1)
    assert figures["calls"] == 20


@pytest.mark.docker
def test_an_unknown_image_is_one_line_with_the_remedy() -> None:
    done = bench("--image", "cwm-agent-test/none:1")
    assert (done.returncode, done.stdout) == (4, "")
    assert "docker pull cwm-agent-test/none:1" in done.stderr


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_has_no_exec_to_compare_with() -> None:
    done = bench("--json", "--calls", "20", "--sandbox", "bubblewrap")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["persistent_ms"]["median"] > 0
    assert (figures["exec_ms"], figures["ratio"]) == (None, None)


def test_no_calls_is_a_usage_error() -> None:
    assert bench("--calls", "0").returncode == 2
