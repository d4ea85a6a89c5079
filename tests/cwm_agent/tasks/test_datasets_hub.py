"""Suites from a hub: pinned at the first use, and the cache without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...envs.swebench_rows import row
from ..hub import Hub, parquet, serving

ROOT = Path(__file__).parents[3]
NAME = "SWE-bench/SWE-bench_Verified"
FIRST, SECOND, THIRD = "1" * 40, "2" * 40, "3" * 40
LOAD = (
    "import sys, json\nfrom pathlib import Path\n"
    "from cwm_agent.errors import NotReadyError\nfrom cwm_agent.tasks.datasets import load_suite\n"
    "from envs.swebench.rows import RowError\n"
    "for name in sys.argv[1:]:\n"
    "    try:\n        suite = load_suite(name, pins=Path('pins.json'))\n"
    "        said = [suite.source, [instance.id for instance in suite.instances]]\n"
    "    except (NotReadyError, RowError) as error:\n        said = str(error)\n"
    "    print(json.dumps(said))"
)
FIRST_ROWS = [f"{NAME}@{FIRST}", ["a__x-1"]]
SECOND_ROWS = [f"{NAME}@{SECOND}", ["a__x-1", "a__x-2"]]


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


def load(folder: Path, hub: Hub, *names: str, **environment: str) -> list[Any]:
    """What one process gets for each name: the suite's source and rows, or the error's text.

    The packages take seconds to import, and take their settings from the environment then.
    """
    variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(folder / "hf"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *names],
        cwd=folder, env=os.environ | variables | environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_first_revision_stays_and_needs_no_network_then(tmp_path: Path, hub: Hub) -> None:
    assert load(tmp_path, hub, "swebench-verified") == [FIRST_ROWS]
    hub.newest[NAME] = SECOND
    same, named, old, none = load(
        tmp_path, hub, "swebench-verified", f"{NAME}@{SECOND}", f"{NAME}@old", f"{NAME}@none"
    )
    assert (same, named) == (FIRST_ROWS, SECOND_ROWS)
    assert "lacks image, eval_script, log_parser, eval_type, which swebench 5" in old
    assert f"cannot get the data set {NAME}@none" in none
    assert json.loads((tmp_path / "pins.json").read_text()) == {NAME: FIRST}
    asked = len(hub.asked)
    # The `datasets` package gives what was loaded last, whichever revision is wanted.
    same, named, absent = load(
        tmp_path, hub, "swebench-verified", f"{NAME}@{SECOND}", f"{NAME}@{THIRD}",
        HF_HUB_OFFLINE="1",
    )  # fmt: skip
    assert (same, named, len(hub.asked)) == (FIRST_ROWS, SECOND_ROWS, asked)
    assert f"cannot get the data set {NAME}@{THIRD} (NotReadyError: only " in absent


@pytest.mark.parametrize(
    "away",
    [
        {"HF_ENDPOINT": "http://127.0.0.1:9"},
        pytest.param({"HF_HUB_OFFLINE": "1"}, marks=pytest.mark.slow),
    ],
    ids=["nobody answers", "switched off"],
)
def test_without_a_network_what_was_loaded_once_is_there(
    tmp_path: Path, hub: Hub, away: dict[str, str]
) -> None:
    (unknown,) = load(tmp_path, hub, "swebench-verified", **away)
    assert "cannot get the data set SWE-bench/SWE-bench_Verified (" in unknown
    assert "or give a local copy" in unknown
    load(tmp_path, hub, f"{NAME}@main")
    (tmp_path / "pins.json").unlink(missing_ok=True)
    assert load(tmp_path, hub, "swebench-verified", **away) == [FIRST_ROWS]
