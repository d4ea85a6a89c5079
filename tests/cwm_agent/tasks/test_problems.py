"""Suites of problems: which rows a command means, and that they stay the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.problems.load import load_problems
from cwm_agent.tasks.problems.source import Rows, chosen_source, is_source, read_source
from cwm_agent.tasks.problems.suites import SUITES
from cwm_agent.tasks.suite import choose
from envs.contest.rows import contest_tests

from ...envs.contest.test_rows import row
from ..hub import Hub, serving

ROOT = Path(__file__).parents[3]
CONTEST, MATHEMATICS = "livecodebench/code_generation_lite", "HuggingFaceH4/MATH-500"
FIRST = "1" * 40
V5 = "[2024-10-01..2025-02-01]"
LOAD = (
    "import sys, json\nfrom pathlib import Path\n"
    "from cwm_agent.tasks.problems.load import load_problems\n"
    "from cwm_agent.tasks.problems.source import read_source\n"
    "found = load_problems(read_source(sys.argv[1]), pins=Path('pins.json'))\n"
    "print(json.dumps([str(found.source), [p.id for p in found.problems]]))"
)


@pytest.mark.parametrize("name", SUITES)
def test_twenty_problems_of_our_own_come_with_every_suite(name: str) -> None:
    found = load_problems(chosen_source(name, Rows("sample")))
    assert len(found.problems) == len(found.by_id()) == 20
    for problem in found.problems:
        assert problem.statement
        if problem.kind == "contest":
            tests = contest_tests(problem)
            assert len(tests.inputs) == len(tests.outputs) >= 4
            assert bool(problem.function) is bool(problem.starter)
        else:
            assert problem.gold


@pytest.mark.parametrize(
    ("name", "rows", "text", "window", "published"),
    [
        ("livecodebench", Rows(), f"livecodebench:{CONTEST}[2024-08-01..2025-05-01]", "v6", 63.5),
        ("livecodebench", Rows(window="v5"), f"livecodebench:{CONTEST}{V5}", "v5", 68.6),
        ("livecodebench", Rows("sample"), "livecodebench:sample", "", None),
        (
            "livecodebench",
            Rows(end="2025-01-01"),
            f"livecodebench:{CONTEST}[..2025-01-01]",
            "",
            None,
        ),
        ("math500", Rows(), f"math500:{MATHEMATICS}", "", 96.6),
        ("math500", Rows("a/b@main"), "math500:a/b@main", "", None),
        ("aime25", Rows("/x/rows.jsonl"), "aime25:/x/rows.jsonl", "", None),
    ],
)
def test_a_source_reads_back_what_it_writes(
    name: str, rows: Rows, text: str, window: str, published: float | None
) -> None:
    source = chosen_source(name, rows)
    assert (str(source), source.window, source.published) == (text, window, published)
    assert is_source(text)
    assert read_source(text) == source


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("livecodebench", Rows(window="v7"), "no window 'v7'; there are: v5, v6"),
        ("math500", Rows(window="v5"), "there are: none"),
        ("livecodebench", Rows(window="v5", end="2025-01-01"), "not both"),
        ("livecodebench", Rows(begin="1.2.2025"), "--from '1.2.2025' is not a date"),
        ("livecodebench", Rows(begin="20250101"), "not a date"),
        ("livecodebench", Rows(begin="2025-02-01", end="2025-01-01"), "not before"),
    ],
)
def test_bounds_that_make_no_sense(name: str, rows: Rows, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen_source(name, rows)


@pytest.mark.parametrize("text", ["swebench-verified", "math500x", "livecodebench/x", "a/b", ""])
def test_other_suites_are_no_sources(text: str) -> None:
    assert not is_source(text)
    with pytest.raises(UsageError):
        read_source(text)


def test_options_for_rows_are_for_problems_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are for livecodebench, math500"):
        choose("swebench-verified", Selection(), None, Rows("sample"))
    chosen = choose("aime24", Selection(part="0:3"), None, Rows("sample"))
    assert (len(chosen.requests), chosen.dataset) == (3, "aime24:sample")
    assert choose("aime24:sample", Selection(part="0:3"), None).dataset == chosen.dataset
    with pytest.raises(UsageError, match="leave out --dataset"):
        choose("aime24:sample", Selection(), None, Rows("sample"))
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(UsageError, match=r"has no problem$"):
        choose(f"math500:{tmp_path / 'empty.jsonl'}", Selection(), None)
    missing = Rows(str(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match="cannot read"):
        choose("livecodebench", Selection(), None, missing)
    with pytest.raises(UsageError, match="has no problem"):
        choose("livecodebench", Selection(), None, Rows("sample", begin="2030-01-01"))


def load(folder: Path, hub: Hub, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(folder / "hf"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", LOAD, name],
        cwd=folder, env=os.environ | variables | environment, capture_output=True, text=True,
    )  # fmt: skip


def test_rows_of_the_hub_are_pinned_by_revision_and_checksum(tmp_path: Path) -> None:
    lines = [
        json.dumps(row(name, date)) for name, date in (("a", "2024-09-01"), ("b", "2025-03-01"))
    ]
    files = {
        "README.md": b"---\nlicense: mit\n---\n",
        "code_generation_lite.py": b"raise SystemExit('a script is never run')",
        "test.jsonl": f"{lines[0]}\n".encode(),
        "test2.jsonl": f"{lines[1]}\n".encode(),
    }
    with serving(Hub({(CONTEST, FIRST): files}, {CONTEST: FIRST})) as hub:
        done = load(tmp_path, hub, "livecodebench")
        assert done.returncode == 0, done.stderr
        bounds = "[2024-08-01..2025-05-01]"
        assert json.loads(done.stdout) == [f"livecodebench:{CONTEST}@{FIRST}{bounds}", ["a", "b"]]
    pins = json.loads((tmp_path / "pins.json").read_text())
    assert pins[CONTEST] == FIRST
    name = f"{CONTEST}@{FIRST}/test2.jsonl"
    (tmp_path / "pins.json").write_text(json.dumps(pins | {name: "0" * 64}))
    changed = load(tmp_path, hub, "livecodebench", HF_HUB_OFFLINE="1")
    assert "is not what it was at its first use" in changed.stderr
