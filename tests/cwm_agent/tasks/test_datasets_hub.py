"""Suites from a hub: pinned at the first use, and the cache without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...envs.swebench_rows import row
from ..hub import Hub, parquet, serving

ROOT = Path(__file__).parents[3]
NAME = "SWE-bench/SWE-bench_Verified"
FIRST, SECOND = "1" * 40, "2" * 40
LOAD = (
    "import sys, json\nfrom pathlib import Path\n"
    "from cwm_agent.tasks.datasets import load_suite\n"
    "suite = load_suite(sys.argv[1], pins=Path('pins.json'))\n"
    "print(json.dumps([suite.source, [instance.id for instance in suite.instances]]))"
)


@pytest.fixture
def hub() -> Iterator[Hub]:
    readme = b"---\nlicense: mit\n---\n"
    file = "data/test-00000-of-00001.parquet"
    old = row("a__old-1")
    for field in ("image", "eval_script", "log_parser", "eval_type"):
        del old[field]
    revisions = {
        (NAME, FIRST): {"README.md": readme, file: parquet(row("a__x-1"))},
        (NAME, SECOND): {"README.md": readme, file: parquet(row("a__x-1"), row("a__x-2"))},
        (NAME, "old"): {"README.md": readme, file: parquet(old)},
    }
    with serving(Hub(revisions, {NAME: FIRST})) as made:
        yield made


def load(folder: Path, hub: Hub, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(folder / "hf"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", LOAD, name],
        cwd=folder, env=os.environ | variables | environment, capture_output=True, text=True,
    )  # fmt: skip


def test_the_first_revision_stays_and_needs_no_network_then(tmp_path: Path, hub: Hub) -> None:
    done = load(tmp_path, hub, "swebench-verified")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [f"{NAME}@{FIRST}", ["a__x-1"]]
    hub.newest[NAME] = SECOND
    assert load(tmp_path, hub, "swebench-verified").stdout == done.stdout
    asked = len(hub.asked)
    offline = load(tmp_path, hub, "swebench-verified", HF_HUB_OFFLINE="1")
    assert (offline.stdout, len(hub.asked)) == (done.stdout, asked), offline.stderr
    named = load(tmp_path, hub, f"{NAME}@{SECOND}")
    assert json.loads(named.stdout) == [f"{NAME}@{SECOND}", ["a__x-1", "a__x-2"]]
    assert json.loads((tmp_path / "pins.json").read_text()) == {NAME: FIRST}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (f"{NAME}@old", "lacks image, eval_script, log_parser, eval_type, which swebench 5"),
        (f"{NAME}@none", f"cannot get the data set {NAME}@none"),
    ],
)
def test_a_revision_that_is_too_old_or_is_not_there(
    tmp_path: Path, hub: Hub, name: str, error: str
) -> None:
    done = load(tmp_path, hub, name)
    assert done.returncode == 1
    assert error in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "known", [{}, pytest.param({"HF_HUB_OFFLINE": "1"}, marks=pytest.mark.slow)]
)
def test_without_a_network_what_was_loaded_once_is_there(
    tmp_path: Path, hub: Hub, known: dict[str, str]
) -> None:
    away = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    unknown = load(tmp_path, hub, "swebench-verified", **away)
    said = unknown.stderr.splitlines()[-1]
    assert "NotReadyError: cannot get the data set SWE-bench/SWE-bench_Verified (" in said
    assert "or give a local copy" in said
    first = load(tmp_path, hub, f"{NAME}@main")
    assert first.returncode == 0, first.stderr
    (tmp_path / "pins.json").unlink(missing_ok=True)
    again = load(tmp_path, hub, "swebench-verified", **away, **known)
    assert json.loads(again.stdout or "0") == [f"{NAME}@{FIRST}", ["a__x-1"]], again.stderr
