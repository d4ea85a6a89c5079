"""Grades many patches at once, each in a worker of its own, and never the same one twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from cwm_agent.scoring.candidates import Candidate
from envs.errors import SandboxError
from envs.images.pull_errors import PullError
from envs.swebench.grader import Graded
from results.records import Verdict
from results.scores import Score, ScoreBook


class PatchGrader(Protocol):
    """Grades one patch at a time; `envs.swebench.grader.Grader` is the real one."""

    def grade(
        self, row: Mapping[str, Any], patch: str, model: str = ..., *, apply: bool = ...
    ) -> Graded:
        """The outcome for one patch."""
        ...

    def close(self) -> None:
        """End it, also in the middle of a grading."""
        ...


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """`tries` is how often a grading is begun that the infrastructure spoils.

    The waits between grow from `first_wait` to `longest_wait` seconds.
    """

    workers: int = 1
    tries: int = 3
    first_wait: float = 5.0
    longest_wait: float = 60.0


if TYPE_CHECKING:
    from tenacity import RetryCallState

HaveImage = Callable[[str], object]
"""Makes sure that an image is here; raises SandboxError."""


@dataclass
class Pool:
    """Where the graders come from and where the scores go.

    `begun` is called for each patch whose turn has come, `seen` for each score.
    """

    make_grader: Callable[[], PatchGrader]
    have_image: HaveImage
    book: ScoreBook
    options: PoolOptions
    seen: Callable[[Candidate, Score], None]
    begun: Callable[[Candidate], None] = lambda _candidate: None

    def run(self, work: Sequence[Candidate]) -> None:
        """Grade all; what was graded is in the book, also when this ends by an exception.

        At Ctrl-C the gradings under way are ended: they are short, and the
        same command goes on with them.
        """
        stopping = threading.Event()
        made = [self.make_grader() for _ in range(min(self.options.workers, len(work)))]
        idle: SimpleQueue[PatchGrader] = SimpleQueue()
        for grader in made:
            idle.put(grader)
        executor = ThreadPoolExecutor(self.options.workers, "score")
        try:
            futures = [executor.submit(self._one, item, idle, stopping) for item in work]
            for future in as_completed(futures):
                future.result()
        finally:
            stopping.set()
            executor.shutdown(wait=False, cancel_futures=True)
            for grader in made:
                grader.close()
            executor.shutdown()

    def _one(
        self,
        candidate: Candidate,
        idle: SimpleQueue[PatchGrader],
        stopping: threading.Event,
    ) -> None:
        grader = idle.get()
        try:
            self.begun(candidate)
            score = self._graded(candidate, grader, stopping)
        finally:
            idle.put(grader)
        if stopping.is_set() and score.outcome == "infrastructure":
            return  # it was us who ended it
        self.book.add(score)
        self.seen(candidate, score)

    def _graded(
        self, candidate: Candidate, grader: PatchGrader, stopping: threading.Event
    ) -> Score:
        """The score; while the infrastructure fails and tries are left, it is tried again.

        Not so where the image cannot be had: getting it has retries of its own.
        """
        try:
            self.have_image(candidate.instance.image)
        except SandboxError as error:
            if isinstance(error, PullError):
                error = error.buildable(candidate.instance.build)
            verdict = Verdict(False, detail=str(error))
            return Score(*candidate.key, "infrastructure", verdict, tries=0)
        spent: list[float] = []

        def grade_once() -> Graded:
            graded = grader.grade(
                candidate.instance.row,
                candidate.scored,
                candidate.prediction.model,
                apply=candidate.apply,
            )
            spent.append(graded.seconds)
            return graded

        graded = self._patiently(grade_once, stopping)
        return Score(
            *candidate.key,
            graded.outcome,
            graded.verdict,
            seconds=round(sum(spent), 3),
            tries=len(spent),
            log=graded.log,
            failure=graded.failure,
            environmental=graded.environmental,
            enforced=graded.enforced,
            under=replace(candidate.under, image=graded.image),
        )

    def _patiently(self, grade_once: Callable[[], Graded], stopping: threading.Event) -> Graded:
        from tenacity import (
            Retrying,
            retry_if_result,
            sleep_using_event,
            stop_after_attempt,
            stop_when_event_set,
            wait_random_exponential,
        )

        options = self.options
        retrying = Retrying(
            retry=retry_if_result(lambda graded: graded.outcome == "infrastructure"),
            stop=stop_after_attempt(options.tries) | stop_when_event_set(stopping),
            wait=wait_random_exponential(options.first_wait, options.longest_wait),
            sleep=sleep_using_event(stopping),
            retry_error_callback=_last,
        )
        return retrying(grade_once)


def _last(state: RetryCallState) -> Graded:
    """What the last try gave, where none gave a verdict."""
    assert state.outcome is not None
    graded: Graded = state.outcome.result()
    return graded
