"""Two thousand solutions in one batch: killed in the middle, resumed, and graded a second time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from cwm_agent.tasks.problems.load import load_problems
from cwm_agent.tasks.problems.source import read_source
from envs.bubblewrap.sandbox import PREFIX
from envs.sandbox.owner import LABEL, OWNER_FILE

ROOT = Path(__file__).parents[3]
SAMPLE = "livecodebench:sample"
RIGHT = {
    "lamp-rows": "n = int(input())\nprint(sum(input().count('o') for _ in range(n)))",
    "two-buckets": "a, b = map(int, input().split())\nprint(abs(a - b) / 2)",
    "giant-power": "print(3 ** int(input()))",
    "mirror-list": "class Solution:\n    def mirror(self, v):\n        return v + v[::-1]",
}
OTHERS = (
    "print(7)",
    "print(input())",
    "1 / 0",
    "class Solution:\n    def __getattr__(self, name):\n        return lambda *a: a[0]",
    "import posix\nwhile True: posix.fork()",
    "import posix\nposix.kill(posix.getppid(), 9)",
    "x = [0] * 10**10",
    "print('x' * 10**8)",
    "import ctypes\nctypes.string_at(0)",
    "syntax error",
)
SLOW = "while True: pass"


def write_answers(path: Path, count: int) -> Counter[str]:
    """`count` different solutions over all problems, few of them slow; how many per problem."""
    ids = [problem.id for problem in load_problems(read_source(SAMPLE)).problems]
    rows = []
    for number in range(count):
        name = ids[number % len(ids)]
        code = OTHERS[number // len(ids) % len(OTHERS)]
        if name in RIGHT and number % 3:
            code = RIGHT[name]
        if number % 400 == 5:
            code = SLOW
        patch = f"{code}\n# {number}"
        rows.append({"instance_id": name, "model_name_or_path": "made", "model_patch": patch})
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return Counter(row["instance_id"] for row in rows)


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable, "-m", "cwm_agent", "score", "answers.jsonl", "--dataset", SAMPLE,
            "--workers", "2", "--test-seconds", "3", "--set", "sandbox.kind=bubblewrap", *more,
        ],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def scored(folder: Path) -> list[dict[str, object]]:
    path = folder / "answers-scores" / "scores" / "scores.jsonl"
    if not path.exists():
        path = folder / "answers-scores" / "scores.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def verdicts(scores: list[dict[str, object]]) -> dict[object, object]:
    return {score["patch"]: score["outcome"] for score in scores}


def left_by(*pids: int) -> list[str]:
    """Sandboxes of these processes that are still there."""
    found = []
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER_FILE}"):
        with contextlib.suppress(OSError, ValueError):
            if int(json.loads(path.read_text())[f"{LABEL}pid"]) in pids:
                found.append(path.parent.name)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("count", [2000])
def test_a_large_batch(tmp_path: Path, count: int) -> None:
    write_answers(tmp_path / "answers.jsonl", count)
    killed = start(tmp_path)
    while len(scored(tmp_path)) < count // 3 and killed.poll() is None:
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = scored(tmp_path)
    assert count // 3 <= len(first) < count, "it was killed in the middle"
    resumed = start(tmp_path)
    most = 0
    while resumed.poll() is None:
        try:
            most = max(most, psutil.Process(resumed.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.5)
    assert resumed.wait() == 0
    whole = scored(tmp_path)
    assert whole[: len(first)] == first, "what was graded is not graded again"
    assert len(whole) == len(verdicts(whole)) == count
    second = start(tmp_path, "--again")
    assert second.wait() == 0
    again = scored(tmp_path)[count:]
    assert verdicts(again) == verdicts(whole)
    outcomes = Counter(verdicts(whole).values())
    assert outcomes["timeout"] == len(range(5, count, 400))
    assert outcomes["resolved"] > count // 10
    assert most < 2**30, "memory does not grow with the number of solutions"
    assert left_by(killed.pid, resumed.pid, second.pid) == []
