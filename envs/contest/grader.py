"""Grades many solutions, a sandbox on each processor; what is too slow is run again, alone.

A clock says little on a busy machine: the second run has the machine to
itself, and its verdict counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice

from envs.contest.batch import ContestLimits, ContestVerdict, Work, install, run_batch
from envs.contest.rows import contest_tests
from envs.errors import SandboxError
from envs.problem.problem import Problem
from envs.problem.workers import Workers
from envs.sandbox.sandbox import Sandbox, SandboxLimits

BATCH = 32
"""Solutions that one runner is given: those of a crash are run again, those after it not yet."""
KEPT_TESTS = 4
LOST = "the process that ran it was ended, twice"

MakeSandbox = Callable[[SandboxLimits], Sandbox]


@dataclass(frozen=True, slots=True)
class Solution:
    """The code of an attempt at a problem; `name` is the caller's and unique."""

    name: str
    code: str
    problem: Problem


Seen = Callable[[Solution, ContestVerdict, int], None]
"""Told of each final verdict, and of how many tries it took; by several threads, one at a time."""


@dataclass
class ContestGrader:
    """`cores` are the processors to use, each by one worker."""

    make_sandbox: MakeSandbox
    cores: Sequence[int]
    limits: ContestLimits = field(default_factory=ContestLimits)

    def grade(self, solutions: Iterable[Solution], seen: Seen) -> None:
        """Grade all; raises SandboxError where no sandbox can be had, RowError for bad tests.

        Solutions of one problem should follow each other: its tests are read once then.
        """
        slow = _Round(self, iter(solutions), seen, again=True).run(self.cores)
        if slow:
            _Round(self, iter(slow), seen, again=False).run(self.cores[:1])


class _Round:
    """One pass over solutions. With `again`, slow ones are kept for the next, not reported."""

    def __init__(
        self, grader: ContestGrader, solutions: Iterator[Solution], seen: Seen, *, again: bool
    ) -> None:
        self._grader = grader
        self._solutions = solutions
        self._seen = seen
        self._again = again
        self._size = BATCH if again else 1
        self._lock = threading.Lock()
        self._slow: list[Solution] = []
        self._workers = Workers()
        self._tests = lru_cache(KEPT_TESTS)(contest_tests)

    def run(self, cores: Sequence[int]) -> list[Solution]:
        """The slow ones; raises what the first failing worker raised."""
        self._workers.run([partial(self._work, core) for core in cores])
        return self._slow

    def _work(self, core: int) -> None:
        place = _Place(self._grader)
        try:
            while batch := self._take():
                self._grade(place, batch, core)
        finally:
            place.close()

    def _take(self) -> list[Solution]:
        with self._lock:
            return [] if self._workers.failure else list(islice(self._solutions, self._size))

    def _grade(self, place: _Place, batch: list[Solution], core: int) -> None:
        left = batch
        alone = False
        while left:
            part = left[:1] if alone else left
            work = [self._prepared(solution) for solution in part]
            found = place.run(work, core)
            for solution in part:
                if solution.name in found:
                    self._settle(solution, found[solution.name])
            missing = [solution for solution in part if solution.name not in found]
            if alone and missing:
                total = len(work[0].tests.outputs)
                self._settle(missing[0], ContestVerdict("died", 0, total, LOST))
                missing = []
            left = missing + left[len(part) :]
            alone = bool(missing)

    def _prepared(self, solution: Solution) -> Work:
        problem = solution.problem
        with self._lock:
            tests = self._tests(problem)
        return Work(solution.name, solution.code, problem.function, tests)

    def _settle(self, solution: Solution, verdict: ContestVerdict) -> None:
        with self._lock:
            if self._again and verdict.outcome == "timeout":
                self._slow.append(solution)
            else:
                self._seen(solution, verdict, 1 if self._again else 2)


class _Place:
    """A worker's sandbox, a fresh one after any that did not carry out its batch."""

    def __init__(self, grader: ContestGrader) -> None:
        self._grader = grader
        self._sandbox: Sandbox | None = None

    def run(self, work: Sequence[Work], core: int) -> dict[str, ContestVerdict]:
        """As far as the runner came; raises SandboxError where no sandbox can be had."""
        limits = self._grader.limits
        if self._sandbox is None:
            sandbox = self._grader.make_sandbox(limits.sandbox())
            sandbox.open()
            self._sandbox = sandbox
            install(sandbox)
        try:
            found = run_batch(self._sandbox, work, limits, core)
        except SandboxError:
            self.close()
            if len(work) > 1:
                return {}
            raise
        if len(found) < len(work):
            self.close()
        return found

    def close(self) -> None:
        """End the sandbox, if there is one."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()
