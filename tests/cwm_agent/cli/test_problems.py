"""Suites of problems from end to end: run, score, compare, list, view."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cwm_agent.exit_codes import ExitCode
from results.store import Store

from .conftest import Command

ADD = "```python\nn = int(input())\nprint(sum(input().count('o') for _ in range(n)))\n```"
REPLIES = {
    "lamp-rows": f"Count.\n{ADD}",
    "two-buckets": "```python\na, b = map(int, input().split())\nprint(abs(a - b) / 2)\n```",
    "staircase-words": "I do not know.",
    "queue-swap": f"```python\nprint(1)\n```\n{ADD}",
}
BOXES = {"i01": r"$\boxed{083}$", "i02": r"$\boxed{1} \boxed{697}$", "i03": r"$\boxed{64}$"}


def record(folder: Path, replies: dict[str, str]) -> Path:
    folder.mkdir()
    for name, reply in replies.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"replies": [reply]}))
    return folder


def run(cwm_agent: Command, suite: str, name: str, folder: Path, replies: dict[str, str]) -> None:
    ids = [word for name in replies for word in ("--id", name)]
    done = cwm_agent(
        "run", suite, "--dataset", "sample", *ids, "--samples", "2", "--name", name,
        "--replay", str(record(folder, replies)),
    )  # fmt: skip
    assert done.returncode == ExitCode.SUCCESS, done.stderr


def test_code_is_graded_in_sandboxes(cwm_agent: Command, store: Store, tmp_path: Path) -> None:
    run(cwm_agent, "livecodebench", "code", tmp_path / "said", REPLIES)
    place = ("--set", "sandbox.kind=bubblewrap")
    done = cwm_agent("score", "code", "--json", *place)
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    report = json.loads(done.stdout)
    assert report["suite"] == "livecodebench:sample"
    lines = {line["instance"]: (line["outcome"], line["exit_reason"]) for line in report["lines"]}
    assert lines == {
        "lamp-rows": ("resolved", "submitted"),
        "two-buckets": ("resolved", "submitted"),
        "staircase-words": ("empty", "format_errors"),
        "queue-swap": ("empty", "format_errors"),
    }
    figures = report["sampled"]
    assert (figures["pass_at_1"]["value"], figures["strict"]["value"]) == (0.5, 0.5)
    assert figures["shares"]["lamp-rows"] == 1.0
    assert figures["cons_at"] == {}
    again = cwm_agent("score", "code", *place)
    assert "answers have a score already" in again.stderr
    assert "**pass@1 50.0 %" in again.stdout
    listed = json.loads(cwm_agent("ls", "--json").stdout)
    verdicts = {(row["instance"], row["verdict"]) for row in listed}
    assert verdicts == {
        ("lamp-rows", "resolved"), ("two-buckets", "resolved"),
        ("staircase-words", "unresolved"), ("queue-swap", "unresolved"),
    }  # fmt: skip
    shown = cwm_agent("view", "code", "-i", "queue-swap").stdout
    assert "2 Python blocks, not one" in shown


def test_answers_are_compared_and_lenient_ones_counted_apart(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    run(cwm_agent, "aime24", "boxes", tmp_path / "said", BOXES)
    done = cwm_agent("score", "boxes", "--json")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    report = json.loads(done.stdout)
    figures = report["sampled"]
    assert figures["pass_at_1"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["lenient"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["cons_at"]["2"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    details = {line["instance"]: line["detail"] for line in report["lines"]}
    assert details["i02"].startswith("right, but the reply breaks the rule")
    compared = cwm_agent("compare", "boxes", "boxes").stdout
    assert "pass@1 A 33.3 %, B 33.3 %, B - A 0.0 points [0.0, 0.0]" in compared


def test_the_bundled_model_is_asked_and_graded(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    done = cwm_agent(
        "run", "math500", "--dataset", "sample", "--slice", "2", "--samples", "1", "--name", "nano",
        "--set", "limits.action_tokens=8", "--model", "nano",
    )  # fmt: skip
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    info = store.open("nano").info()
    assert info.settings["sampling.temperature"].value == 1.0
    assert info.settings["sampling.temperature"].origin == "protocol of math500"
    assert info.settings["limits.context_tokens"].origin == "bundled model nano"
    report = json.loads(cwm_agent("score", "nano", "--json").stdout)
    assert (report["predictions"], report["sampled"]["samples"]) == (2, 1)
    assert report["suite_size"] == 20
