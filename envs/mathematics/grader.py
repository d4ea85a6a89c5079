"""Grades many answers in processes that are ended when they take too long."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal

from envs.errors import SandboxError
from envs.problem.problem import Problem
from envs.problem.workers import Workers

MEMORY_BYTES = 4 * 2**30
START_SECONDS = 120.0
"""How long a process may take to be ready: it loads sympy."""

MathematicsOutcome = Literal["right", "wrong", "timeout", "error"]


@dataclass(frozen=True, slots=True)
class MathematicsVerdict:
    """`seconds` are of the clock, `cpu_seconds` of a processor."""

    outcome: MathematicsOutcome
    detail: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Given:
    """The answer of an attempt at a problem; `name` is the caller's and unique."""

    name: str
    answer: str
    problem: Problem


Seen = Callable[[Given, MathematicsVerdict, int], None]
"""As in envs.contest.grader."""


class Comparer:
    """One process that compares, started when it is needed and again after it was ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def compare(self, gold: str, answer: str, *, integer: bool) -> MathematicsVerdict:
        """Whether they are the same; raises SandboxError when no process can be started."""
        process = self._process or self._start()
        began = time.monotonic()
        found = self._ask(process, gold, answer, integer, self.seconds)
        seconds = round(time.monotonic() - began, 4)
        if found is None:
            limit = f"no verdict within {self.seconds:g} s"
            ended = process.poll() is not None
            self.close()
            if ended:
                return MathematicsVerdict("error", "the comparing process ended", seconds)
            return MathematicsVerdict("timeout", limit, seconds, self.seconds)
        if "same" not in found:
            return MathematicsVerdict("error", str(found.get("error")), seconds)
        outcome: MathematicsOutcome = "right" if found["same"] else "wrong"
        return MathematicsVerdict(outcome, "", seconds, float(found["seconds"]))

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "envs.mathematics.process", str(MEMORY_BYTES)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
        )
        self._process = process
        if self._ask(process, "1", "1", False, START_SECONDS) is None:
            self.close()
            raise SandboxError(
                "answers cannot be compared: install math-verify (pip install 'cwm-agent[math]')",
                cause="not_available",
            )
        return process

    @staticmethod
    def _ask(
        process: subprocess.Popen[str], gold: str, answer: str, integer: bool, seconds: float
    ) -> dict[str, Any] | None:
        """The process's answer, None when it ended or took too long."""
        source, target = process.stdout, process.stdin
        assert source is not None
        assert target is not None
        try:
            target.write(json.dumps({"gold": gold, "answer": answer, "integer": integer}) + "\n")
            target.flush()
        except OSError:
            process.wait()
            return None
        line = _line(source, seconds)
        return json.loads(line) if line else None


def _line(source: IO[str], seconds: float) -> str:
    """The next line, which a process writes at once; "" when it does not come in time."""
    if not select.select([source], [], [], seconds)[0]:
        return ""
    return source.readline()


@dataclass
class MathematicsGrader:
    """`workers` processes; `seconds` for each answer."""

    workers: int = 1
    seconds: float = 30.0

    def grade(self, given: Iterable[Given], seen: Seen) -> None:
        """Grade all; what is too slow is compared again at the end, alone."""
        slow = self._round(iter(given), seen, self.workers, again=True)
        if slow:
            self._round(iter(slow), seen, 1, again=False)

    def _round(
        self, given: Iterator[Given], seen: Seen, workers: int, *, again: bool
    ) -> list[Given]:
        lock, slow, pool = threading.Lock(), list[Given](), Workers()

        def work() -> None:
            comparer = Comparer(self.seconds)
            try:
                while True:
                    with lock:
                        item = None if pool.failure else next(given, None)
                    if item is None:
                        return
                    problem = item.problem
                    verdict = comparer.compare(
                        problem.gold, item.answer, integer=problem.kind == "integer"
                    )
                    with lock:
                        if again and verdict.outcome == "timeout":
                            slow.append(item)
                        else:
                            seen(item, verdict, 1 if again else 2)
            finally:
                comparer.close()

        pool.run([work] * workers)
        return slow
