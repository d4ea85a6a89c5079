"""What a seed draws never changes unless a change means it: digests of whole tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DIGESTS = {
    200: "dac16c5f09bcb04a8466e3b3029adb0a8d9f9b75dbfa918d81e0345248b1db74",
    2000: "9b027421077e44e504f05eaa9e1e48b3705e0623325530dfa61c280010b8304a",
}
PROGRAM = """
import hashlib, json, sys
from cwm_agent.generated.task import draw_task

digest = hashlib.sha256()
for split in ("train", "seen", "unseen", "phrasing"):
    for number in range(int(sys.argv[1]) // 4):
        task = draw_task(f"{split}:{number}", split)
        wrong = [bug.wrong_source for bug in task.bugs]
        parts = [task.seed, task.split, task.files, task.right_files, task.issue.text, wrong]
        digest.update(json.dumps(parts).encode())
print(digest.hexdigest())
"""
WRONG = "def letters(one, other):\n    return ''.join(list(set(one) & set(other)))"
"""A bug of the task `train:111`: `sorted` of a set of texts became `list`."""
OUTCOMES = f"""
from cwm_agent.generated.probes import outcomes
print(outcomes({WRONG!r}, "letters", ["'dace', 'edca'", "'abcdefgh', 'hgfedcba'"]))
"""


def printed(hash_seed: str, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("tasks", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_same_seeds_draw_the_same_tasks(tasks: int) -> None:
    assert printed("random", PROGRAM, str(tasks)) == DIGESTS[tasks]


def test_what_a_bug_does_to_the_order_of_a_set_does_not_depend_on_the_hash_seed() -> None:
    assert printed("1", OUTCOMES) == printed("2", OUTCOMES) == printed("0", OUTCOMES)
