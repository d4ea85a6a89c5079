"""Solutions graded in real sandboxes, hostile ones among them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import envs

from .conftest import Grade

RIGHT = "print(int(input()) + 1)"
SLOW = "while True: pass"
# What each does to the others must not be seen in the verdict of RIGHT, which follows it.
HOSTILE = {
    "while True: print('x' * 1000)": "output",
    "x = [0] * 10**10": "memory",
    "import ctypes\nctypes.string_at(0)": "died",
    "import posix\nposix._exit(0)": "died",
    "import posix\nwhile True: posix.fork()": "error",
    "import posix\nposix.kill(posix.getppid(), 9)": "error",
    "import posix\nposix.kill(-1, 9)": "error",
    "import posix\nposix.execv('/bin/sh', ['sh', '-c', 'rm -rf /'])": "error",
    "import socket\nsocket.socket()": "error",
    "import posix\nposix.unlink('/grading/contest_runner.py')": "error",
    "import posix\nposix.mkdir('/tmp/left')": "error",
    "open('/tmp/left', 'w').write('x')": "error",
    "import io\nio.open('/grading/results', 'a').write('{}')": "error",
    "import posix\nposix.open(f'/proc/{posix.getppid()}/fd/3', 0)": "error",
    "import posix\nposix.open(f'/proc/{posix.getppid()}/mem', 0)": "error",
    "import posix\nposix.sched_setaffinity(posix.getppid(), {0})": "error",
    "import _posixshmem, os\n_posixshmem.shm_open('/left', os.O_CREAT | os.O_RDWR, 0o600)": "error",
    "import ctypes\nprint(ctypes.CDLL(None).shmget(7, 100, 0o1600) + 1)": "wrong",
    "import posix\nwhile True: posix.write(3, b'\\xff' * 100)": "output",
    "import posix\nposix.write(3, b'\\0\\0\\0\\2{}' * 9)": "died",
}

# Each adds one, and is right only if it runs as in the official checker.
PLAIN = (
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
    "print(A(int(input())).x + 1)",
    "import multiprocessing\nprint(int(input()) + 1)",
    "print(reduce(lambda a, b: a + b, [int(input()), 1]))",
    "from sys import stdin\nprint(int(stdin.readline()) + 1)",
    "def main():\n    print(int(input()) + 1)\nif __name__ == '__main__':\n    main()",
)


def test_hostile_solutions_fail_alone_and_leave_nothing(grade: Grade) -> None:
    codes = [code for n, attack in enumerate(HOSTILE) for code in (attack, f"{RIGHT}  # {n}")]
    found = grade(*codes, *PLAIN)
    assert len(found) == len(codes) + len(PLAIN)
    assert {code: found[code][0].outcome for code in HOSTILE} == HOSTILE
    others = {code: verdict for code, (verdict, _) in found.items() if code not in HOSTILE}
    assert {verdict.outcome for verdict in others.values()} == {"right"}
    assert all(v.passed == v.tests == 2 and v.cpu_seconds > 0 for v in others.values())


@pytest.mark.parametrize("grade", ["bubblewrap"], indirect=True)
def test_what_is_too_slow_is_run_again_alone(grade: Grade) -> None:
    found = grade(SLOW, RIGHT, workers=2)
    assert found[RIGHT][0].outcome == "right"
    assert found[RIGHT][1] == 1
    verdict, tries = found[SLOW]
    assert (verdict.outcome, verdict.detail, tries) == ("timeout", "too slow in test 1 of 2", 2)


def test_the_filter_refuses_the_same_calls_on_both_processors() -> None:
    folder = str(Path(envs.__file__).parent / "scripts")
    sys.path.insert(0, folder)
    try:
        confine = importlib.import_module("contest_confine")
    finally:
        sys.path.remove(folder)
    assert confine.available()
    for machine in confine.AUDIT:
        length = len(confine.program(machine)) // 8
        assert 100 < length < 4096, "the kernel takes no more"
    doubled = [n for pair in confine.REFUSED.values() for n in pair[:1] if n is not None]
    assert len(doubled) == len(set(doubled))
    arm = [n for pair in confine.REFUSED.values() for n in pair[1:] if n is not None]
    assert len(arm) == len(set(arm))
