"""What docs/extending.md says, done on a copy of the code: a file and a line each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.scaling.storage import save_table
from cwm_agent.scaling.table import Candidate, Cell, Column, Table

ROOT = Path(__file__).parent.parent
REPLIES = """replies:
- |-
  <tool: count>
  lines.txt
  </tool>
- |-
  <tool: bash>
  echo 3 >> lines.txt
  </tool>
- |-
  <tool: submit>

  </tool>
- Done.
"""


def extended(folder: Path) -> Path:
    """A copy of the code with the page's files, registered as the page says."""
    for name in ("cwm_agent", "envs", "tools", "results"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "model").symlink_to(ROOT / "model")
    page = (ROOT / "docs" / "extending.md").read_text()
    tool, tool_line, kind, kind_line, recipe, recipe_line = re.findall(
        r"```python\n(.*?)```", page, re.DOTALL
    )
    selection = "cwm_agent/scaling/selection"
    (folder / selection / "recipes" / "longest.py").write_text(recipe)
    (folder / "tools" / "count.py").write_text(tool)
    (folder / "envs" / "bare.py").write_text(kind)
    for registry, line, last, new in (
        ("tools/registry.py", tool_line, "    SUBMIT,\n", "    COUNT,\n"),
        ("envs/registry.py", kind_line, "    BUBBLEWRAP,\n", "    BARE,\n"),
        (f"{selection}/registry.py", recipe_line, "    POSTERIOR,\n", "    LONGEST,\n"),
    ):
        path = folder / registry
        head, future, rest = path.read_text().partition("import annotations\n")
        assert rest.count(last) == 1
        path.write_text(head + future + line + rest.replace(last, last + new))
    return folder


def test_a_new_selector_chooses(tmp_path: Path) -> None:
    code = extended(tmp_path / "code")
    candidates = tuple(
        Candidate(name, number, name, normalised=name, ast=name, size=size)
        for number, (name, size) in enumerate({"short": 5, "long": 9, "breaking": 20}.items())
    )
    cells = {c.id: {"t": Cell("fail" if c.id == "breaking" else "pass")} for c in candidates}
    table = Table("issue", candidates, (Column("t", "existing", before="pass"),), cells)
    save_table(tmp_path / "evidence.json", table)
    done = subprocess.run(
        [sys.executable, "-m", "cwm_agent", "select", str(tmp_path), "--recipe", "longest"],
        cwd=code, env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "issue: sample 1 of 3 by longest",
        "  fewest regression failures: kept short, long; out breaking",
        "  longest patch: kept long; out short",
        "  short, long are equal by the evidence: a tie-break decided",
    ]


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_new_tool_and_a_new_sandbox_solve_an_issue(tmp_path: Path) -> None:
    code = extended(tmp_path / "code")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "lines.txt").write_text("1\n2\n")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Start"]):
        subprocess.run([*git, *command], cwd=repository, check=True)
    recording = tmp_path / "replies.yaml"
    recording.write_text(REPLIES)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cwm_agent", *arguments],
            cwd=code, env={**os.environ, "PYTHONPATH": str(code)},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    done = run(
        "solve", "Add a line", "--repo", str(repository), "--replay", str(recording),
        "--sandbox", "bare", "--set", "tools=bash,submit,count",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "+3" in done.stdout
    (journal,) = (code / "runs").rglob("events.jsonl")
    events = journal.read_text()
    assert "Counts the lines of [path]." in events  # in the system message
    assert "lines.txt has 2 lines." in events  # what the tool answered
    assert "auto, docker, bubblewrap or bare" in run("solve", "x", "--sandbox", "none").stderr
